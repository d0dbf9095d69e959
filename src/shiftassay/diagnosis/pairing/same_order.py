"""Is image i of one set what became of image i of another?

A test by held-out ranks, whose mean and variance under the null are exact.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.pairing.alike import Group, look_alikes, rank_of_own
from shiftassay.diagnosis.pairing.traits import Trait, principal, traits_of
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.records import Record

FOLDS = 4
BLOCK = 8  # images in a row among which each is ranked
ADJACENT = 2  # where both sets are sorted, neighbours alone are compared
COMPONENTS = 48
RIDGE = 0.3  # of the mean variance of a component


@dataclass(frozen=True)
class OrderTest(Record):
    """The strongest comparison of two sets image by image.

    `z` is how far the ranks of the own partners are from chance, in sd; `rank` their mean, 0 first, 1 last. `trait` was
    compared as it is or as regression predicts it (`method`), of `compared` images, each `within` so many neighbours.
    `alike_z` and `alike_rank` are the same among images that look alike, so that a common order of classes is no
    evidence. `few` says that the ranks are those of a few images with a partner among many without.
    """

    z: float
    threshold: float
    trait: str
    method: Annotated[str, Field(serialization_alias="how", validation_alias="how")]
    rank: float
    rank_null: float
    compared: int
    within: int
    alike_z: float
    alike_threshold: float
    alike_rank: float
    few: bool

    @property
    def holds(self) -> bool:
        """Whether the sets are in the same order."""
        alike = self.alike_z > self.alike_threshold and self.alike_rank < thresholds.PARTNER_PREFERRED
        return self.z > self.threshold and alike and not self.few


def order_test(
    reference: ImageSet, shifted: ImageSet, rng: np.random.Generator, beside_known: bool = False
) -> OrderTest:
    """Whether two sets of equally many images, at least 24, are in the same order.

    From each trait of reference image i that of shifted image i is predicted by ridge regression (learnt on other
    images) or taken as it is; then shifted image i is ranked among its neighbours in the order by likeness to the
    prediction. Were the sets not in the same order, every order within a block would be as likely: mean and variance
    of the summed ranks are Hoeffding's (1951). Neighbours alone are compared, so that two sets sorted by class do not
    count as paired.

    Sets may have their classes in the same order, and no image in common: so that the strongest comparison must also
    tell an image's own partner from those of its look-alikes, of the same class where there are labels.
    `beside_known` says that these images stand among more others that are in both sets, at the same places: then less
    evidence is enough.
    """
    places = _in_rows(len(reference), rng)
    before, after = traits_of(reference.images[places]), traits_of(shifted.images[places])
    parts = {
        name: (principal(before[name], COMPONENTS, rng), principal(after[name], COMPONENTS, rng)) for name in before
    }
    in_step = all(
        max(_likeness_of_neighbors(pair[side]) for pair in parts.values()) > thresholds.COUNTS_AS_SORTED
        for side in (0, 1)
    )
    within = ADJACENT if in_step else BLOCK
    groups = list(np.arange(len(places) // within * within).reshape(-1, within))
    comparisons = []
    for name, (x, y) in parts.items():
        predicted, actual = _standard(before[name]), _standard(after[name])
        # Opposites, as of an inverted image, are evidence as good as likeness.
        predicted = predicted if rank_of_own(predicted, actual, groups)[0] >= 0 else -predicted
        for method, (a, b) in (("direct", (predicted, actual)), ("regression", _predicted(x, y))):
            comparisons.append(_Comparison(*rank_of_own(a, b, groups), name, method, (a, b)))
    best = max(comparisons, key=lambda comparison: comparison.z)
    clear = thresholds.ORDER_CLEAR_BESIDE if beside_known else thresholds.ORDER_CLEAR
    if beside_known and in_step:  # no more can be reached than the root of the number of neighbours
        clear = min(clear, thresholds.ORDER_REACHED * float(np.sqrt(len(groups))))
    alike, least = _look_alike_groups(reference, shifted, places, parts["pixels"][0])
    clearly = [comparison.scores for comparison in comparisons if comparison.z > clear] or [best.scores]
    alike_z, alike_rank = max(rank_of_own(a, b, alike)[:2] for a, b in clearly)
    few = not in_step and _of_few(best.ranks)
    return OrderTest(
        z=best.z,
        threshold=clear,
        trait=best.trait,
        method=best.method,
        rank=best.mean_rank,
        rank_null=0.5,
        compared=len(places),
        within=within,
        alike_z=alike_z,
        alike_threshold=least,
        alike_rank=alike_rank,
        few=few,
    )


class _Comparison(NamedTuple):
    """How the own partners rank by one trait, taken as it is or predicted by regression."""

    z: float
    mean_rank: float
    ranks: np.ndarray
    trait: str
    method: str
    scores: tuple[Trait, Trait]


def _look_alike_groups(
    reference: ImageSet, shifted: ImageSet, places: Int64[np.ndarray, "n"], scores: Trait
) -> tuple[list[Group], float]:
    """Groups of reference images that look alike, and the sd that are clear evidence among them.

    Each image is in one group at most; images of a group have the same labels in both sets, if there are any.
    """
    first: dict[bytes, int] = {}
    for i, place in enumerate(places):
        first.setdefault(reference.images[place].tobytes(), i)
    distinct = np.array(list(first.values()))
    cells, least = None, min(thresholds.ORDER_ALIKE, thresholds.ORDER_ALIKE_ROOT * float(np.sqrt(len(distinct))))
    if reference.labels is not None and shifted.labels is not None:
        both = np.stack([labels[places][distinct] for labels in (reference.labels, shifted.labels)])
        _, named, count = np.unique(both, axis=1, return_inverse=True, return_counts=True)
        if len(count) > 1 and count[count > 1].sum() >= thresholds.MOST_HAVE_PARTNERS * len(distinct):
            cells, least = named, thresholds.ORDER_ALIKE_LABELED
    return [distinct[group] for group in look_alikes(scores[distinct], cells)], least


def _of_few(ranks: np.ndarray) -> bool:
    """Whether less than half of the images have a partner: the ranks of the others are chance."""
    first = float(np.mean(ranks == 0))
    if (first - 1 / BLOCK) / (1 - 1 / BLOCK) >= thresholds.MOST_HAVE_PARTNERS:
        return False
    others = ranks[ranks > 0]
    chance = np.arange(1, BLOCK) / (BLOCK - 1)
    return float((chance.mean() - others.mean()) / chance.std() * np.sqrt(len(others))) < thresholds.RANKS_FALLING


def _in_rows(n: int, rng: np.random.Generator) -> Int64[np.ndarray, "k"]:
    """Places in their order, whole blocks of neighbours: all of them, or a sample."""
    if n <= SETTINGS.order_images:
        return np.arange(n)
    blocks = np.sort(rng.permutation(n // BLOCK)[: SETTINGS.order_images // BLOCK])
    return (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()


def _standard(trait: Trait) -> Trait:
    """Each dimension centred and scaled by its own sd; those that hardly vary count little."""
    return (trait - trait.mean(axis=0)) / (trait.std(axis=0) + np.float32(0.1 * trait.std() + 1e-9))


def _likeness_of_neighbors(scores: Trait) -> float:
    """How many sd the likeness of images that follow each other is above that of any two."""
    n = len(scores)
    if n < 3 or not scores.size:
        return 0.0
    unit = scores / (np.linalg.norm(scores, axis=1, keepdims=True) + 1e-9)
    spread = float(np.linalg.norm(unit.T @ unit)) / n  # root mean square of all cosines
    return float(np.sum(unit[1:] * unit[:-1])) / (np.sqrt(n) * max(spread, 1e-9))


def _predicted(x: Trait, y: Trait) -> tuple[Trait, Trait]:
    """What ridge regression on the other folds predicts of y from x, and y.

    Both in sd of the prediction's error.
    """
    n = len(x)
    fold = (np.arange(n) // BLOCK) % FOLDS
    predicted, actual = np.zeros_like(y), np.zeros_like(y)
    if not x.size or not y.size:
        return predicted, actual
    for k in range(FOLDS):
        learn, test = fold != k, fold == k
        mean_x, mean_y = x[learn].mean(axis=0), y[learn].mean(axis=0)
        a, b = x[learn] - mean_x, y[learn] - mean_y
        gram = a.T @ a
        gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
        inverse = np.linalg.inv(gram)
        weights = inverse @ (a.T @ b)
        # The error of an image left out, from the images learnt on alone: a scale chosen by the pairs that are tested
        # would spoil the null.
        leverage = np.einsum("ij,jk,ik->i", a, inverse, a, optimize=True)[:, None]
        error = np.sqrt(np.mean(((b - a @ weights) / (1 - leverage)) ** 2, axis=0)) + 1e-3 * y.std() + 1e-9
        predicted[test] = (x[test] - mean_x) @ weights / error
        actual[test] = (y[test] - mean_y) / error
    return predicted, actual
