"""What a shift costs for the numbers it is free to choose."""

import numpy as np

from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Choice, Each, Shift, Uniform

NUMBER = 0.3  # per doubling of 1 + the numbers
FOLLOWED = 0.3  # for numbers that are chosen for each image
FOLLOWED_ORDERS = ("block_permutation", "row_permutation", "column_permutation")
NEW_ORDER = 3.0  # an order of blocks, rows or columns for each image, which can make one picture nearly another
LATER = 0.02  # what only counts between equals: without ink that wraps, a roll is a translation
GENERAL = {"affine": 0.3, "perspective": 0.5}  # for maps that simpler ones, or two in a row, would make
PART = 0.25  # for each part of a composition beyond the first


def price(how: Shift) -> float:
    """In units of the logarithm of the misfit: what a better fit must gain to pay for its freedom.

    One number has to explain a quarter of what is left, six half of it, and a permutation of 784 places 95%.
    """
    if isinstance(how, Compose):
        numbers = sum(map(_numbers, how.parts))
        others = sum(price(part) - NUMBER * float(np.log2(1 + _numbers(part))) for part in how.parts)
        return NUMBER * float(np.log2(1 + numbers)) + others + PART * (len(how.parts) - 1)
    numbers = _numbers(how)
    drawn = any(isinstance(value, Uniform | Choice | Each) for value in vars(how).values())
    if how.scope == "per_image" and how.family in FOLLOWED_ORDERS:
        return NEW_ORDER
    last = LATER * (how.family in ("roll", "quantize")) + GENERAL.get(how.family, 0)
    return NUMBER * float(np.log2(1 + numbers)) + FOLLOWED * drawn + last


def _numbers(how: Shift) -> int:
    return sum(_count(value) for name, value in vars(how).items() if name not in ("scope", "clip"))


def _count(value: object) -> int:
    if isinstance(value, tuple):
        return sum(_count(v) for v in value)
    if isinstance(value, Uniform):
        return 2
    if isinstance(value, Choice):
        return min(len(value.values), 4) * (_count(value.values[0]) if isinstance(value.values[0], tuple) else 1)
    return int(isinstance(value, int | float) and not isinstance(value, bool))
