"""Mud on the lens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.film import FilmStatistics, film_statistics, statistics_of
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Parameters

PUBLISHED_SHADE = 63 / 255
VISIBLE = 0.1  # between mud and picture: where they differ less, mud looks like the picture
SOFT_EDGE = 0.8  # of a full film: thinner film does not show
COARSE, FINE, MANY = 16, 64, 600  # images of mud: for each start, for refinement, and to correct for those few
SMALL, FEWEST_SIMULATED = 32 * 32, 4  # pixels: of larger pictures fewer are made, but not fewer than so many
EXTRA = (0.05, 0.5, 1.5, 3.0)  # log odds of coverage beyond what shows, to begin with
CORRECTED, CORRECTIONS = 3, 2  # of the ends of the search, and how often
LAGS = (1, 2, 4, 8)  # pixels
THICKNESSES, BLUNT = (0.85, 0.9, 0.94, 0.97), 0.08  # of the film: levels above which it is counted, and over what width
SIZES = (0.7, 1.0, 2.0, 4.0, 8.0)  # pixels, to begin with
SOFT = (0.1, 0.4, 0.43, 0.47, 0.55, 0.7, 1.1, 1.6)  # pixels: softness of edges, to begin with
SOFT_BENEATH_NOISE = (0.1, 0.6, 1.5)
SHARP, STRIDE, SHARP_STRIDE = 0.6, 0.2, 0.04  # pixels: below this, whole shapes of drops vanish at some softnesses
SMALLEST = 0.5  # pixels, the size of drops: smaller ones are single pixels, dropped or hit by impulses
TIED = 6.0  # difference of squared distances that may be chance
# Coverage, size and softness of MNIST-C's five severities, which are likely.
MNIST_C = ((0.029, 4.0, 0.6), (0.144, 3.0, 0.6), (0.239, 2.0, 0.5), (0.5, 1.0, 1.5), (0.57, 1.0, 1.5))
# Standard errors of the moments over a hundred images: of the log share covered, of the shares of neighbours also
# covered, of the mean film and of the share of full film.
STANDARD_ERRORS = np.array([0.04, 0.005, 0.01, 0.013, 0.015, 0.003, *[0.01] * len(THICKNESSES)])
FINER = 150  # images of mud beneath noise
LEAST_CORRELATION = 0.3  # of the film, one pixel apart
FILM_STANDARD_ERRORS = np.array([0.05, 0.02, 0.02, 0.02, 0.02])  # of the log of the mean, and of the correlations
UNLIKE = 100.0  # squared distance, in standard errors, at which a film is none of mud

Film = Float[np.ndarray, "n c h w"]
Mask = Bool[np.ndarray, "n c h w"]


@FAMILIES.register("spatter")
@dataclass(frozen=True)
class Spatter(Shift):
    """Put drops of mud of one grey value on the picture.

    Drops are where smooth noise is high. White noise is smoothed by a Gaussian, its highest values become mud, and the
    edges of the mud are softened by another Gaussian. What is then less than four fifths covered stays clean, so that
    less mud shows than `coverage` says.

    Parameters:
        coverage: share of the area that is mud before its edges are softened, between 0 and 1.
        size: standard deviation of the Gaussian that smooths the noise, in pixels, above 0.1 and at most 100. It is
            how large drops are.
        softness: standard deviation of the Gaussian that softens edges, in pixels, 0 to 100.
        shade: grey value of the mud, 0 to 1.

    Source: Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions".
    """

    family: ClassVar[str] = "spatter"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "coverage=0.4"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"coverage": v} for v in (0.05, 0.1, 0.15, 0.25, 0.4))
    refined: ClassVar[tuple[str, ...] | None] = ("coverage", "size", "softness", "shade")
    simulated: ClassVar[tuple[str, ...]] = ("coverage", "size", "softness", "shade")
    derivative_free: ClassVar[tuple[str, ...]] = ("coverage", "shade")
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Drops hide parts of strokes and leave grey blots on the background whose outlines look like strokes."
    )
    information: ClassVar[Information] = "reduced"

    coverage: float
    size: float = 1.0
    softness: float = 1.5
    shade: float = 63 / 255
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "coverage", lambda v: 0 < v < 1, "between 0 and 1, both excluded")
        check(self, "size", lambda v: 0.1 < v <= 100, "above 0.1 and at most 100")
        check(self, "softness", lambda v: 0 <= v <= 100, "between 0 and 100")
        check(self, "shade", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        noise = rng.standard_normal((len(images), 1, *images.shape[2:]), np.float32)
        liquid = gaussian_filter(noise, (0, 0, self.size, self.size), mode="nearest")
        impulse = np.zeros(2 * int(4 * self.size + 0.5) + 1)
        impulse[len(impulse) // 2] = 1
        # Of the smoothed noise: the norm of the Gaussian's line of weights, for each of two directions.
        sd = (gaussian_filter(impulse, self.size, mode="constant") ** 2).sum()
        mud = (liquid > sd * ndtri(1 - self.coverage)).astype(np.float32)
        film = gaussian_filter(mud, (0, 0, self.softness, self.softness), mode="nearest")
        film[film < SOFT_EDGE] = 0
        return np.clip(images * (1 - film) + np.float32(self.shade) * film, 0, 1)

    def simulated_statistics(self, pairs: Pairs) -> Float64[np.ndarray, "n 9"]:
        """How much of the picture is covered, how often with neighbours, and how thickly."""
        contrast = np.float32(self.shade) - pairs.reference
        visible = np.abs(contrast) > VISIBLE
        film = np.where(visible, (pairs.shifted - pairs.reference) / np.where(visible, contrast, 1), 0)
        covered = film > SOFT_EDGE / 2
        both = [(covered[:, :, :-lag] & covered[:, :, lag:]).mean((1, 2, 3)) for lag in LAGS]
        thicker = [_thicker(film, level).mean((1, 2, 3)) for level in THICKNESSES]
        return np.stack([covered.mean((1, 2, 3)), *both, *thicker], 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The shade by regression over changed pixels, the rest by simulated moments of the film.

        Under mud, shifted = (1 − film) reference + film · shade, and the film is independent of the reference. So
        regression gives the shade, and then each pixel its film. The moments: the share that is covered, how often
        pixels 1, 2, 4 and 8 away from a covered one are covered too, the mean film and how much of it is full.

        Where noise or a blur hides which pixels are covered: by the film's mean and correlations.
        """
        return _by_film(undo_intensity_map(pairs)) or _beneath_noise(pairs)


def _by_film(pairs: Pairs) -> list[Shift]:
    """By the film of each pixel, where most of the pixels that changed are covered."""
    reference, shifted = pairs.reference.astype(np.float64), pairs.shifted.astype(np.float64)
    changed = np.abs(shifted - reference) > 0.012
    if changed.sum() < 20 or changed.mean() > 0.9 or min(reference.shape[2:]) <= max(LAGS):
        return []
    shade = _shade_by_regression(reference[changed], shifted[changed])
    if shade is None:
        return []
    in_bytes = bool(np.abs(np.rint(255 * shifted[:20]) - 255 * shifted[:20]).max() < 1e-3)
    shade = float(np.clip(_shade_on_black(shifted[changed & (reference < 0.002)], shade, in_bytes), 0, 1))
    step = 1 / (255 * shade) if in_bytes and shade > 0.02 else 0.0
    contrast = shade - reference
    visible = np.abs(contrast) > VISIBLE
    film = np.where(visible, (shifted - reference) / np.where(visible, contrast, 1), 0)
    if step:  # as bytes show it over black, which is what is simulated
        film = np.rint(film / step) * step
    covered = changed & visible
    thickness = film[covered]
    if not covered.any() or np.mean((thickness > SOFT_EDGE - 0.1) & (thickness < 1.1)) < 0.7:
        return []
    moments = _moments(film, covered, visible) / STANDARD_ERRORS
    share = float(covered.sum() / visible.sum())
    if share > 0.9:
        return []
    numbers = _match_moments(moments, share, reference.shape[2:], step, len(pairs))
    return [] if numbers is None else [_spatter(numbers, shade)]


def _beneath_noise(pairs: Pairs) -> list[Shift]:
    """By the mean and the correlations of the film."""
    size = pairs.reference.shape[2:]
    measured = film_statistics(pairs, LAGS) if min(size) > max(LAGS) else None
    if measured is None or measured.correlations[0] < LEAST_CORRELATION:
        return []

    def simulated(numbers: np.ndarray) -> np.ndarray:
        if _impossible(numbers):
            return np.full(1 + len(LAGS), np.nan)
        return _film_moments(statistics_of(_film(numbers, _affordable(FINER, size), size), LAGS))

    moments = _film_moments(measured)
    odds = np.log(measured.mean / (1 - measured.mean))
    starts = [
        [(odds + more, np.log(drops), edge) for drops in SIZES for more in (0.1, 0.8)] for edge in SOFT_BENEATH_NOISE
    ]
    steps = np.full(3, STRIDE)
    ends = [matched(simulated, moments, np.array(some), steps, tries=50, hopeless=4 * UNLIKE) for some in starts]
    # Several softnesses may explain as much: what else is composed with it tells them apart.
    alike = [numbers for numbers, distance in ends if distance < UNLIKE and np.exp(numbers[1]) >= SMALLEST]
    return [_spatter(numbers, measured.shade) for numbers in alike]


def _film_moments(film: FilmStatistics) -> Float64[np.ndarray, "5"]:
    """What is matched beneath noise, in standard errors."""
    return np.array([np.log(max(film.mean, 1e-6)), *film.correlations]) / FILM_STANDARD_ERRORS


def _match_moments(
    moments: Float64[np.ndarray, "10"], share: float, size: tuple[int, ...], step: float, n: int
) -> Float64[np.ndarray, "3"] | None:
    """Coverage, size and softness under which simulated mud has the moments.

    Returned as (log odds of coverage, log size, softness); None for single pixels. `share` is the share of n pictures
    of that size that is covered, `step` the film's as bytes show it, or 0.
    """

    def simulated(images: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda numbers: _simulated_moments(numbers, _affordable(images, size), size, step)

    def distance(of_many: np.ndarray) -> float:
        return float(((of_many - moments) ** 2).sum())

    odds = np.log(share / (1 - share))
    published = [(np.log(c / (1 - c)), np.log(drops), softness) for c, drops, softness in MNIST_C]
    grid = [(odds + extra, np.log(drops), softness) for drops in SIZES for softness in SOFT for extra in EXTRA]
    ends = []
    for softness in SOFT:  # a search does not cross from soft edges to sharp ones
        starts = np.array([s for s in published + grid if min(SOFT, key=lambda soft: abs(soft - s[2])) == softness])
        start, _ = matched(simulated(COARSE), moments, starts, _strides(softness), tries=4)
        ends.append(matched(simulated(FINE), moments, start[None], _strides(softness), tries=35)[0])
    ends = sorted(ends, key=lambda numbers: distance(simulated(MANY)(numbers)))[:CORRECTED]
    for numbers in ends[:]:
        for _ in range(CORRECTIONS):
            # For how the few simulated images differ from many, which hardly depends on the parameters.
            corrected = moments + simulated(FINE)(numbers) - simulated(MANY)(numbers)
            numbers, _ = matched(simulated(FINE), corrected, numbers[None], _strides(numbers[2]) / 3, tries=30)
            ends.append(numbers)
    best = min(ends, key=lambda numbers: distance(simulated(MANY)(numbers)))
    if np.exp(best[1]) < SMALLEST:
        return None
    # Size and softness trade off: published parameters that explain as much are likelier than some close to them.
    nearest = np.array(published)[np.abs(np.array(published) - best).sum(1).argmin()]
    at_nearest, at_best = (distance(simulated(MANY)(numbers)) for numbers in (nearest, best))
    return nearest if at_nearest < at_best + TIED * max(1, 100 / n) else best


def _strides(softness: float) -> Float64[np.ndarray, "3"]:
    """Of a search from this softness: of the log odds of coverage, of log size, and of softness."""
    return np.array([STRIDE, STRIDE, STRIDE if softness > SHARP else SHARP_STRIDE])


def _spatter(numbers: Float64[np.ndarray, "3"], shade: float) -> Spatter:
    """From (log odds of coverage, log size, softness)."""
    return Spatter(float(1 / (1 + np.exp(-numbers[0]))), float(np.exp(numbers[1])), float(numbers[2]), shade)


def _simulated_moments(
    numbers: Float64[np.ndarray, "3"], n: int, size: tuple[int, ...], step: float
) -> Float64[np.ndarray, "10"]:
    """The moments of n pictures of mud, in standard errors; NaN for numbers out of range."""
    if _impossible(numbers):
        return np.full(len(STANDARD_ERRORS), np.nan)
    film = _film(numbers, n, size)
    if step:
        film = np.rint(film / step) * np.float32(step)
    return _moments(film, film > 0, np.ones(film.shape, bool)) / STANDARD_ERRORS


def _affordable(images: int, size: tuple[int, ...]) -> int:
    """So many images, or fewer large ones."""
    return max(FEWEST_SIMULATED, min(images, images * SMALL // (size[0] * size[1])))


def _film(numbers: Float64[np.ndarray, "3"], n: int, size: tuple[int, ...]) -> Film:
    """The film of n simulated pictures."""
    return _spatter(numbers, 1.0).apply(np.zeros((n, 1, *size), np.float32), np.random.default_rng(0))


def _impossible(numbers: Float64[np.ndarray, "3"]) -> bool:
    odds, size, softness = map(float, numbers)
    return not -2.0 < size < 3.0 or not 0 <= softness < 8 or abs(odds) > 8


def _shade_by_regression(reference: np.ndarray, shifted: np.ndarray) -> float | None:
    """The shade from the changed pixels before and after; None if they are not covered by mud."""
    slope = np.cov(reference, shifted)[0, 1] / reference.var() if reference.var() > 1e-4 else 1 - (1 + SOFT_EDGE) / 2
    shade = float((shifted.mean() - slope * reference.mean()) / (1 - slope)) if slope < 0.9 else -1.0
    return shade if -0.2 < slope < 0.35 and -0.02 <= shade <= 1.02 else None


def _shade_on_black(mud: np.ndarray, shade: float, in_bytes: bool) -> float:
    """The shade from the mud over black pixels, unless it contradicts the one from regression.

    The full film is the brightest; the thinnest film has four fifths of the shade.
    """
    if len(mud) < 100:
        return shade
    thinnest, fullest = np.quantile(mud, [0.002, 0.998])
    flat = np.mean(mud > 0.996 * fullest) > 0.15
    estimate = fullest if flat or thinnest > 0.87 * fullest else thinnest / SOFT_EDGE
    if abs(estimate - shade) >= 0.1 * shade:
        return shade
    if in_bytes and estimate != fullest:  # the thinnest film is known to half a byte
        low, high = (thinnest + np.array([-0.5, 0.5]) / 255) / SOFT_EDGE
        return PUBLISHED_SHADE if low <= PUBLISHED_SHADE <= high else float(np.clip(shade, low, high))
    return float(estimate)


def _thicker(film: np.ndarray, level: float) -> np.ndarray:
    """1 where it is, 0 where it is not.

    Between them near the level, as bytes and the shade leave a doubt.
    """
    return np.clip((film - level) / BLUNT + 0.5, 0, 1)


def _moments(film: Film, covered: Mask, visible: Mask) -> Float64[np.ndarray, "10"]:
    """The summary of a film of mud that is matched.

    The log share covered, the shares of neighbours covered too, the mean film and the share of full film. Only pixels
    on which mud would be visible count.
    """
    total = max(covered.sum(), 1)
    neighbors = []
    for lag in LAGS:
        first, then = slice(None, -lag), slice(lag, None)
        a, b, c, d = covered[:, :, first], covered[:, :, then], covered[..., first], covered[..., then]
        counted = (a & visible[:, :, then]).sum() + (c & visible[..., then]).sum()
        neighbors.append(((a & b).sum() + (c & d).sum()) / max(counted, 1))
    thickness = film[covered]
    thicker = [_thicker(thickness, level).mean() if len(thickness) else 0.0 for level in THICKNESSES]
    return np.array([np.log(total / visible.sum()), *neighbors, thickness.mean() if len(thickness) else 0.0, *thicker])
