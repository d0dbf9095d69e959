"""Shifts that thicken or thin what is bright, by the largest or the smallest value around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import Parameters

FEW, VALUES, FEWEST = 64, 600_000, 3  # images for each size that is tried: at most so many, of so many values
LARGEST = 9  # pixels: larger squares are not tried


@dataclass(frozen=True)
class _Morphology(Shift):
    """The base of families in which each pixel takes an extreme of the square around it."""

    group: ClassVar[str] = "morphology"
    information: ClassVar[Information] = "reduced"
    completed_by: ClassVar[tuple[str, ...]] = ("intensity", "noise", "overlay")
    found_as_first_part: ClassVar[bool] = True
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"size": v} for v in range(2, LARGEST + 1))
    refined: ClassVar[tuple[str, ...] | None] = ()

    size: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "size", lambda v: 1 <= v <= 100, "between 1 and 100")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The size of least squared error, wherever an even one reaches farther."""
        sizes = range(2, min(LARGEST, *pairs.reference.shape[2:]) + 1)
        return _best_size([cls(size) for size in sizes], pairs)


@FAMILIES.register("dilate")
@dataclass(frozen=True)
class Dilate(_Morphology):
    """Thicken bright strokes: each pixel takes the largest value of the square around it.

    An even size reaches one pixel farther to the left and above, as in OpenCV's `dilate`.

    Parameters:
        size: side of the square in pixels, 1 to 100; 1 changes nothing.
    """

    family: ClassVar[str] = "dilate"
    why: ClassVar[str] = (
        "Strokes grow thicker than any that were trained on, gaps between them close, and small holes fill: an 8 may "
        "lose both of its own."
    )
    example: ClassVar[str] = "size=3"
    completed_by: ClassVar[tuple[str, ...]] = ("geometry", "intensity", "noise", "overlay")
    completes: ClassVar[tuple[str, ...]] = ("geometry",)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._thickened(images)

    def alternatives(self) -> Mapping[str, Shift]:
        """An even size that reaches farther to the right and below.

        As in SciPy's `grey_dilation`.
        """
        return {} if self.size % 2 else {"farther to the right and below": _OtherDilate(self.size)}

    def _thickened(self, images: Images, origin: int = 0) -> Images:
        return maximum_filter(images, self.size, mode="constant", cval=-np.inf, origin=origin, axes=(2, 3))


@dataclass(frozen=True)
class _OtherDilate(Dilate):
    """A dilation by an even size as other code makes it."""

    def alternatives(self) -> Mapping[str, Shift]:
        return {"farther to the left and above": Dilate(self.size)}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._thickened(images, origin=-1)


@FAMILIES.register("erode")
@dataclass(frozen=True)
class Erode(_Morphology):
    """Thin bright strokes: each pixel takes the smallest value of the square around it.

    An even size reaches one pixel farther to the left and above, as in OpenCV's `erode`.

    Parameters:
        size: side of the square in pixels, 1 to 100; 1 changes nothing.
    """

    family: ClassVar[str] = "erode"
    why: ClassVar[str] = (
        "Strokes grow thinner than any that were trained on and break, and what is thinner than the square vanishes."
    )
    example: ClassVar[str] = "size=2"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._thinned(images)

    def alternatives(self) -> Mapping[str, Shift]:
        """An even size that reaches farther to the right and below."""
        return {} if self.size % 2 else {"farther to the right and below": _OtherErode(self.size)}

    def _thinned(self, images: Images, origin: int = 0) -> Images:
        return minimum_filter(images, self.size, mode="constant", cval=np.inf, origin=origin, axes=(2, 3))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """As of a dilation; empty where pictures did not become darker."""
        if not pairs.contrast and pairs.shifted.mean() >= pairs.reference.mean():
            return []
        return super().estimate(pairs)


@dataclass(frozen=True)
class _OtherErode(Erode):
    """An erosion by an even size as other code makes it."""

    def alternatives(self) -> Mapping[str, Shift]:
        return {"farther to the left and above": Erode(self.size)}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._thinned(images, origin=-1)


def _best_size(candidates: Sequence[Shift], pairs: Pairs) -> list[Shift]:
    """The candidate of least squared error over all of its forms."""
    few = pairs.first_affordable(FEW, VALUES, FEWEST)
    forms = [[shift, *shift.alternatives().values()] for shift in candidates]
    rng = np.random.default_rng(0)
    errors = [min(few.errors(form.apply(few.reference, rng)).mean() for form in of_size) for of_size in forms]
    return [candidates[int(np.argmin(errors))]] if candidates else []
