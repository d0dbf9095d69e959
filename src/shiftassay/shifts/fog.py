"""Fog, made of a fractal."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float32

from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift, check

CHUNK = 500
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
