"""A pattern that lies on every image."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.stats import norm

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check

EDGE = 0.004  # grey values nearer than this to 0 or 1 may have been clipped
STILL, FEW = 0.3, 0.05  # share of places, at most, whose value is below so much of the sd: a normal draw has 4%
ALIKE = 0.5  # correlation of neighbouring places, at most
EVEN = 0.1  # of the sd's square, at least, is the variance: of positive values alone it is 0.36
BRIGHT = 0.5  # grey value from which a place can show negative values too
CLIPPED = 1e-4  # a quantile nearer to black or white may be one of clipped values
WHITE = 0.985
SEEN = 5  # images that must show a place of the pattern unclipped


@FAMILIES.register("fixed_pattern")
@dataclass(frozen=True)
class FixedPattern(Shift):
    """x + pattern, the same for every image: normal with mean 0 and standard deviation `sd`, drawn if none is given.

    `pattern` has a number for each of the c · h · w values of an image. Clipped to [0, 1] or not.
    """

    family: ClassVar[str] = "fixed_pattern"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "sd=0.2"
    tier: ClassVar[int] = 1
    approximate: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "It moves the input of every unit by a constant, the same for all images, as if someone had changed the biases of the first layer."
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
        """The median difference of each place, over the images that show it unclipped, where it explains half of the change.

        A place that is always black, or always white, gives a bound alone (a negative value on what is black is never seen). The
        sd is then that of greatest likelihood under both kinds of places (Tobin 1958), and such a place gets the mean beyond its
        bound of a normal distribution with it: that value can't be identified. What is 0 at many places, or alike at neighbouring
        ones or at all, is no draw but a picture (a mask, a watermark, a lamp), which is not in the catalogue.
        """
        shifted, reference = pairs.shifted, pairs.reference
        clip = bool(np.mean((shifted < -EDGE) | (shifted > 1 + EDGE)) < 1e-4)
        difference = shifted - reference
        inside = (shifted > EDGE) & (shifted < 1 - EDGE) if clip else np.ones(shifted.shape, bool)
        median, known = _median(difference, inside, min(SEEN, len(pairs)))
        if not known.any():
            return []
        left = np.where(inside & known, difference - median, 0)
        if (left**2).sum(dtype=np.float64) > 0.5 * (np.where(inside & known, difference, 0) ** 2).sum(dtype=np.float64):
            return []
        # Black after the shift: at most −x at the brightest x. White: at least 1 − x at the darkest.
        noise = 1.4826 * float(np.median(np.abs(left[inside & known])))
        margin = 2 * noise
        if clip and noise > EDGE:
            # Of noise on top only one side is seen near black or white: images are chosen by where noise alone can't take them there.
            middle = reference + median
            inside = (middle > margin) & (middle < 1 - margin)
            median, known = _median(difference, inside, min(SEEN, len(pairs)))
        dark = ~known & (shifted <= EDGE).any(0)
        white = ~known & ~dark
        bound = np.where(white, np.min(1 - reference, 0), np.max(np.where(shifted <= EDGE, reference, 0), 0)) - margin
        sd = _censored_sd(median[known], bound[~known])
        if not _drawn(median, known, sd, reference.max(0) > BRIGHT):
            return []
        beyond = sd * np.exp(norm.logpdf(bound / sd) - norm.logsf(bound / sd))
        pattern = np.where(known, median, np.where(white, beyond, -beyond))
        return [cls(sd, tuple(map(float, pattern.ravel())), clip)]

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._clipped(images + self._field(images, rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._clipped(images - self._field(images, rng))

    def _field(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        shape = images.shape[1:]
        fixed = np.array(self.realize(shape, rng).pattern, np.float32)
        if fixed.size != np.prod(shape):
            raise BadInput(f"fixed_pattern: it has {fixed.size} values, an image has {' × '.join(map(str, shape))}.")
        return fixed.reshape(shape)

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The median, over quantiles that are neither black nor white, of how far each place's values moved; 0 where none is seen."""
        reference, shifted, clip = samples.few, samples.seen, samples.clipped
        levels = np.concatenate([np.linspace(0.02, 0.98, 33), [0.99, 0.995]])
        one, other = (np.quantile(side, levels, axis=0) for side in (reference, shifted))
        inside = (other > CLIPPED) & (other < 1 - CLIPPED) if clip else np.ones(other.shape, bool)
        with np.errstate(all="ignore"):
            # What was black or white before shows the pattern itself; greys only to the errors of two quantiles.
            exact = inside & ((one < CLIPPED) | (one > WHITE))
            moved = np.where(np.where(exact.any(axis=0), exact, inside), other - one, np.nan)
            seen = inside.any(axis=0)
            pattern = np.zeros(seen.shape)
            pattern[seen] = np.nanmedian(moved[:, seen], axis=0)
        if clip:  # black that stays black bounds a place's value, and so does white
            pattern = np.where((one[0] < CLIPPED) & (other[0] < CLIPPED), np.minimum(pattern, 0), pattern)
            pattern = np.where((one[-1] > 1 - CLIPPED) & (other[-1] > 1 - CLIPPED), np.maximum(pattern, 0), pattern)
            pattern[~seen & (one[0] < CLIPPED) & (other[0] > 1 - CLIPPED)] = 1
            pattern[~seen & (one[-1] > 1 - CLIPPED) & (other[-1] < CLIPPED)] = -1
        if not seen.any():
            return []
        # Below black only a bound is seen: the values above tell the spread.
        told = pattern[pattern > 0] if clip and (pattern > 0).any() else pattern[seen]
        sd = float(np.sqrt(np.mean(told**2)))
        return [cls(sd, tuple(map(float, pattern.ravel())), clip)]


def _drawn(pattern: np.ndarray, known: np.ndarray, sd: float, bright: np.ndarray) -> bool:
    """Whether the known values of a pattern (c, h, w) look drawn one by one.

    Places that are always black show positive values alone, so these are centred apart.
    """
    if not known.any() or np.mean(np.abs(pattern[known]) < FEW * sd) > STILL:
        return False
    centred = np.zeros(pattern.shape)
    for group in (known & bright, known & ~bright):
        if group.any():
            centred[group] = pattern[group] - pattern[group].mean()
    across, down = (known[..., 1:] & known[..., :-1]), (known[..., 1:, :] & known[..., :-1, :])
    products = np.concatenate(
        [
            (centred[..., 1:] * centred[..., :-1])[across],
            (centred[..., 1:, :] * centred[..., :-1, :])[down],
        ]
    )
    variance = float(np.mean(centred[known] ** 2))
    if variance < EVEN * sd**2:
        return False
    return products.size == 0 or float(products.mean()) <= ALIKE * max(variance, 1e-12)


def _median(values: np.ndarray, chosen: np.ndarray, enough: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each place the median of the chosen values, 0 where they are not enough, and where they are."""
    counts = chosen.sum(0)
    ordered = np.sort(np.where(chosen, values, np.inf), 0)
    middle = (np.take_along_axis(ordered, np.maximum(k, 0)[None], 0)[0] for k in ((counts - 1) // 2, counts // 2))
    known = (counts >= enough) & (counts > 0)
    lower, upper = (np.where(known, values, 0) for values in middle)
    return ((lower + upper) / 2).astype(np.float32), known


def _censored_sd(seen: np.ndarray, bounds: np.ndarray) -> float:
    """The sd of normal numbers with mean 0, of which some are seen and of others is known what they lie beyond."""

    def loss(log_sd: float) -> float:
        sd = np.exp(log_sd)
        return float((seen**2).sum() / (2 * sd**2) + len(seen) * log_sd - norm.logsf(bounds / sd).sum())

    return float(np.exp(lowest(loss, np.log(1e-4), np.log(1e3))[0]))
