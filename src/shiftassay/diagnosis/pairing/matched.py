"""The images of two sets that are partners, and what a pairing leaves out."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from shiftassay.imagesets.image_set import ImageSet

Order = Int64[np.ndarray, "n"]


class MatchedSets(NamedTuple):
    """Image i of `shifted` is what became of image i of `reference`."""

    reference: ImageSet
    shifted: ImageSet


def matched_sets(reference: ImageSet, shifted: ImageSet, order: Order) -> MatchedSets:
    """Both sets in the order of the shifted one.

    Images without a partner (−1 in `order`) are left out.
    """
    if len(order) == len(reference) and np.array_equal(order, np.arange(len(order))):
        return MatchedSets(reference, shifted)
    matched = np.flatnonzero(order >= 0)
    partners = order[matched]
    return MatchedSets(reference.subset(partners), shifted.subset(matched))


def order_notes(reference: ImageSet, shifted: ImageSet, order: Order) -> tuple[str, ...]:
    """Sentences on the images without a partner, and on those that share one."""
    alone = int(np.sum(order < 0))
    again = len(shifted) - alone - len(np.unique(order[order >= 0]))
    notes = []
    if alone:
        notes.append(f"{alone:,} of {len(shifted):,} images of {shifted.name} have no partner and were left out.")
    if again:
        notes.append(f"{again:,} images of {shifted.name} have a partner in {reference.name} that another has too.")
    return tuple(notes)
