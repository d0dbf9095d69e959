"""Rows or columns in another order."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.places import Parts
from shiftassay.shifts.families.permutation import Order, Permutation, Places
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.invariants import sorted_lines
from shiftassay.shifts.parameters import PerImage
from shiftassay.shifts.properties import Invariant


@FAMILIES.register("row_permutation")
@dataclass(frozen=True)
class RowPermutation(Permutation):
    """Put the rows in another order.

    Parameters:
        permutation: row i of the result is row permutation[i] of the picture; drawn if None.
        unidentified: of an estimate, the places whose source the images don't tell.
    """

    family: ClassVar[str] = "row_permutation"
    orders: ClassVar[bool] = True
    why: ClassVar[str] = "Horizontal pieces of strokes stay, but lie in another order: nothing vertical hangs together."
    code_of_places: ClassVar[str] = "images = images[:, places]"

    permutation: Order | PerImage = None
    unidentified: Places = None

    def to_parts(self, images: Images) -> Parts:
        return images.swapaxes(1, 2).reshape(len(images), images.shape[2], -1)

    def to_images(self, parts: Parts, shape: tuple[int, ...]) -> Images:
        n, c, h, w = shape
        return parts.reshape(n, h, c, w).swapaxes(1, 2)

    def count(self, h: int, w: int) -> int:
        return h

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_lines, axis=2)
        return ("rows in the order of their sums", sort) if self.scope == "per_image" else None


@FAMILIES.register("column_permutation")
@dataclass(frozen=True)
class ColumnPermutation(Permutation):
    """Put the columns in another order.

    Parameters:
        permutation: column i of the result is column permutation[i] of the picture; drawn if None.
        unidentified: of an estimate, the places whose source the images don't tell.
    """

    family: ClassVar[str] = "column_permutation"
    orders: ClassVar[bool] = True
    why: ClassVar[str] = "Vertical pieces of strokes stay, but lie in another order: nothing horizontal hangs together."
    code_of_places: ClassVar[str] = "images = images[:, :, places]"

    permutation: Order | PerImage = None
    unidentified: Places = None

    def to_parts(self, images: Images) -> Parts:
        return images.transpose(0, 3, 1, 2).reshape(len(images), images.shape[3], -1)

    def to_images(self, parts: Parts, shape: tuple[int, ...]) -> Images:
        n, c, h, w = shape
        return parts.reshape(n, w, c, h).transpose(0, 2, 3, 1)

    def count(self, h: int, w: int) -> int:
        return w

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_lines, axis=3)
        return ("columns in the order of their sums", sort) if self.scope == "per_image" else None
