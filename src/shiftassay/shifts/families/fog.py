"""Fog, made of a fractal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check

CHUNK = 500
SIMULATED = 160  # maps for each decay that is tried
DECAYS = np.geomspace(1.1, 8.0, 16)
LAGS = (1, 2, 4, 8)
FLOORS = 40  # levels of noise on top
FITS = 25.0  # the squared distance, of four lags, that is no chance
FINE = 2  # refinements that are made for the picture's corner of the map alone
MARGIN = 2  # cells around that corner, which a refinement at the cut edge may spoil


@FAMILIES.register("fog")
@dataclass(frozen=True)
class Fog(Shift):
    """x + amount · plasma, scaled so that an image's brightest value would stay where it was (Hendrycks and Dietterich 2019).

    The plasma is a fractal between 0 and 1, drawn for each image: the corner of a map eight times as large, whose
    roughness falls by `decay` from each scale to the next finer one (small: rough, large: smooth).
    """

    family: ClassVar[str] = "fog"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "amount=1"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"amount": v} for v in (0.2, 0.4, 0.6, 0.9))
    refined: ClassVar[tuple[str, ...] | None] = ("amount",)
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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The amount from how much lower the steps between neighbours have become, the decay from what is left.

        peak / (peak + amount) is the slope of the shifted steps on those of the reference (steps, because the plasma's are nearly
        independent of one another, its values aren't). What is left over is the plasma; its squared second differences over 1, 2, 4 and
        8 pixels are compared with those of plasmas of known decay. A smooth plasma (decay 4 or more) that was rounded to
        8 bits has lost most of what tells its decay, which is then known to a tenth or so. Nothing is returned where it isn't between 0 and 1, or flat.
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
            kept = peak / np.maximum(peak + np.exp(log_amount), 1e-9)
            return float((kept**2 * squares - 2 * kept * products).sum())

        amount = float(np.exp(lowest(loss, np.log(0.02), np.log(50), near=1e-5)[0]))
        kept = (peak / np.maximum(peak + amount, 1e-9)).astype(np.float32)[:, None, None, None]
        lit = peak > 0.05
        if not lit.any():
            return []
        plasma = ((pairs.shifted - kept * pairs.reference) / np.maximum(amount * kept, 1e-6))[lit].mean(1)
        if np.mean((plasma < -0.1) | (plasma > 1.1)) > 0.1 or plasma.std() < 0.03 or plasma.mean() < 0.1:
            return []
        in_bytes = np.abs(np.rint(255 * pairs.shifted[:20]) - 255 * pairs.shifted[:20]).max() < 1e-3
        some = np.resize(np.flatnonzero(lit), SIMULATED)
        beneath, strength = (kept * pairs.reference)[some], np.maximum(amount * kept[some], 1e-6)

        def seen(plasma: Float32[np.ndarray, "n s s"]) -> np.ndarray:
            """A plasma as it would be found on the images at hand: rounded with them."""
            if not in_bytes:
                return plasma[:, :h, :w]
            foggy = np.rint(255 * (beneath + strength * plasma[:, None, :h, :w])) / np.float32(255)
            return ((foggy - beneath) / strength).mean(1)

        distances = _distances(_squares(plasma), max(h, w), seen)
        # Between the grid's points: the lowest point of the parabola through the best one and its neighbours.
        at = int(np.clip(distances.argmin(), 1, len(DECAYS) - 2))
        left, middle, right = distances[at - 1 : at + 2]
        shift = 0.5 * (left - right) / max(left - 2 * middle + right, 1e-9)
        decay = DECAYS[at] * (DECAYS[1] / DECAYS[0]) ** np.clip(shift, -1, 1)
        return [cls(amount, float(decay))]


def plasma_corner(n: int, side: int, decay: float, rng: np.random.Generator) -> Float32[np.ndarray, "n s s"]:
    """The upper left corner, `side` pixels wide, of n fractal maps that wrap round (diamond-square, Fournier et al. 1982).

    The whole map decides what 0 and 1 are, but is refined only to cells of four pixels: the last two scales add little
    to its extremes, and nearly all of the work.
    """
    scales = max(int(np.ceil(np.log2(8 * side))), FINE + 1)
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
    corner = np.arange(-MARGIN, cells - MARGIN) % plasma.shape[1]
    plasma = plasma[:, corner][:, :, corner]
    for level, size in enumerate(sizes[-FINE:], len(sizes) - FINE):
        plasma = _refine(plasma, decay**-level * next(noise).reshape(n, size, size))
    begin = MARGIN * 2**FINE
    return np.clip((plasma - low) / (high - low), 0, 1)[:, begin : begin + side, begin : begin + side]


def _refine(coarse: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Twice as fine: the middle of each square, then of each diamond, is the mean of its four corners plus noise."""
    fine = np.empty_like(noise)
    fine[:, ::2, ::2] = coarse
    down = coarse + np.roll(coarse, -1, 1)
    middle = (down + np.roll(down, -1, 2)) / 4 + noise[:, 1::2, 1::2]
    fine[:, 1::2, 1::2] = middle
    fine[:, ::2, 1::2] = (coarse + np.roll(coarse, -1, 2) + middle + np.roll(middle, 1, 1)) / 4 + noise[:, ::2, 1::2]
    fine[:, 1::2, ::2] = (down + middle + np.roll(middle, 1, 2)) / 4 + noise[:, 1::2, ::2]
    return fine


def _squares(plasma: np.ndarray) -> Float64[np.ndarray, "n lags"]:
    """Of each map the mean squared second difference over each lag, down and right.

    Second ones, because a smooth fractal is nearly straight between its coarse points: what it bends is the finer scales'.
    """
    squares = []
    for lag in LAGS:
        ahead, at, behind = slice(2 * lag, None), slice(lag, -lag), slice(None, -2 * lag)
        down = plasma[:, ahead] - 2 * plasma[:, at] + plasma[:, behind]
        right = plasma[:, :, ahead] - 2 * plasma[:, :, at] + plasma[:, :, behind]
        squares.append(np.mean(down**2, (1, 2), dtype=np.float64) + np.mean(right**2, (1, 2), dtype=np.float64))
    return np.stack(squares, 1)


def _distances(
    found: Float64[np.ndarray, "n lags"], side: int, seen: Callable[[np.ndarray], np.ndarray]
) -> Float64[np.ndarray, "decays"]:
    """How far the maps found are from those of each decay: squares of standard errors.

    Noise on top adds the same to every lag. It is allowed for if no decay fits without.
    """
    mean, chance = found.mean(0), 1 / len(found) + 1 / SIMULATED
    plain, noisy = [], []
    for plasma in _known(side):
        squares = _squares(seen(plasma))
        inverse = np.linalg.inv(np.cov((squares / squares.mean(0)).T) + 1e-4 * np.eye(len(LAGS))) / chance
        floors = mean.min() * np.linspace(0, 1, FLOORS)[:, None]
        away = np.log(np.maximum(squares.mean(0) + floors, 1e-12)) - np.log(np.maximum(mean, 1e-12))
        distances = np.einsum("fi,ij,fj->f", away, inverse, away)
        plain.append(distances[0])
        noisy.append(distances.min())
    return np.array(plain if min(plain) < FITS else noisy)


@lru_cache(maxsize=4)
def _known(side: int) -> list[Float32[np.ndarray, "n s s"]]:
    """Maps of each decay."""
    return [plasma_corner(SIMULATED, side, float(d), np.random.default_rng(0)) for d in DECAYS]
