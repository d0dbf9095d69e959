"""Shifts that store the picture in fewer pixels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import Parameters


@FAMILIES.register("pixelate")
@dataclass(frozen=True)
class Pixelate(Shift):
    """Replace square blocks of pixels by their mean, as a picture of lower resolution has.

    Blocks are counted from the upper left; the last ones may be smaller.

    Parameters:
        factor: side of a block in pixels, 1 or more; 1 changes nothing.
    """

    family: ClassVar[str] = "pixelate"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "factor=4"
    also_called: ClassVar[tuple[str, ...]] = ("mosaic",)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"factor": v} for v in (2, 3, 4, 5, 6, 7, 8, 14))
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "Detail within a block is gone, and the blocks' own borders are straight edges that no handwriting has."
    )
    information: ClassVar[Information] = "reduced"

    factor: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v >= 1, "1 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        small = images
        for axis in (2, 3):
            starts = np.arange(0, images.shape[axis], self.factor)
            lengths = np.minimum(self.factor, images.shape[axis] - starts)
            shape = [1, 1, 1, 1]
            shape[axis] = -1
            means = np.add.reduceat(small, starts, axis) / lengths.astype(np.float32).reshape(shape)
            small = np.repeat(means, lengths, axis)
        return np.clip(small, 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The factor of least squared error, of all up to half the picture's longer side."""
        few = pairs.first(64)
        candidates = [cls(factor) for factor in range(2, max(max(few.reference.shape[2:]) // 2, 2) + 1)]
        rng = np.random.default_rng(0)
        errors = [few.errors(shift.apply(few.reference, rng)).mean() for shift in candidates]
        return [candidates[int(np.argmin(errors))]]
