"""Shifts that put pixels elsewhere and change none of their values."""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift

Order = tuple[int, ...] | None
"""out[i] = in[order[i]]; None: drawn."""


@FAMILIES.register("pixel_permutation")
@dataclass(frozen=True)
class PixelPermutation(Shift):
    """out[i] = in[permutation[i]] over the h · w places of an image, all channels alike.

    `shared`: one permutation, drawn if none is given. `per_image`: a fresh one for each image, which leaves nothing but
    the multiset of its pixel values.
    """

    family: ClassVar[str] = "pixel_permutation"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel meets a weight that was trained for another one: to the first layer the image is noise with MNIST's histogram."
    )

    permutation: Order = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "destroyed"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PixelPermutation":
        return _drawn(self, self.permutation, shape[1] * shape[2], rng)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._rearranged(images, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._rearranged(images, rng, backwards=True)

    def _rearranged(self, images: Images, rng: np.random.Generator, backwards: bool) -> Images:
        n, c, h, w = images.shape
        places = _places(self, self.permutation, n, h * w, rng, backwards)
        return np.take_along_axis(images.reshape(n, c, h * w), places[:, None], axis=2).reshape(images.shape)


@FAMILIES.register("block_permutation")
@dataclass(frozen=True)
class BlockPermutation(Shift):
    """Square blocks of `block` pixels a side change places: out[i] = in[permutation[i]] over the blocks, row by row."""

    family: ClassVar[str] = "block_permutation"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes survive within a block but are cut at its borders, and whatever depends on where a part stands is lost."
    )

    block: int
    permutation: Order = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block < 1:
            raise BadInput(f"block_permutation: block must be 1 or more, not {self.block}.")
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "BlockPermutation":
        rows, columns = self._blocks(shape[1], shape[2])
        return _drawn(self, self.permutation, rows * columns, rng)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._rearranged(images, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._rearranged(images, rng, backwards=True)

    def _rearranged(self, images: Images, rng: np.random.Generator, backwards: bool) -> Images:
        n, c, h, w = images.shape
        rows, columns = self._blocks(h, w)
        places = _places(self, self.permutation, n, rows * columns, rng, backwards)
        cut = images.reshape(n, c, rows, self.block, columns, self.block).swapaxes(3, 4)
        moved = np.take_along_axis(cut.reshape(n, c, rows * columns, -1), places[:, None, :, None], axis=2)
        return moved.reshape(cut.shape).swapaxes(3, 4).reshape(images.shape)

    def _blocks(self, h: int, w: int) -> tuple[int, int]:
        if h % self.block or w % self.block:
            raise BadInput(f"block_permutation: {h} × {w} pixels can't be cut into blocks of {self.block}.")
        return h // self.block, w // self.block


@FAMILIES.register("row_permutation")
@dataclass(frozen=True)
class RowPermutation(Shift):
    """Rows change places: row i of the result is row permutation[i]."""

    family: ClassVar[str] = "row_permutation"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = "Horizontal pieces of strokes stay, but lie in another order: nothing vertical hangs together."

    permutation: Order = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "RowPermutation":
        return _drawn(self, self.permutation, shape[1], rng)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _lines(self, self.permutation, images, 2, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _lines(self, self.permutation, images, 2, rng, backwards=True)


@FAMILIES.register("column_permutation")
@dataclass(frozen=True)
class ColumnPermutation(Shift):
    """Columns change places: column i of the result is column permutation[i]."""

    family: ClassVar[str] = "column_permutation"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = "Vertical pieces of strokes stay, but lie in another order: nothing horizontal hangs together."

    permutation: Order = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "ColumnPermutation":
        return _drawn(self, self.permutation, shape[2], rng)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=True)


Rearrangement = TypeVar("Rearrangement", bound=Shift)


def _check(how: Shift, order: Order) -> None:
    if order is not None and (how.scope == "per_image" or sorted(order) != list(range(len(order)))):
        raise BadInput(f"{how.family}: give each place from 0 once, and none for scope per_image, which draws its own.")


def _drawn(how: Rearrangement, order: Order, count: int, rng: np.random.Generator) -> Rearrangement:
    if how.scope == "per_image" or order is not None:
        return how
    return replace(how, permutation=tuple(rng.permutation(count).tolist()))


def _places(how: Shift, order: Order, n: int, count: int, rng: np.random.Generator, backwards: bool) -> np.ndarray:
    """The permutation of each of n images, or the one of all."""
    if how.scope == "per_image":
        places = rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1)
    else:
        places = np.array([order]) if order is not None else rng.permutation(count)[None]
    if places.shape[1] != count:
        raise BadInput(f"{how.family}: it has {places.shape[1]} places, the images have {count}.")
    return np.argsort(places, axis=1) if backwards else places


def _lines(how: Shift, order: Order, images: Images, axis: int, rng: np.random.Generator, backwards: bool) -> Images:
    """Rows (axis 2) or columns (axis 3) in another order."""
    places = _places(how, order, len(images), images.shape[axis], rng, backwards)
    along = [len(places), 1, 1, 1]
    along[axis] = -1
    return np.take_along_axis(images, places.reshape(along), axis)
