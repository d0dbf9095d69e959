"""Fog, drawn as a fractal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Parameters

CHUNK = 500
SIMULATED, FEWEST_SIMULATED = 160, 16  # maps for each decay that is tried: of small pictures, and of the largest
SIMULATED_VALUES = 160 * 32 * 32  # of these maps, beyond which there are fewer: large ones tell more
DECAYS = np.geomspace(1.1, 8.0, 16)
LAGS = (1, 2, 4, 8)  # pixels
FLOORS = 40  # levels of noise on top that are tried
FITS = 25.0  # squared distance, over four lags, beyond which chance does not explain a misfit
FINE = 2  # refinements that are made for the picture's corner of the map alone
WHOLE = 24  # maps that are refined to the end
MARGIN = 2  # cells around that corner, which a refinement at the cut edge may spoil


@FAMILIES.register("fog")
@dataclass(frozen=True)
class Fog(Shift):
    """Add a cloud and lower the contrast, as fog does.

    (x + amount · plasma) · peak / (peak + amount), where peak is the image's brightest value. The plasma is a fractal
    between 0 and 1, drawn for each image: the corner of a map eight times as large.

    Parameters:
        amount: brightness of the thickest fog before scaling, above 0.
        decay: factor by which the fractal's roughness falls from each scale to the next finer one, 1 or more. Small
            values make rough fog, large ones smooth fog.

    Source: Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions".
    """

    family: ClassVar[str] = "fog"
    simulated: ClassVar[tuple[str, ...]] = ("amount", "decay")
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "amount=1"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"amount": v} for v in (0.2, 0.4, 0.6, 0.9))
    refined: ClassVar[tuple[str, ...] | None] = ("amount", "decay")
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "The background is bright and uneven while strokes lose contrast: sums over the image are dominated by the fog."
    )
    information: ClassVar[Information] = "reduced"

    amount: float
    decay: float = 2.0
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "amount", lambda v: v > 0, "above 0")
        check(self, "decay", lambda v: v >= 1, "1 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        h, w = images.shape[2:]
        foggy = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            plasma = plasma_corner(len(part), max(h, w), self.decay, rng)[:, None, :h, :w]
            peak = part.max((1, 2, 3), keepdims=True)
            foggy[start : start + CHUNK] = (part + self.amount * plasma) * (peak / (peak + self.amount))
        return np.clip(foggy, 0, 1)

    def simulated_statistics(self, pairs: Pairs) -> Float64[np.ndarray, "n q"]:
        """The second differences of the change, for the amount, and of the plasma."""
        contrast = _contrast(pairs.reference.max((1, 2, 3)), self.amount)
        maps = (pairs.shifted - pairs.reference).mean(1), _plasma(pairs, contrast, self.amount)
        return np.concatenate([_second_differences(each) for each in maps], 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The amount from the loss of contrast, the decay from the residual.

        peak / (peak + amount) is the regression slope of shifted differences between neighbours on those of the
        reference. (Differences, because those of the plasma are nearly independent of one another; its values aren't.)
        The residual is the plasma. Its squared second differences over 1, 2, 4 and 8 pixels are compared with those of
        simulated plasmas of known decay. Rounding to 8 bits hides the decay of a smooth plasma (4 or more), which is
        then accurate to a tenth or so. Nothing is returned if the residual is flat or not between 0 and 1.
        """
        h, w = pairs.reference.shape[2:]
        if min(h, w) <= 2 * max(LAGS):
            return []
        peak = pairs.reference.max((1, 2, 3)).astype(np.float64)
        products, squares = np.zeros(len(peak)), np.zeros(len(peak))
        for axis in (2, 3):
            before, after = np.diff(pairs.reference, axis=axis), np.diff(pairs.shifted, axis=axis)
            products += np.einsum("nchw,nchw->n", before, after)
            squares += np.einsum("nchw,nchw->n", before, before)
        if squares.sum() <= 0 or not 0.03 < products.sum() / squares.sum() < 0.97:
            return []

        def loss(log_amount: float) -> float:
            contrast = peak / np.maximum(peak + np.exp(log_amount), 1e-9)
            return float((contrast**2 * squares - 2 * contrast * products).sum())

        amount = float(np.exp(lowest(loss, np.log(0.02), np.log(50), near=1e-5)[0]))
        contrast = _contrast(peak, amount)
        lit = peak > 0.05
        if not lit.any():
            return []
        plasma = _plasma(pairs, contrast, amount)[lit]
        if np.mean((plasma < -0.1) | (plasma > 1.1)) > 0.1 or plasma.std() < 0.03 or plasma.mean() < 0.1:
            return []
        in_bytes = np.abs(np.rint(255 * pairs.shifted[:20]) - 255 * pairs.shifted[:20]).max() < 1e-3
        some = np.resize(np.flatnonzero(lit), _simulated_count(max(h, w)))
        picture, strength = (contrast * pairs.reference)[some], np.maximum(amount * contrast[some], 1e-6)

        def as_measured(plasma: Float32[np.ndarray, "n s s"]) -> Float32[np.ndarray, "n h w"]:
            """A simulated plasma as measured on these images: rounded with them."""
            if not in_bytes:
                return plasma[:, :h, :w]
            foggy = np.rint(255 * (picture + strength * plasma[:, None, :h, :w])) / np.float32(255)
            return ((foggy - picture) / strength).mean(1)

        return [cls(amount, _decay(_second_differences(plasma), max(h, w), as_measured))]


def _contrast(peak: Float[np.ndarray, "n"], amount: float) -> Float32[np.ndarray, "n 1 1 1"]:
    """What fog of this amount leaves of the contrast of each image."""
    return (peak / np.maximum(peak + amount, 1e-9)).astype(np.float32)[:, None, None, None]


def _plasma(pairs: Pairs, contrast: Float32[np.ndarray, "n 1 1 1"], amount: float) -> Float32[np.ndarray, "n h w"]:
    """The fog that was added to each image, between 0 and 1."""
    return ((pairs.shifted - contrast * pairs.reference) / np.maximum(amount * contrast, 1e-6)).mean(1)


def plasma_corner(n: int, side: int, decay: float, rng: np.random.Generator) -> Float32[np.ndarray, "n s s"]:
    """The upper left corner, `side` pixels wide, of n fractal maps that wrap round.

    They are made by the diamond-square algorithm (Fournier et al. 1982). The whole map is scaled to [0, 1] but refined
    only to cells of four pixels: the last two scales would be nearly all of the work. By how much they would widen its
    range is taken from a few maps.
    """
    scales = _scales(side)
    cells = -(-side // 2**FINE) + 2 * MARGIN
    sizes = [2 ** (level + 1) for level in range(scales - FINE)] + [cells * 2 ** (i + 1) for i in range(FINE)]
    # All draws of an image stand together, so that the first images get the same ones however many follow.
    counts = np.array(sizes) ** 2
    uniform = rng.random((n, counts.sum()), np.float32) * 2 - 1
    noise = iter(np.split(uniform, np.cumsum(counts)[:-1], axis=1))
    plasma = np.zeros((n, 1, 1), np.float32)
    for level, size in enumerate(sizes[:-FINE]):
        plasma = _refine(plasma, decay**-level * next(noise).reshape(n, size, size))
    low, high = plasma.min((1, 2), keepdims=True), plasma.max((1, 2), keepdims=True)
    further = _further(round(decay, 3), scales) / 2 * (high - low)
    low, high = low - further, high + further
    corner = np.arange(-MARGIN, cells - MARGIN) % plasma.shape[1]
    plasma = plasma[:, corner][:, :, corner]
    for level, size in enumerate(sizes[-FINE:], len(sizes) - FINE):
        plasma = _refine(plasma, decay**-level * next(noise).reshape(n, size, size))
    begin = MARGIN * 2**FINE
    return np.clip((plasma - low) / (high - low), 0, 1)[:, begin : begin + side, begin : begin + side]


def _scales(side: int) -> int:
    """How often a map is refined, of which a picture takes up an eighth of the side."""
    return max(int(np.ceil(np.log2(8 * side))), FINE + 1)


@lru_cache(maxsize=64)
def _further(decay: float, scales: int) -> float:
    """By what share of their range the last scales widen it.

    The mean of a few maps, of 256 pixels at most.
    """
    scales, rng = min(scales, 8), np.random.default_rng(0)
    plasma = np.zeros((WHOLE, 1, 1), np.float32)
    ranges = []
    for level in range(scales):
        size = 2 ** (level + 1)
        plasma = _refine(plasma, decay**-level * (rng.random((WHOLE, size, size), np.float32) * 2 - 1))
        ranges.append(float(np.mean(np.ptp(plasma, (1, 2)))))
    return ranges[-1] / ranges[-1 - FINE] - 1


def _refine(coarse: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """A map twice as fine: noise plus the mean of four corners.

    First of squares, then of diamonds.
    """
    fine = np.empty_like(noise)
    fine[:, ::2, ::2] = coarse
    down = coarse + np.roll(coarse, -1, 1)
    middle = (down + np.roll(down, -1, 2)) / 4 + noise[:, 1::2, 1::2]
    fine[:, 1::2, 1::2] = middle
    fine[:, ::2, 1::2] = (coarse + np.roll(coarse, -1, 2) + middle + np.roll(middle, 1, 1)) / 4 + noise[:, ::2, 1::2]
    fine[:, 1::2, ::2] = (down + middle + np.roll(middle, 1, 2)) / 4 + noise[:, 1::2, ::2]
    return fine


def _second_differences(plasma: Float[np.ndarray, "n h w"]) -> Float64[np.ndarray, "n lags"]:
    """The mean squared second difference of each map over each lag, down and right.

    Second ones, because a smooth fractal is nearly straight between its coarse points: only the finer scales bend it.
    """
    squares = []
    for lag in LAGS:
        ahead, at, behind = slice(2 * lag, None), slice(lag, -lag), slice(None, -2 * lag)
        down = plasma[:, ahead] - 2 * plasma[:, at] + plasma[:, behind]
        right = plasma[:, :, ahead] - 2 * plasma[:, :, at] + plasma[:, :, behind]
        squares.append(np.mean(down**2, (1, 2), dtype=np.float64) + np.mean(right**2, (1, 2), dtype=np.float64))
    return np.stack(squares, 1)


def _decay(squares: Float64[np.ndarray, "n lags"], side: int, as_measured: Callable[[np.ndarray], np.ndarray]) -> float:
    """The decay whose simulated maps have the nearest second differences.

    Interpolated between the decays tried.
    """
    distances = _distances(squares, side, as_measured)
    # The lowest point of the parabola through the best grid point and its neighbours.
    at = int(np.clip(distances.argmin(), 1, len(DECAYS) - 2))
    left, middle, right = distances[at - 1 : at + 2]
    steps = 0.5 * (left - right) / max(left - 2 * middle + right, 1e-9)
    return float(DECAYS[at] * (DECAYS[1] / DECAYS[0]) ** np.clip(steps, -1, 1))


def _distances(
    measured: Float64[np.ndarray, "n lags"], side: int, as_measured: Callable[[np.ndarray], np.ndarray]
) -> Float64[np.ndarray, "decays"]:
    """The squared distances of the measured second differences from those of each decay.

    In standard errors. Noise on top adds the same to every lag. It is allowed for only if no decay fits without it.
    """
    mean, variance = measured.mean(0), 1 / len(measured) + 1 / _simulated_count(side)
    without_noise, with_noise = [], []
    for plasma in _simulated(side):
        squares = _second_differences(as_measured(plasma))
        inverse = np.linalg.inv(np.cov((squares / squares.mean(0)).T) + 1e-4 * np.eye(len(LAGS))) / variance
        floors = mean.min() * np.linspace(0, 1, FLOORS)[:, None]
        away = np.log(np.maximum(squares.mean(0) + floors, 1e-12)) - np.log(np.maximum(mean, 1e-12))
        distances = np.einsum("fi,ij,fj->f", away, inverse, away)
        without_noise.append(distances[0])
        with_noise.append(distances.min())
    return np.array(without_noise if min(without_noise) < FITS else with_noise)


def _simulated_count(side: int) -> int:
    return int(np.clip(SIMULATED_VALUES // side**2, FEWEST_SIMULATED, SIMULATED))


@lru_cache(maxsize=4)
def _simulated(side: int) -> list[Float32[np.ndarray, "n s s"]]:
    """Maps of each decay."""
    return [plasma_corner(_simulated_count(side), side, float(d), np.random.default_rng(0)) for d in DECAYS]
