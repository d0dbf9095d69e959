"""What other implementations of the same shift could have made.

They differ in kernels, borders and roundings.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import EDGES, Kernel, Resampling, resampled

ELSEWHERE: tuple[Kernel, ...] = ("bilinear", "bicubic", "keys", "sharp", "spline")
"""Kernels about the other usual centre, h/2 instead of (h − 1)/2."""
Rounding = Literal["none", "nearest", "down"]

STEPS = 32  # to a pixel, to which OpenCV rounds places
# The kernels of the usual libraries, with the steps to which they round places.
KERNELS: tuple[tuple[Kernel, int], ...] = (
    ("bilinear", 0),
    ("bilinear", STEPS),
    ("bicubic", 0),
    ("bicubic", STEPS),
    ("keys", 0),
    ("sharp", 0),
    ("spline", 0),
    ("nearest", 0),
)


@dataclass(frozen=True)
class Implementation:
    """One way to make a shift.

    A resampling, a rounding to 256 values, and the name of one of the shift's alternatives.
    """

    resampling: Resampling
    rounding: Rounding = "none"
    alternative: str = ""

    def apply(self, shift: Shift, images: Images, rng: np.random.Generator) -> Images:
        """The images after the shift, made in this way."""
        return rounded(self.unrounded(shift, images, rng), self.rounding)

    def unrounded(self, shift: Shift, images: Images, rng: np.random.Generator) -> Images:
        """The same before it is rounded."""
        with resampled(self.resampling):
            return shift.alternatives().get(self.alternative, shift).apply(images, rng)


def other_implementations(shift: Shift, resampling: Resampling, in_bytes: bool) -> list[Implementation]:
    """All usual ways to make a shift; the first is ours under this resampling.

    Kernels and edges differ where the shift moves the picture, alternatives where a family has them, and roundings
    where the images are in bytes: then each way rounds to the nearest of 256 values, and the first also down.
    """
    moving = any(part.smooth for part in shift.components)
    resamplings = _resamplings(resampling, any(p.shrinks for p in shift.components)) if moving else [resampling]
    ways = [Implementation(r) for r in resamplings]
    ways += [Implementation(resampling, alternative=name) for name in shift.alternatives()]
    if not in_bytes:
        return ways
    return [replace(way, rounding="nearest") for way in ways] + [replace(ways[0], rounding="down")]


def rounded(images: Images, rounding: Rounding) -> Images:
    """The images rounded to 256 values: to the nearest, or down as by a conversion to integers.

    >>> rounded(np.full((1, 1, 1, 1), 0.501, np.float32), "down") * 255
    array([[[[127.]]]], dtype=float32)
    """
    if rounding == "none":
        return images
    of_bytes = images * np.float32(255)
    # What is whole but for float32's rounding stays.
    whole = np.rint(of_bytes) if rounding == "nearest" else np.floor(of_bytes + np.float32(1e-4))
    return whole / np.float32(255)


def _resamplings(first: Resampling, shrinks: bool) -> list[Resampling]:
    """Resamplings that differ from the first in one thing each.

    The first itself, others about the same centre, those that cut off the picture at its edge, and some about
    another centre.
    """
    kernels = [*KERNELS, *([("area", 0)] if shrinks else [])]
    others = [replace(first, kernel=kernel, steps=steps) for kernel, steps in kernels]
    blended = list(dict.fromkeys([first, *others]))
    centered = [replace(first, kernel=kernel, center=0.5 - first.center) for kernel in ELSEWHERE]
    return [*blended, *(replace(first, edge=edge) for edge in EDGES if edge != first.edge), *centered]
