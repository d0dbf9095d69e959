"""What permutations have in common, be it of pixels, blocks, rows or columns."""

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.mean_picture import matched_parts
from shiftassay.shifts.estimation.paired_places import MOST_ASSIGNED, ROUNDED, order_of_equal_parts, placement_of_pairs
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.places import Parts, Placement
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.unpaired_places import placement_of_samples
from shiftassay.shifts.family import Context, Information, Scope, Shift
from shiftassay.shifts.parameters import PerImage, count_numbers

IMAGES = 300
MANY_VALUES = 64 * 64 * 3  # of an image
SAMPLES = 10  # for each part of an image, to tell by regression which part it comes from
CHANCE = 0.3  # correlation up to which parts may agree by chance
RIDGE = 0.01  # of the parts' mean energy: what stabilizes that regression
SORTED_VALUES_MAY_DIFFER = 0.3  # of the change: by how much sorted grey values may differ in images that are permuted

Order = tuple[int, ...] | None
"""out[i] = in[order[i]]; None: drawn."""
Places = tuple[int, ...] | None
"""Positions, counted as in the order; None: not known."""


class Permutation(Shift):
    """A shift that puts parts of an image in another order: out[i] = in[permutation[i]].

    For scope shared it is one permutation for all images, drawn if none is given. For scope per_image each image draws
    its own. Of an estimate, `unidentified` are the places whose source the images don't tell.
    """

    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")

    code_of_places: ClassVar[str]
    """Statements that put the parts of `images` (n, h, w) or (n, h, w, c) in the order `places`."""

    permutation: Order | PerImage  # each family declares these fields, after its own parameters
    unidentified: Places

    def __post_init__(self) -> None:
        super().__post_init__()
        order = self.permutation
        if order is None or isinstance(order, PerImage):
            return
        if self.scope == "per_image" or sorted(order) != list(range(len(order))):
            raise BadInput(
                f"{self.family}: give each place from 0 once, and none for scope per_image, which draws its own."
            )

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "reduced"

    @property
    def degrees_of_freedom(self) -> int:
        return super().degrees_of_freedom - count_numbers(self.unidentified)

    @abstractmethod
    def to_parts(self, images: Images) -> Parts:
        """The parts of each image, as flat arrays of their values."""

    @abstractmethod
    def to_images(self, parts: Parts, shape: tuple[int, ...]) -> Images:
        """Images of that shape made of the parts: the inverse of `to_parts`."""

    @abstractmethod
    def count(self, h: int, w: int) -> int:
        """How many parts an image of h × w pixels has."""

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """A shared order, by correlation; and fresh ones, if images keep their grey values."""
        unknown = cls()
        order = shared_order(unknown, pairs)
        shared: list[Shift] = [] if order is None else [replace(unknown, permutation=order)]
        return shared + [replace(unknown, scope="per_image")] * keeps_values(pairs)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The order in which the parts of the mean pictures are most alike."""
        unknown = cls()
        order = order_by_mean_picture(unknown, samples)
        return [] if order is None else [replace(unknown, permutation=order)]

    def settle(self, pairs: Pairs) -> Shift:
        """The order that all pairs tell, and the places whose source they don't tell."""
        if not isinstance(self.permutation, tuple):
            return self
        placement = placement_of_pairs(self.to_parts(pairs.reference), self.to_parts(pairs.shifted))
        if pairs.left_out is not None:
            hidden = _parts_left_out(self, pairs)
            placement = replace(placement, identified=placement.identified & ~(hidden | hidden[placement.order]))
        return self._placed(placement)

    def settle_unpaired(self, reference: Images, shifted: Float32[np.ndarray, "m c h w"]) -> Shift:
        """The order that all images tell, and the places whose source they don't tell."""
        if not isinstance(self.permutation, tuple):
            return self
        sides = self.to_parts(reference), self.to_parts(shifted)
        return self._placed(placement_of_samples(*sides, np.array(self.permutation)))

    def _placed(self, placement: Placement) -> Shift:
        return replace(self, permutation=tuple(placement.order.tolist()), unidentified=placement.unidentified)

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Permutation":
        if self.scope == "per_image" or self.permutation is not None:
            return self
        return replace(self, permutation=tuple(rng.permutation(self.count(*shape[1:])).tolist()))

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own order: the one of least squared difference."""
        if self.scope == "shared":
            return self
        before, after = self.to_parts(pairs.reference), self.to_parts(pairs.shifted)
        if before.shape[1] > MOST_ASSIGNED:
            orders = [order_of_equal_parts(before[[i]], after[[i]]) for i in range(len(pairs))]
            known = [order for order in orders if order is not None]
            return replace(self, permutation=PerImage(np.stack(known))) if len(known) == len(orders) else None
        cost = -np.einsum("nik,njk->nij", after, before)
        return replace(self, permutation=PerImage(np.stack([linear_sum_assignment(c)[1] for c in cost])))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        parts = self.to_parts(images)
        return self._reordered(images, parts, self._orders(parts, rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        parts = self.to_parts(images)
        return self._reordered(images, parts, np.argsort(self._orders(parts, rng), axis=1))

    def undo_steps(self) -> Steps | None:
        if not isinstance(self.permutation, tuple):
            return None
        return Steps(f"places = np.argsort({literal(self.permutation)})\n{self.code_of_places}")

    def _reordered(self, images: Images, parts: Parts, orders: Int64[np.ndarray, "m count"]) -> Images:
        moved = np.take_along_axis(parts, orders[:, :, None], axis=1)
        return np.ascontiguousarray(self.to_images(moved, images.shape))

    def _orders(self, parts: Parts, rng: np.random.Generator) -> Int64[np.ndarray, "m count"]:
        """The order of each image, or the one of all."""
        n, count, _ = parts.shape
        if isinstance(self.permutation, PerImage):
            orders = self.permutation.values
        elif self.scope == "per_image":
            orders = rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1)
        else:
            orders = np.array([self.permutation]) if self.permutation is not None else rng.permutation(count)[None]
        if orders.shape[1] != count:
            raise BadInput(f"{self.family}: it has {orders.shape[1]} places, the images have {count}.")
        return orders


def shared_order(shift: Permutation, pairs: Pairs) -> tuple[int, ...] | None:
    """The order in which the parts of all images correlate most with those of their partners.

    Parts that never vary stay where they are if they can. Of very many parts, the order of equal ones; None if most
    have no equal.
    """
    few = pairs.first(IMAGES)
    if shift.count(*pairs.reference.shape[2:]) > MOST_ASSIGNED:
        equal = order_of_equal_parts(shift.to_parts(few.reference), shift.to_parts(few.shifted))
        return None if equal is None else tuple(equal.tolist())
    # (count, n · values): how each part varies from image to image
    before, after = (shift.to_parts(side).swapaxes(0, 1) for side in (few.reference, few.shifted))
    before, after = (side - side.mean(1, keepdims=True) for side in (before, after))
    before, after = (side.reshape(len(side), -1) for side in (before, after))
    norms = [np.linalg.norm(side, axis=1) for side in (before, after)]
    agreement = after @ before.T / np.maximum(norms[1][:, None] * norms[0], 1e-9)
    if few.contrast and before.shape[1] > SAMPLES * len(before):
        agreement = _regression(before, after)
    if few.contrast and np.abs(agreement.min(1)).sum() > agreement.max(1).sum():
        agreement = -agreement
    constant = np.minimum(norms[0][None], norms[1][:, None]) < 1e-6 * max(norms[0].max(), 1e-9)
    similarity = np.exp(-np.abs(np.log((norms[1][:, None] + 1e-6) / (norms[0] + 1e-6))))
    agreement = np.where(constant, (1e-3 if few.left_out is None else CHANCE) * similarity, agreement)
    if few.left_out is not None:  # there may stand anything: rather that than what agrees no more than by chance
        hidden = _parts_left_out(shift, few)
        agreement[hidden], agreement[:, hidden] = CHANCE - 0.05, CHANCE - 0.05
    agreement += 1e-6 * np.eye(len(agreement))
    return tuple(linear_sum_assignment(agreement, maximize=True)[1].tolist())


def _parts_left_out(shift: Permutation, pairs: Pairs) -> Bool[np.ndarray, "count"]:
    """Which parts are left out whole."""
    assert pairs.left_out is not None
    return shift.to_parts(pairs.left_out[None, None].astype(np.float32))[0].all(-1)


def order_by_mean_picture(shift: Permutation, samples: Samples) -> tuple[int, ...] | None:
    """The order in which the parts of the mean pictures are most alike.

    None if they are too many to try.
    """
    shape = samples.reference.shape[1:]
    if shift.count(*shape[1:]) > MOST_ASSIGNED:
        return None

    def parts(picture: np.ndarray) -> np.ndarray:
        return shift.to_parts(picture.reshape(1, *shape).astype(np.float32))[0]

    return tuple(matched_parts(samples, parts).tolist())


def keeps_values(pairs: Pairs) -> bool:
    """Whether each image keeps most of its grey values, in whatever order."""
    few = pairs.first(50)
    before, after = (np.sort(side.reshape(len(side), -1), axis=1) for side in (few.reference, few.shifted))
    if before.shape[1] > MANY_VALUES:  # there noise hardly changes sorted values, and trying orders takes long
        mapped = few.fit_intensity(before)
        return float(np.abs(mapped[0] * before + mapped[1] - after).max()) <= ROUNDED
    return few.contrast or float(np.mean((before - after) ** 2)) < SORTED_VALUES_MAY_DIFFER * few.change


def _regression(before: Float[np.ndarray, "j m"], after: Float[np.ndarray, "i m"]) -> Float[np.ndarray, "i j"]:
    """How much of each part before is in each part after, by ridge regression.

    Plain correlation would mistake neighbours for each other where a blur makes them alike.
    """
    gram = before @ before.T
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    coefficients = np.linalg.solve(gram + ridge, before @ after.T).T
    return coefficients / max(float(np.abs(coefficients).max()), 1e-9)
