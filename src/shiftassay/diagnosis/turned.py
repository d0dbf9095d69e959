"""Images whose answer turned: right before the shift and wrong after it, or the other way round."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of
from shiftassay.random_stream import seed_for
from shiftassay.records import Record

SHOWN = 10  # images of either kind that are kept


@dataclass(frozen=True)
class TurnedImage(Record):
    """An image: its place in both sets, its label in the second, and the answer to each."""

    reference: int
    shifted: int
    label: int
    before: int
    after: int


@dataclass(frozen=True)
class Turned(Record):
    """How many images with a partner were lost and gained, and a few of each.

    `images` is how many have a partner; the few are drawn at random.
    """

    images: int
    n_lost: int
    n_gained: int
    lost: tuple[TurnedImage, ...]
    gained: tuple[TurnedImage, ...]


def turned(
    before: ImageSet,
    after: ImageSet,
    order: Int64[np.ndarray, "n"],
    logits: tuple[Float32[np.ndarray, "m classes"], Float32[np.ndarray, "n classes"]],
    seed: int,
) -> Turned | None:
    """The images that a model lost and gained; None where neither set has labels.

    `order` is each shifted image's partner in the reference, −1 for none; `logits` are the answers to both sets. Each
    set's answers are judged by its own labels, by its partners' where it has none.
    """
    shifted = np.flatnonzero(order >= 0)
    reference = order[shifted]
    own = None if after.labels is None else after.labels[shifted]
    of_partners = None if before.labels is None else before.labels[reference]
    wanted_before, wanted = (own if of_partners is None else of_partners), (of_partners if own is None else own)
    if wanted_before is None or wanted is None:
        return None
    was, now = labels_of(logits[0])[reference], labels_of(logits[1])[shifted]
    right_before, right = was == wanted_before, now == wanted
    images = np.stack([reference, shifted, wanted, was, now], 1)
    lost, gained = right_before & ~right, ~right_before & right
    rng = np.random.default_rng(seed_for(seed, "turned"))

    def some(chosen: Bool[np.ndarray, "k"]) -> tuple[TurnedImage, ...]:
        few = np.sort(rng.permutation(np.flatnonzero(chosen))[:SHOWN])
        return tuple(TurnedImage(*map(int, row)) for row in images[few])

    return Turned(len(shifted), int(lost.sum()), int(gained.sum()), some(lost), some(gained))
