"""Shifts that thicken what is bright: each pixel takes the largest value around it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import maximum_filter

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import Parameters

FEW = 64  # images for each size that is tried
LARGEST = 9  # pixels: larger squares are not tried


@FAMILIES.register("dilate")
@dataclass(frozen=True)
class Dilate(Shift):
    """Thicken bright strokes: each pixel takes the largest value of the square around it.

    An even size reaches one pixel farther to the left and above, as in OpenCV's `dilate`.

    Parameters:
        size: side of the square in pixels, 1 to 100; 1 changes nothing.
    """

    family: ClassVar[str] = "dilate"
    group: ClassVar[str] = "morphology"
    why: ClassVar[str] = (
        "Strokes grow thicker than any that were trained on, gaps between them close, and small holes fill: an 8 may "
        "lose both of its own."
    )
    example: ClassVar[str] = "size=3"
    information: ClassVar[Information] = "reduced"
    completed_by: ClassVar[tuple[str, ...]] = ("intensity", "noise", "overlay")
    completes: ClassVar[tuple[str, ...]] = ("geometry",)
    found_as_first_part: ClassVar[bool] = True
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"size": v} for v in range(2, LARGEST + 1))
    refined: ClassVar[tuple[str, ...] | None] = ()

    size: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "size", lambda v: 1 <= v <= 100, "between 1 and 100")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return maximum_filter(images, (1, 1, self.size, self.size), mode="constant", cval=-np.inf)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The size of least squared error."""
        few = pairs.first(FEW)
        candidates = [cls(size) for size in range(2, min(LARGEST, *few.reference.shape[2:]) + 1)]
        errors = [few.errors(shift.apply(few.reference, np.random.default_rng(0))).mean() for shift in candidates]
        return [candidates[int(np.argmin(errors))]] if candidates else []
