"""Pairs of sets between which there is no shift: a verdict other than `identity` (or `reorder`) is a false alarm."""

from collections.abc import Iterator

import numpy as np
from benchmarks.diagnosis.case import Case, Images, Labels, Made, Part, by, eight_bits
from benchmarks.diagnosis.sample import reorder
from scipy import ndimage

GROUP = "null"
HALVES = 40


def cases() -> Iterator[Case]:
    for i in range(5):
        yield Case(GROUP, (_same(),), variant=f"copy {i}")
        yield Case(GROUP, (_rounded(),), variant=f"rounded {i}", prepare=_between_bytes)
        yield Case(GROUP, (reorder(i),), "reordered", variant=f"copy {i}")
        yield Case(GROUP, (_fewer(),), "unpaired", variant=f"other images {i}")
    for i in range(HALVES):
        yield Case(GROUP, (_same(),), "unpaired", variant=f"halves {i}")
    for i in range(2):
        yield Case(GROUP, (_same(),), variant=f"units {i}", arrays=True)
        yield Case(GROUP, (_rounded(),), "unpaired", variant=f"rounded halves {i}", prepare=_between_bytes)


def _same() -> Part:
    return Part("identity", {}, by(lambda x, rng: x.copy(), {}), "none", None, "preserved")


def _rounded() -> Part:
    return Part("identity", {}, by(lambda x, rng: eight_bits(x), {}), "none", None, "preserved", "bytes")


def _fewer() -> Part:
    """A set of another size."""

    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        kept = rng.random(len(images)) < 0.7
        return Made(images[kept], labels[kept])

    return Part("identity", {}, make, "none", None, "preserved", "fewer")


def _between_bytes(images: Images, rng: np.random.Generator) -> Images:
    """Values that no byte holds."""
    return np.stack([ndimage.gaussian_filter(one, 0.4) for one in images])
