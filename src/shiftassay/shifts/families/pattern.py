"""A pattern that lies on every image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float32
from scipy.stats import norm

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.own_interval import OwnInterval

EDGE = 0.004  # grey values nearer than this to 0 or 1 may have been clipped
ENOUGH = 5  # images that must show a place of the pattern unclipped
BRIGHT = 0.5  # grey value from which a place can show negative values too
CLIPPED = 1e-4  # a quantile nearer to black or white may be one of clipped values
WHITE = 0.985  # quantiles brighter than this are white
# What tells a random pattern from a picture.
NEGLIGIBLE, MOST_NEGLIGIBLE = 0.05, 0.3  # of the sd, and the share of places below it at most; a normal draw has 4%
LARGEST_CORRELATION = 0.5  # of neighbouring places
SMALLEST_VARIANCE = 0.1  # over the sd's square; positive values alone have 0.36

Pattern = Float32[np.ndarray, "c h w"]
Places = Bool[np.ndarray, "c h w"]


@FAMILIES.register("fixed_pattern")
@dataclass(frozen=True)
class FixedPattern(Shift):
    """Add the same random pattern to every image, as a dirty or noisy sensor does.

    Parameters:
        sd: standard deviation of the normal distribution with mean 0 that the pattern is drawn from, 0 or more.
        pattern: a number for each of the c · h · w values of an image; drawn if None.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "fixed_pattern"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "sd=0.2"
    tier: ClassVar[int] = 1
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "It moves the input of every unit by a constant, the same for all images, as if someone had changed the "
        "biases of the first layer."
    )

    sd: float
    pattern: tuple[float, ...] | None = None
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    @property
    def information(self) -> Information:
        return "reduced" if self.clip else "preserved"

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "FixedPattern":
        if self.pattern is not None:
            return self
        return replace(self, pattern=tuple((self.sd * rng.standard_normal(int(np.prod(shape)))).tolist()))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The median difference of each place, if that explains half of the change.

        It is taken over the images that show the place unclipped. A place that is always black or always white only
        gives a bound: a negative value on black is never seen. The sd maximizes the likelihood of both kinds of places
        (Tobin 1958). A place with a bound can't be identified; it gets the mean, beyond its bound, of a normal
        distribution with that sd. A pattern that is 0 at many places, or similar at neighbouring ones, or the same
        everywhere, is not random but a picture (a mask, a watermark, a lamp), which is not in the catalogue.
        """
        shifted, reference = pairs.shifted, pairs.reference
        clip = bool(np.mean((shifted < -EDGE) | (shifted > 1 + EDGE)) < 1e-4)
        difference = shifted - reference
        inside = (shifted > EDGE) & (shifted < 1 - EDGE) if clip else np.ones(shifted.shape, bool)
        median, identified = _median(difference, inside, min(ENOUGH, len(pairs)))
        if not identified.any():
            return []
        counted = inside & identified
        residual = np.where(counted, difference - median, 0)
        change = np.where(counted, difference, 0)
        if (residual**2).sum(dtype=np.float64) > 0.5 * (change**2).sum(dtype=np.float64):
            return []
        noise = 1.4826 * float(np.median(np.abs(residual[counted])))
        margin = 2 * noise
        if clip and noise > EDGE:
            # Near black or white only one side of noise on top is seen, so only images that it can't take there count.
            expected = reference + median
            inside = (expected > margin) & (expected < 1 - margin)
            median, identified = _median(difference, inside, min(ENOUGH, len(pairs)))
        # Black after the shift: at most −x at the brightest x. White: at least 1 − x at the darkest.
        dark = ~identified & (shifted <= EDGE).any(0)
        white = ~identified & ~dark
        bound = _bound(pairs, white) - margin
        sd = _censored_sd(median[identified], bound[~identified])
        if not _looks_random(median, identified, sd, reference.max(0) > BRIGHT):
            return []
        mean_beyond = sd * np.exp(norm.logpdf(bound / sd) - norm.logsf(bound / sd))
        pattern = np.where(identified, median, np.where(white, mean_beyond, -mean_beyond))
        return [cls(sd, tuple(map(float, pattern.ravel())), clip)]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The sd that the pattern was drawn with: a likelihood interval.

        It is made of the places that show the pattern.
        """
        if self.pattern is None or self.sd <= 0:
            return {}
        values = np.array(self.pattern, np.float64).reshape(pairs.reference.shape[1:])
        inside = (
            (pairs.shifted > EDGE) & (pairs.shifted < 1 - EDGE) if self.clip else np.ones(pairs.shifted.shape, bool)
        )
        identified = inside.sum(0) >= min(ENOUGH, len(pairs))
        if not identified.any():
            return {}
        bound = _bound(pairs, np.all(pairs.shifted > EDGE, axis=0))
        reach = norm.ppf((1 + level) / 2) * _relative_error(self.sd, values[identified], bound[~identified])
        return {"sd": OwnInterval(self.sd, self.sd * float(np.exp(-reach)), self.sd * float(np.exp(reach)))}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._clipped(images + self._pattern(images, rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._clipped(images - self._pattern(images, rng))

    def undo_steps(self) -> Steps | None:
        if self.pattern is None:
            return None
        return Steps(
            f"pattern = np.reshape({literal(self.pattern)}, (-1, *images.shape[1:3]))\n"
            "undone = images - np.moveaxis(pattern, 0, -1).reshape(images.shape[1:])\n"
            f"images = {'np.clip(undone, 0, 1)' if self.clip else 'undone'}"
        )

    def _pattern(self, images: Images, rng: np.random.Generator) -> Float32[np.ndarray, "c h w"]:
        shape = images.shape[1:]
        pattern = np.array(self.realize(shape, rng).pattern, np.float32)
        if pattern.size != np.prod(shape):
            raise BadInput(f"fixed_pattern: it has {pattern.size} values, an image has {' × '.join(map(str, shape))}.")
        return pattern.reshape(shape)

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The median of how far each place's quantiles moved.

        Only quantiles that are neither black nor white count. It is 0 for places that are always black or white.
        """
        clip = samples.clipped
        levels = np.concatenate([np.linspace(0.02, 0.98, 33), [0.99, 0.995]])
        before, after = (np.quantile(side, levels, axis=0) for side in (samples.some_reference, samples.some_shifted))
        inside = (after > CLIPPED) & (after < 1 - CLIPPED) if clip else np.ones(after.shape, bool)
        with np.errstate(all="ignore"):
            # What was black or white before shows the pattern itself; greys only to the errors of two quantiles.
            exact = inside & ((before < CLIPPED) | (before > WHITE))
            moved = np.where(np.where(exact.any(axis=0), exact, inside), after - before, np.nan)
            identified = inside.any(axis=0)
            pattern = np.zeros(identified.shape)
            pattern[identified] = np.nanmedian(moved[:, identified], axis=0)
        if clip:  # black that stays black bounds a place's value, and so does white
            black, white = CLIPPED, 1 - CLIPPED
            pattern = np.where((before[0] < black) & (after[0] < black), np.minimum(pattern, 0), pattern)
            pattern = np.where((before[-1] > white) & (after[-1] > white), np.maximum(pattern, 0), pattern)
            pattern[~identified & (before[0] < black) & (after[0] > white)] = 1
            pattern[~identified & (before[-1] > white) & (after[-1] < black)] = -1
        if not identified.any():
            return []
        # Negative values are cut off at black, so the spread comes from the positive ones.
        uncut = pattern[pattern > 0] if clip and (pattern > 0).any() else pattern[identified]
        sd = float(np.sqrt(np.mean(uncut**2)))
        return [cls(sd, tuple(map(float, pattern.ravel())), clip)]


def _bound(pairs: Pairs, white: Places) -> Pattern:
    """By how much a value exceeds 0 at least.

    At places that are never seen between black and white.
    """
    seen_black = np.max(np.where(pairs.shifted <= EDGE, pairs.reference, 0), 0)
    return np.where(white, np.max(1 - pairs.reference, 0), seen_black) - EDGE


def _looks_random(pattern: Pattern, identified: Places, sd: float, bright: Places) -> bool:
    """Whether the identified values of a pattern look drawn one by one.

    Places that are always black show positive values only, so these are centred separately.
    """
    if not identified.any() or np.mean(np.abs(pattern[identified]) < NEGLIGIBLE * sd) > MOST_NEGLIGIBLE:
        return False
    centered = np.zeros(pattern.shape)
    for group in (identified & bright, identified & ~bright):
        if group.any():
            centered[group] = pattern[group] - pattern[group].mean()
    across = identified[..., 1:] & identified[..., :-1]
    down = identified[..., 1:, :] & identified[..., :-1, :]
    products = np.concatenate(
        [
            (centered[..., 1:] * centered[..., :-1])[across],
            (centered[..., 1:, :] * centered[..., :-1, :])[down],
        ]
    )
    variance = float(np.mean(centered[identified] ** 2))
    if variance < SMALLEST_VARIANCE * sd**2:
        return False
    return products.size == 0 or float(products.mean()) <= LARGEST_CORRELATION * max(variance, 1e-12)


def _median(
    values: Float32[np.ndarray, "n c h w"], chosen: Bool[np.ndarray, "n c h w"], enough: int
) -> tuple[Pattern, Places]:
    """The median of each place's chosen values, and the places where they are enough.

    0 elsewhere.
    """
    counts = chosen.sum(0)
    ordered = np.sort(np.where(chosen, values, np.inf), 0)
    middle = (np.take_along_axis(ordered, np.maximum(k, 0)[None], 0)[0] for k in ((counts - 1) // 2, counts // 2))
    identified = (counts >= enough) & (counts > 0)
    lower, upper = (np.where(identified, values, 0) for values in middle)
    return ((lower + upper) / 2).astype(np.float32), identified


def _censored_sd(values: np.ndarray, bounds: np.ndarray) -> float:
    """The maximum-likelihood sd of censored normal numbers with mean 0.

    Some have values, others are only known to exceed a bound.
    """
    return float(np.exp(lowest(lambda log_sd: _loss(log_sd, values, bounds), np.log(1e-4), np.log(1e3))[0]))


def _relative_error(sd: float, values: np.ndarray, bounds: np.ndarray) -> float:
    """The standard error of the logarithm of that sd, from the curvature of the likelihood."""
    at, step = float(np.log(sd)), 0.01
    low, middle, high = (_loss(at + by, values, bounds) for by in (-step, 0, step))
    return step / float(np.sqrt(max(low - 2 * middle + high, 1e-12)))


def _loss(log_sd: float, values: np.ndarray, bounds: np.ndarray) -> float:
    """Minus the logarithm of the likelihood, up to a constant."""
    sd = np.exp(log_sd)
    return float((values**2).sum() / (2 * sd**2) + len(values) * log_sd - norm.logsf(bounds / sd).sum())
