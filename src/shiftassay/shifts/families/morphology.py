"""Shifts that thicken what is bright: each pixel takes the largest value around it."""

from collections.abc import Mapping
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
    completed_by: ClassVar[tuple[str, ...]] = ("geometry", "intensity", "noise", "overlay")
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
        return self._thickened(images)

    def alternatives(self) -> Mapping[str, Shift]:
        """An even size that reaches farther to the right and below.

        As in SciPy's `grey_dilation`.
        """
        return {} if self.size % 2 else {"farther to the right and below": _OtherDilate(self.size)}

    def _thickened(self, images: Images, origin: int = 0) -> Images:
        return maximum_filter(images, self.size, mode="constant", cval=-np.inf, origin=origin, axes=(2, 3))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The size of least squared error, wherever an even one reaches farther."""
        few = pairs.first(FEW)
        candidates = [cls(size) for size in range(2, min(LARGEST, *few.reference.shape[2:]) + 1)]
        forms = [[shift, *shift.alternatives().values()] for shift in candidates]
        rng = np.random.default_rng(0)
        errors = [min(few.errors(form.apply(few.reference, rng)).mean() for form in of_size) for of_size in forms]
        return [candidates[int(np.argmin(errors))]] if candidates else []


@dataclass(frozen=True)
class _OtherDilate(Dilate):
    """A dilation by an even size as other code makes it."""

    def alternatives(self) -> Mapping[str, Shift]:
        return {"farther to the left and above": Dilate(self.size)}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._thickened(images, origin=-1)
