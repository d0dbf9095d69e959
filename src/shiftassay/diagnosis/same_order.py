"""Is image i of one set what became of image i of another? A test by held-out ranks, exact in its null's mean and variance."""

from dataclasses import dataclass

import numpy as np

from shiftassay.arrays.image_set import ImageSet
from shiftassay.diagnosis.traits import Trait, principal, traits_of

ENOUGH = 1600  # images: more add nothing to a test that is won by 200
FOLDS = 4
BLOCK = 8  # images in a row among which each is ranked
ADJACENT = 2  # where both sets are sorted, neighbours alone are compared
COMPONENTS = 48
RIDGE = 0.3  # of the mean variance of a component
CLEAR = 5.5  # sd: with ten comparisons a false alarm in some ten million
SORTED = 5.0  # sd of the likeness of neighbours, from which on a set counts as sorted


@dataclass(frozen=True)
class OrderTest:
    """The strongest of the comparisons: how far the ranks are from chance, in sd."""

    z: float
    threshold: float
    trait: str
    how: str
    rank: float  # mean rank of the own partner, 0 first, 1 last
    rank_null: float
    compared: int
    within: int

    @property
    def holds(self) -> bool:
        """Whether the sets are in the same order."""
        return self.z > self.threshold


def order_test(reference: ImageSet, shifted: ImageSet, rng: np.random.Generator) -> OrderTest:
    """Whether two sets of equally many images are in the same order.

    From each trait of reference image i that of shifted image i is predicted by ridge regression (learnt on other images)
    or taken as it is; then shifted image i is ranked among its neighbours in the order by likeness to the prediction. Were the sets not
    in the same order, every order within a block would be as likely: mean and variance of the summed ranks
    are Hoeffding's (1951). Neighbours alone are compared, so that two sets sorted by class do not count as paired.
    """
    places = _in_rows(len(reference), rng)
    before, after = traits_of(reference.images[places]), traits_of(shifted.images[places])
    parts = {
        name: (principal(before[name], COMPONENTS, rng), principal(after[name], COMPONENTS, rng)) for name in before
    }
    in_step = all(max(_likeness_of_neighbours(pair[side]) for pair in parts.values()) > SORTED for side in (0, 1))
    within = ADJACENT if in_step else BLOCK
    found = []
    for name, (x, y) in parts.items():
        direct, rank = _ranked(_standard(before[name]), _standard(after[name]), within)
        # Opposites, as of an inverted image, are evidence as good as likeness.
        found.append((abs(direct), rank, name, "direct"))
        found.append((*_ranked(*_predicted(x, y), within), name, "regression"))
    z, rank, name, how = max(found)
    return OrderTest(z, CLEAR, name, how, rank, 0.5, len(places), within)


def _in_rows(n: int, rng: np.random.Generator) -> np.ndarray:
    """Places in their order, whole blocks of neighbours: all of them, or a sample."""
    if n <= ENOUGH:
        return np.arange(n)
    blocks = np.sort(rng.permutation(n // BLOCK)[: ENOUGH // BLOCK])
    return (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()


def _standard(trait: Trait) -> Trait:
    """Each dimension centred and scaled by its own sd; those that hardly vary count little."""
    return (trait - trait.mean(axis=0)) / (trait.std(axis=0) + np.float32(0.1 * trait.std() + 1e-9))


def _likeness_of_neighbours(scores: Trait) -> float:
    """How many sd the likeness of images that follow each other is above that of any two."""
    n = len(scores)
    if n < 3 or not scores.size:
        return 0.0
    unit = scores / (np.linalg.norm(scores, axis=1, keepdims=True) + 1e-9)
    spread = float(np.linalg.norm(unit.T @ unit)) / n  # root mean square of all cosines
    return float(np.sum(unit[1:] * unit[:-1])) / (np.sqrt(n) * max(spread, 1e-9))


def _predicted(x: Trait, y: Trait) -> tuple[Trait, Trait]:
    """What ridge regression on the other folds predicts of y from x, and y, both in sd of the prediction's error."""
    n = len(x)
    fold = (np.arange(n) // BLOCK) % FOLDS
    made, seen = np.zeros_like(y), np.zeros_like(y)
    if not x.size or not y.size:
        return made, seen
    for k in range(FOLDS):
        learn, test = fold != k, fold == k
        mean_x, mean_y = x[learn].mean(axis=0), y[learn].mean(axis=0)
        a, b = x[learn] - mean_x, y[learn] - mean_y
        gram = a.T @ a
        gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
        inverse = np.linalg.inv(gram)
        weights = inverse @ (a.T @ b)
        # The error of an image left out, from the images learnt on alone: a scale chosen by the pairs that are tested would spoil the null.
        leverage = np.einsum("ij,jk,ik->i", a, inverse, a, optimize=True)[:, None]
        error = np.sqrt(np.mean(((b - a @ weights) / (1 - leverage)) ** 2, axis=0)) + 1e-3 * y.std() + 1e-9
        made[test] = (x[test] - mean_x) @ weights / error
        seen[test] = (y[test] - mean_y) / error
    return made, seen


def _ranked(made: Trait, seen: Trait, within: int) -> tuple[float, float]:
    """The z-score of the summed ranks of each image's own partner among those of its block, and their mean."""
    whole = len(made) // within * within
    shape = (-1, within, made.shape[1])
    score = made[:whole].reshape(shape) @ seen[:whole].reshape(shape).swapaxes(1, 2)
    rank = (
        (score[:, :, None, :] > score[:, :, :, None]).sum(3)
        + 0.5 * (score[:, :, None, :] == score[:, :, :, None]).sum(3)
        - 0.5
    ) / (within - 1)
    own = np.trace(rank, axis1=1, axis2=2)
    centred = (
        rank
        - rank.mean(axis=1, keepdims=True)
        - rank.mean(axis=2, keepdims=True)
        + rank.mean(axis=(1, 2), keepdims=True)
    )
    variance = np.sum(centred**2) / (within - 1)
    excess = np.sum(rank.mean(axis=(1, 2)) * within - own)
    return (float(excess / np.sqrt(variance)) if variance > 1e-9 else 0.0), float(own.sum() / max(whole, 1))
