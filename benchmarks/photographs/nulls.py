"""Pairs of sets of photographs between which there is no shift: a verdict that names one is a false alarm."""

from dataclasses import replace

import numpy as np
from benchmarks.diagnosis.case import Case, Part, by
from benchmarks.diagnosis.drawn import nulls as of_digits
from benchmarks.diagnosis.sample import reorder
from benchmarks.photographs.colored import on_channels
from scipy import ndimage

KINDS = (*3 * ("same",), "reordered", "others")
"""The same photographs; the same in another order; other crops of photographs of the same half."""
SAME = tuple(name for name in of_digits.SAME if name != "bytes and floats")
FINER = ("rounded", "truncated", "half", "fourier")
"""What changes a picture only where its values are finer than bytes."""
Rng = np.random.Generator


def drawn_null(kind: str, rng: Rng) -> Case:
    """A null of a kind."""
    if kind == "reordered":
        return Case(of_digits.GROUP, (reorder(),), "reordered", variant="reordered")
    if kind == "others":
        return Case(of_digits.GROUP, (_same("copy"),), "unpaired", variant="others")
    name = str(rng.choice(SAME))
    case = Case(of_digits.GROUP, (_same(name),), variant=name)
    return replace(case, prepare=_between_bytes) if name in FINER else case


def _same(name: str) -> Part:
    make = by(lambda x, rng: of_digits.SAME[name](x, rng), {})
    return on_channels(Part("identity", {}, make, "none", None, "preserved", name))


def _between_bytes(images: np.ndarray, rng: Rng) -> np.ndarray:
    """Values that no byte holds."""
    return ndimage.gaussian_filter(images, (0, 0, 0.4, 0.4))
