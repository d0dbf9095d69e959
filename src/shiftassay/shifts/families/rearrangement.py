"""Shifts that put pixels elsewhere and change none of their values."""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Each, Images, Information, Scope, Shift

IMAGES = 300
SAMPLES, RIDGE = 10, 0.01  # for each part of an image, to tell what it owes to which
MOSTLY = 0.3  # of the change: what grey values in order of size may differ by, in images whose pixels only moved

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

    permutation: Order | Each = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "destroyed"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PixelPermutation":
        return _drawn(self, self.permutation, shape[1] * shape[2], rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each place of the result comes from the place whose values, over all images, it follows best."""
        found: list[Shift] = [cls(_order(cls(), pairs))]
        return found + [cls(scope="per_image")] * _same_values(pairs)

    def _units(self, images: Images) -> np.ndarray:
        n, c, h, w = images.shape
        return images.reshape(n, c, h * w).swapaxes(1, 2)

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
    permutation: Order | Each = None

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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each block of the result is the one that it follows best, over all images, for every side of a block that fits."""
        h, w = pairs.reference.shape[2:]
        sides = [side for side in range(2, min(h, w) // 2 + 1) if h % side == 0 and w % side == 0]
        found: list[Shift] = [cls(side, _order(cls(side), pairs)) for side in sides]
        return found + [cls(side, scope="per_image") for side in sides if _same_values(pairs)]

    def followed(self, pairs: Pairs) -> Shift:
        return _followed(self, pairs)

    def _units(self, images: Images) -> np.ndarray:
        n, c, h, w = images.shape
        rows, columns = self._blocks(h, w)
        cut = images.reshape(n, c, rows, self.block, columns, self.block).transpose(0, 2, 4, 1, 3, 5)
        return cut.reshape(n, rows * columns, -1)

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

    permutation: Order | Each = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "RowPermutation":
        return _drawn(self, self.permutation, shape[1], rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each row of the result is the one that it follows best, over all images."""
        found: list[Shift] = [cls(_order(cls(), pairs))]
        return found + [cls(scope="per_image")] * _same_values(pairs)

    def followed(self, pairs: Pairs) -> Shift:
        return _followed(self, pairs)

    def _units(self, images: Images) -> np.ndarray:
        return images.swapaxes(1, 2).reshape(len(images), images.shape[2], -1)

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

    permutation: Order | Each = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "ColumnPermutation":
        return _drawn(self, self.permutation, shape[2], rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each column of the result is the one that it follows best, over all images."""
        found: list[Shift] = [cls(_order(cls(), pairs))]
        return found + [cls(scope="per_image")] * _same_values(pairs)

    def followed(self, pairs: Pairs) -> Shift:
        return _followed(self, pairs)

    def _units(self, images: Images) -> np.ndarray:
        return images.transpose(0, 3, 1, 2).reshape(len(images), images.shape[3], -1)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=True)


Rearrangement = TypeVar("Rearrangement", PixelPermutation, BlockPermutation, RowPermutation, ColumnPermutation)


def _order(how: Rearrangement, pairs: Pairs) -> tuple[int, ...]:
    """The one-to-one order in which the parts of all images correlate most; parts that never vary stay where they are if they can."""
    few = pairs.first(IMAGES)
    # (count, n · d): how each part varies from image to image
    before, after = (how._units(side).swapaxes(0, 1) for side in (few.reference, few.shifted))
    before, after = (side - side.mean(1, keepdims=True) for side in (before, after))
    before, after = (side.reshape(len(side), -1) for side in (before, after))
    norms = [np.linalg.norm(side, axis=1) for side in (before, after)]
    agreement = after @ before.T / np.maximum(norms[1][:, None] * norms[0], 1e-9)
    if few.contrast and before.shape[1] > SAMPLES * len(before):
        agreement = _owed(before, after)
    if few.contrast and np.abs(agreement.min(1)).sum() > agreement.max(1).sum():
        agreement = -agreement
    still = np.minimum(norms[0][None], norms[1][:, None]) < 1e-6 * max(norms[0].max(), 1e-9)
    alike = np.exp(-np.abs(np.log((norms[1][:, None] + 1e-6) / (norms[0] + 1e-6))))
    agreement = np.where(still, 1e-3 * alike, agreement) + 1e-6 * np.eye(len(agreement))
    return tuple(linear_sum_assignment(agreement, maximize=True)[1].tolist())


def _owed(before: Float[np.ndarray, "j m"], after: Float[np.ndarray, "i m"]) -> Float[np.ndarray, "i j"]:
    """How much of each part before is in each part after, by ridge regression: neighbours that a blur makes alike correlate anyway."""
    own = before @ before.T
    ridge = RIDGE * np.trace(own) / len(own) * np.eye(len(own))
    owed = np.linalg.solve(own + ridge, before @ after.T).T
    return owed / max(float(np.abs(owed).max()), 1e-9)


def _same_values(pairs: Pairs) -> bool:
    """Whether each image keeps most of its grey values, in whatever order."""
    few = pairs.first(50)
    before, after = (np.sort(side.reshape(len(side), -1), axis=1) for side in (few.reference, few.shifted))
    return few.contrast or float(np.mean((before - after) ** 2)) < MOSTLY * few.change


def _followed(how: Rearrangement, pairs: Pairs) -> Rearrangement:
    """Each image's own order, which leaves the least squared difference. Not for single pixels: many orders fit those."""
    if how.scope == "shared":
        return how
    before, after = how._units(pairs.reference), how._units(pairs.shifted)
    cost = -np.einsum("nik,njk->nij", after, before)
    return replace(how, permutation=Each(np.stack([linear_sum_assignment(c)[1] for c in cost])))


def _check(how: Shift, order: Order | Each) -> None:
    if isinstance(order, Each):
        return
    if order is not None and (how.scope == "per_image" or sorted(order) != list(range(len(order)))):
        raise BadInput(f"{how.family}: give each place from 0 once, and none for scope per_image, which draws its own.")


def _drawn(how: Rearrangement, order: Order | Each, count: int, rng: np.random.Generator) -> Rearrangement:
    if how.scope == "per_image" or order is not None:
        return how
    return replace(how, permutation=tuple(rng.permutation(count).tolist()))


def _places(
    how: Shift, order: Order | Each, n: int, count: int, rng: np.random.Generator, backwards: bool
) -> np.ndarray:
    """The permutation of each of n images, or the one of all."""
    if isinstance(order, Each):
        places = order.values
    elif how.scope == "per_image":
        places = rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1)
    else:
        places = np.array([order]) if order is not None else rng.permutation(count)[None]
    if places.shape[1] != count:
        raise BadInput(f"{how.family}: it has {places.shape[1]} places, the images have {count}.")
    return np.argsort(places, axis=1) if backwards else places


def _lines(
    how: Shift, order: Order | Each, images: Images, axis: int, rng: np.random.Generator, backwards: bool
) -> Images:
    """Rows (axis 2) or columns (axis 3) in another order."""
    places = _places(how, order, len(images), images.shape[axis], rng, backwards)
    along = [len(places), 1, 1, 1]
    along[axis] = -1
    return np.take_along_axis(images, places.reshape(along), axis)
