"""Shifts that put pixels elsewhere and change none of their values."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.mean_picture import matched_parts
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.places import matched_places
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Invariant, Scope, Shift
from shiftassay.shifts.invariants import sorted_blocks, sorted_lines, sorted_values
from shiftassay.shifts.parameters import PerImage

IMAGES = 300
SAMPLES, RIDGE = 10, 0.01  # for each part of an image, to tell what it owes to which
MOSTLY = 0.3  # of the change: what grey values in order of size may differ by, in images whose pixels only moved

# Sampling errors that portraits are apart: at most in grey values, at least in their places.
VALUES_APART, PLACES_APART = 4, 4
BESIDE = 1.5  # pixels
STILL = 1e-6  # range of a place that always shows the same

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
    screened: ClassVar[bool] = False
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel meets a weight that was trained for another one: to the first layer the image is noise with MNIST's histogram."
    )

    permutation: Order | PerImage = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "destroyed"

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PixelPermutation":
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

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """A permutation of places, where the grey values are the same and their places are not."""
        apart = samples.distances()
        if apart["values"] > VALUES_APART or apart["pixels"] < PLACES_APART:
            return []
        return [cls(tuple(matched_places(samples.reference, samples.shifted).tolist()))]

    def permutes_smoothly(self, pairs: Pairs) -> bool:
        """Whether most pixels that vary come from beside where their neighbour comes from: not drawn, but a turn, a mirror or a warp."""
        if not isinstance(self.permutation, tuple):
            return False
        size = pairs.shifted.shape[2:]
        varies = _varies(pairs)
        y, x = np.divmod(np.reshape(self.permutation, size), size[1])
        apart = np.hypot(np.diff(y), np.diff(x))[varies[:, 1:] & varies[:, :-1]]
        return apart.size > 0 and float(np.mean(apart < BESIDE)) > 0.5

    def factors(self, pairs: Pairs) -> list[Shift] | None:
        """Rows in another order and columns in another order, by what most pixels that vary say."""
        if not isinstance(self.permutation, tuple):
            return None
        h, w = pairs.shifted.shape[2:]
        from_row, from_column = np.divmod(np.reshape(self.permutation, (h, w)), w)
        votes = np.zeros((h, h)), np.zeros((w, w))
        for y, x in np.argwhere(_varies(pairs)):
            votes[0][y, from_row[y, x]] += 1
            votes[1][x, from_column[y, x]] += 1
        rows, columns = (linear_sum_assignment(v + 1e-3 * np.eye(len(v)), maximize=True)[1] for v in votes)
        return [Compose((RowPermutation(tuple(rows.tolist())), ColumnPermutation(tuple(columns.tolist()))))]

    @property
    def position_permutation(self) -> tuple[int, ...] | None:
        return self.permutation if isinstance(self.permutation, tuple) else None

    @property
    def shuffles(self) -> bool:
        return self.scope == "per_image"

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("sorted pixel values", sorted_values) if self.scope == "per_image" else None

    def unidentified(self, shifted: Images) -> list[int] | None:
        """Places whose value is the same in every image."""
        if self.permutation is None:
            return None
        return np.flatnonzero(np.ptp(shifted.mean(axis=1).reshape(len(shifted), -1), axis=0) < STILL).tolist()


@FAMILIES.register("block_permutation")
@dataclass(frozen=True)
class BlockPermutation(Shift):
    """Square blocks of `block` pixels a side change places: out[i] = in[permutation[i]] over the blocks, row by row."""

    family: ClassVar[str] = "block_permutation"
    group: ClassVar[str] = "rearrangement"
    example: ClassVar[str] = "block=4"
    orders: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes survive within a block but are cut at its borders, and whatever depends on where a part stands is lost."
    )

    block: int
    permutation: Order | PerImage = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block < 1:
            raise BadInput(f"block_permutation: block must be 1 or more, not {self.block}.")
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "BlockPermutation":
        rows, columns = self._blocks(shape[1], shape[2])
        return _drawn(self, self.permutation, rows * columns, rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each block of the result is the one that it follows best, over all images, for every side of a block that fits."""
        h, w = pairs.reference.shape[2:]
        sides = _sides(h, w)
        found: list[Shift] = [cls(side, _order(cls(side), pairs)) for side in sides]
        return found + [cls(side, scope="per_image") for side in sides if _same_values(pairs)]

    def infer_draws(self, pairs: Pairs) -> Shift:
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

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """Each block the one whose mean picture is most alike, for every side of a block that fits."""
        c, h, w = samples.reference.shape[1:]
        found: list[Shift] = []
        for block in _sides(h, w):

            def cut(v: np.ndarray, b: int = block) -> np.ndarray:
                return v.reshape(c, h // b, b, w // b, b).transpose(1, 3, 0, 2, 4).reshape(h // b * (w // b), -1)

            found.append(cls(block, tuple(matched_parts(samples, cut).tolist())))
        return found

    @property
    def variant(self) -> tuple[Any, ...]:
        return (*super().variant, self.block)

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_blocks, block=self.block)
        return ("blocks in the order of their sums", sort) if self.scope == "per_image" else None


@FAMILIES.register("row_permutation")
@dataclass(frozen=True)
class RowPermutation(Shift):
    """Rows change places: row i of the result is row permutation[i]."""

    family: ClassVar[str] = "row_permutation"
    group: ClassVar[str] = "rearrangement"
    orders: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = "Horizontal pieces of strokes stay, but lie in another order: nothing vertical hangs together."

    permutation: Order | PerImage = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "RowPermutation":
        return _drawn(self, self.permutation, shape[1], rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each row of the result is the one that it follows best, over all images."""
        found: list[Shift] = [cls(_order(cls(), pairs))]
        return found + [cls(scope="per_image")] * _same_values(pairs)

    def infer_draws(self, pairs: Pairs) -> Shift:
        return _followed(self, pairs)

    def _units(self, images: Images) -> np.ndarray:
        return images.swapaxes(1, 2).reshape(len(images), images.shape[2], -1)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _lines(self, self.permutation, images, 2, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _lines(self, self.permutation, images, 2, rng, backwards=True)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return [cls(_matched_lines(samples, 1))]

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_lines, axis=2)
        return ("rows in the order of their sums", sort) if self.scope == "per_image" else None


@FAMILIES.register("column_permutation")
@dataclass(frozen=True)
class ColumnPermutation(Shift):
    """Columns change places: column i of the result is column permutation[i]."""

    family: ClassVar[str] = "column_permutation"
    group: ClassVar[str] = "rearrangement"
    orders: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = "Vertical pieces of strokes stay, but lie in another order: nothing horizontal hangs together."

    permutation: Order | PerImage = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.permutation)

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "ColumnPermutation":
        return _drawn(self, self.permutation, shape[2], rng)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each column of the result is the one that it follows best, over all images."""
        found: list[Shift] = [cls(_order(cls(), pairs))]
        return found + [cls(scope="per_image")] * _same_values(pairs)

    def infer_draws(self, pairs: Pairs) -> Shift:
        return _followed(self, pairs)

    def _units(self, images: Images) -> np.ndarray:
        return images.transpose(0, 3, 1, 2).reshape(len(images), images.shape[3], -1)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _lines(self, self.permutation, images, 3, rng, backwards=True)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return [cls(_matched_lines(samples, 2))]

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        sort = partial(sorted_lines, axis=3)
        return ("columns in the order of their sums", sort) if self.scope == "per_image" else None


Rearrangement = TypeVar("Rearrangement", PixelPermutation, BlockPermutation, RowPermutation, ColumnPermutation)


def _sides(h: int, w: int) -> list[int]:
    """The sides of square blocks that pictures of h × w can be cut into."""
    return [side for side in range(2, min(h, w) // 2 + 1) if h % side == 0 and w % side == 0]


def _varies(pairs: Pairs) -> Bool[np.ndarray, "h w"]:
    """Which places do not always show the same."""
    return pairs.shifted.var((0, 1)) > 1e-6


def _matched_lines(samples: Samples, axis: int) -> tuple[int, ...]:
    """The order of rows (axis 1 of a picture) or columns (axis 2), by the mean picture."""
    shape = samples.reference.shape[1:]
    return tuple(matched_parts(samples, lambda v: np.moveaxis(v.reshape(shape), axis, 0)).tolist())


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
    return replace(how, permutation=PerImage(np.stack([linear_sum_assignment(c)[1] for c in cost])))


def _check(how: Shift, order: Order | PerImage) -> None:
    if isinstance(order, PerImage):
        return
    if order is not None and (how.scope == "per_image" or sorted(order) != list(range(len(order)))):
        raise BadInput(f"{how.family}: give each place from 0 once, and none for scope per_image, which draws its own.")


def _drawn(how: Rearrangement, order: Order | PerImage, count: int, rng: np.random.Generator) -> Rearrangement:
    if how.scope == "per_image" or order is not None:
        return how
    return replace(how, permutation=tuple(rng.permutation(count).tolist()))


def _places(
    how: Shift, order: Order | PerImage, n: int, count: int, rng: np.random.Generator, backwards: bool
) -> np.ndarray:
    """The permutation of each of n images, or the one of all."""
    if isinstance(order, PerImage):
        places = order.values
    elif how.scope == "per_image":
        places = rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1)
    else:
        places = np.array([order]) if order is not None else rng.permutation(count)[None]
    if places.shape[1] != count:
        raise BadInput(f"{how.family}: it has {places.shape[1]} places, the images have {count}.")
    return np.argsort(places, axis=1) if backwards else places


def _lines(
    how: Shift, order: Order | PerImage, images: Images, axis: int, rng: np.random.Generator, backwards: bool
) -> Images:
    """Rows (axis 2) or columns (axis 3) in another order."""
    places = _places(how, order, len(images), images.shape[axis], rng, backwards)
    along = [len(places), 1, 1, 1]
    along[axis] = -1
    return np.take_along_axis(images, places.reshape(along), axis)
