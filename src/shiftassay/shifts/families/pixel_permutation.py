"""Pixels in another order."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool
from scipy.optimize import linear_sum_assignment

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.paired_places import MOST_ASSIGNED
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.places import Parts
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.unpaired_places import matched_places
from shiftassay.shifts.families.line_permutation import ColumnPermutation, RowPermutation
from shiftassay.shifts.families.permutation import Order, Permutation, Places, keeps_values, shared_order
from shiftassay.shifts.family import FAMILIES, Information, Shift
from shiftassay.shifts.invariants import sorted_values
from shiftassay.shifts.parameters import PerImage
from shiftassay.shifts.properties import Invariant

# Sampling errors that summary statistics are apart: at most in grey values, at least in their places.
VALUES_APART, PLACES_APART = 4, 4
BESIDE = 1.5  # pixels between places that are neighbours
CONSTANT = 1e-6  # range or variance of a place that always shows the same


@FAMILIES.register("pixel_permutation")
@dataclass(frozen=True)
class PixelPermutation(Permutation):
    """Put all pixels in another order; all channels alike.

    With scope per_image every image has its own order, and nothing of it survives but the multiset of its values.

    Parameters:
        permutation: out[i] = in[permutation[i]] over the h · w places, row by row; drawn if None.
        unidentified: of an estimate, the places whose source the images don't tell.
    """

    family: ClassVar[str] = "pixel_permutation"
    screened: ClassVar[bool] = False
    why: ClassVar[str] = (
        "Every pixel meets a weight that was trained for another one: to the first layer the image is noise with "
        "MNIST's histogram."
    )
    code_of_places: ClassVar[str] = (
        "n, h, w = images.shape[:3]\nimages = images.reshape(n, h * w, -1)[:, places].reshape(images.shape)"
    )

    permutation: Order | PerImage = None
    unidentified: Places = None

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "destroyed"

    def to_parts(self, images: Images) -> Parts:
        n, c, h, w = images.shape
        return images.reshape(n, c, h * w).swapaxes(1, 2)

    def to_images(self, parts: Parts, shape: tuple[int, ...]) -> Images:
        return parts.swapaxes(1, 2).reshape(shape)

    def count(self, h: int, w: int) -> int:
        return h * w

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """A shared order, by correlation; and fresh ones, if images keep their grey values."""
        order = shared_order(cls(), pairs)
        shared: list[Shift] = [] if order is None else [cls(order)]
        return shared + [cls(scope="per_image")] * keeps_values(pairs)

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """None for fresh orders: many orders of single pixels fit an image."""
        return self if self.scope == "shared" else None

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """An order of places, where the grey values are the same and their places are not."""
        distances = samples.distances()
        if distances["values"] > VALUES_APART or distances["pixels"] < PLACES_APART:
            return []
        if cls().count(*samples.reference.shape[2:]) > MOST_ASSIGNED:
            return []
        return [cls(tuple(matched_places(samples.reference, samples.shifted).tolist()))]

    def permutes_smoothly(self, pairs: Pairs) -> bool:
        """Whether most pixels that vary come from beside where their neighbour comes from.

        That is no random order, but a turn, a mirror or a warp.
        """
        if not isinstance(self.permutation, tuple):
            return False
        size = pairs.shifted.shape[2:]
        varies = _varying_places(pairs)
        y, x = np.divmod(np.reshape(self.permutation, size), size[1])
        apart = np.hypot(np.diff(y), np.diff(x))[varies[:, 1:] & varies[:, :-1]]
        return apart.size > 0 and float(np.mean(apart < BESIDE)) > 0.5

    def in_simpler_parts(self, pairs: Pairs) -> list[Shift] | None:
        """Rows, then columns in another order: by a vote of the pixels that vary."""
        if not isinstance(self.permutation, tuple):
            return None
        h, w = pairs.shifted.shape[2:]
        from_row, from_column = np.divmod(np.reshape(self.permutation, (h, w)), w)
        votes = np.zeros((h, h)), np.zeros((w, w))
        for y, x in np.argwhere(_varying_places(pairs)):
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
    def theory(self) -> str:
        if self.shuffles:
            return (
                "If each image's permutation is drawn uniformly, all arrangements of its pixels are equally likely, so "
                "what is seen depends on the image only through its multiset of pixel values. By Bayes' rule so do the "
                "probabilities of the classes: no classifier can use more than the sorted values."
            )
        return (
            "Let P be the permutation and W₁ the trained first layer: a perceptron with W₁Pᵀ instead answers on Px as "
            "the trained one does on x, since W₁PᵀPx = W₁x. With independent, identically distributed initial "
            "weights W₁Pᵀ is as likely as W₁, so a perceptron trained on permuted images is as good; a convolution, "
            "which looks at neighbours, is not."
        )

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("sorted pixel values", sorted_values) if self.scope == "per_image" else None


def _varying_places(pairs: Pairs) -> Bool[np.ndarray, "h w"]:
    return pairs.shifted.var((0, 1)) > CONSTANT
