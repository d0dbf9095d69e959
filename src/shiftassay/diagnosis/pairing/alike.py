"""Is each image's own partner preferred to the partners of images that look like it?

Among look-alikes, what a class tells of an image does not count.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from shiftassay.diagnosis.pairing.traits import Trait

TOGETHER = (
    4  # images that are compared with each other: of 50 digits, the three that are nearest are mostly of one class
)
Group = Int64[np.ndarray, "_"]


def look_alikes(scores: Trait, cells: Int64[np.ndarray, "n"] | None = None) -> list[Group]:
    """Groups of two to six images that are near each other, all of one cell: of a class, say.

    Groups are made around the images that are furthest out first, whose like are few.
    """
    groups: list[Group] = []
    cells = np.zeros(len(scores), np.int64) if cells is None else cells
    for cell in np.unique(cells):
        own = np.flatnonzero(cells == cell)
        own = own[np.argsort(-np.einsum("nd,nd->n", scores[own], scores[own]), kind="stable")]
        while len(own) > 1:
            near = np.argsort(np.sum((scores[own] - scores[own[0]]) ** 2, axis=1), kind="stable")
            count = TOGETHER if len(own) > TOGETHER + 2 else len(own)
            groups.append(own[near[:count]])
            own = np.delete(own, near[:count])
    return groups


def rank_of_own(predicted: Trait, after: Trait, groups: Sequence[Group]) -> tuple[float, float, np.ndarray]:
    """How far the summed ranks of each image's own partner in its group are below chance, in sd.

    Then the mean rank, half if there is none, and each rank. A rank is 0 where, of the group, the own partner
    (`after`) is most like the prediction, 1 where it is least. If partners are drawn at random within each group,
    mean and variance of the sum are Hoeffding's (1951). Groups whose images can't be told apart are left out.
    """
    excess = variance = 0.0
    ranks: list[np.ndarray] = []
    for size in {len(group) for group in groups}:
        places = np.array([group for group in groups if len(group) == size])
        if size < 2:
            continue
        score = predicted[places] @ after[places].swapaxes(1, 2)
        rank = (
            (score[:, :, None, :] > score[:, :, :, None]).sum(3)
            + 0.5 * (score[:, :, None, :] == score[:, :, :, None]).sum(3)
            - 0.5
        ) / (size - 1)
        centered = (
            rank
            - rank.mean(axis=1, keepdims=True)
            - rank.mean(axis=2, keepdims=True)
            + rank.mean(axis=(1, 2), keepdims=True)
        )
        spread = np.sum(centered**2, axis=(1, 2)) / (size - 1)
        informative = spread > 1e-9
        own = np.diagonal(rank, axis1=1, axis2=2)[informative]
        variance += float(spread[informative].sum())
        excess += float(np.sum(rank[informative].mean(axis=(1, 2)) * size - own.sum(axis=1)))
        ranks.append(own.ravel())
    if variance <= 1e-9:
        return 0.0, 0.5, np.empty(0)
    all_ranks = np.concatenate(ranks)
    return excess / float(np.sqrt(variance)), float(all_ranks.mean()), all_ranks
