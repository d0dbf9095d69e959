"""Numbers as people write them, where they make the bytes exactly.

Rounding down takes half a byte of a value on average, but nothing of a value that is whole. How many are whole depends
on the very number: of 0.6 times a byte a fifth, of 0.601 times a byte hardly any. So least squares stop beside it; and
0.6 makes the same bytes as 0.6007, which are nearer to the mean of all that do.
"""

from itertools import product

import numpy as np
from jaxtyping import Float64

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.diagnosis.paired.implementations import Implementation
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import current_resampling

UNITS = (1, 10, 100, 255, 1000, 12)  # to 1: tenths, grey values of bytes, and thirds and quarters
MOST = 3  # numbers, of which each is tried in each unit; of more, all in the same
VALUES = 100_000  # of images that must be made
SLACK = 1e-3  # of a byte


def with_round_numbers(shift: Shift, pairs: Pairs) -> Shift | None:
    """The shift with round numbers near its own, if such make the bytes exactly; else None."""
    if not _is_fixed(shift) or not in_bytes(pairs.shifted):
        return None
    free = FreeNumbers.differentiable(shift)
    if not len(free.values):
        return None
    numbers = round_numbers(free, free.values, pairs, Implementation(current_resampling()))
    return None if numbers is None else free.with_values(numbers)


def round_numbers(
    free: FreeNumbers, numbers: Float64[np.ndarray, "k"], pairs: Pairs, way: Implementation
) -> Float64[np.ndarray, "k"] | None:
    """The simplest numbers near these that make the bytes of the pairs exactly.

    The bytes are rounded to the nearest, or down. None if there are none, as of shifts with noise, of those that
    interpolate, and of what differs between images.
    """
    if not _is_fixed(free.shift):
        return None
    few = pairs.first(max(VALUES // pairs.reference[0].size, 1))

    def makes_all(tried: np.ndarray) -> bool:
        try:
            made = way.unrounded(free.with_values(tried), few.reference, np.random.default_rng(0))
        except BadInput:  # what its family does not allow
            return False
        return makes_bytes(made, few.shifted)

    units = product(UNITS, repeat=len(numbers)) if len(numbers) <= MOST else ((u,) * len(numbers) for u in UNITS)
    tried = (np.rint(numbers * u) / u for u in map(np.array, sorted(units, key=sum)))
    return next(filter(makes_all, tried), None)


def makes_bytes(made: Images, shifted: Images) -> bool:
    """Whether the images become the shifted ones exactly, once they are rounded.

    To the nearest of 256 values, where halves may have gone either way, or down.
    """
    above = np.float32(255) * (made - shifted)
    low, high = float(above.min()), float(above.max())
    return max(-low, high) <= 0.5 + SLACK or (low >= -SLACK and high < 1)


def _is_fixed(shift: Shift) -> bool:
    """Whether it makes the same of the same picture, without blending its pixels."""
    return not any(part.smooth or part.random or part.scope == "per_image" for part in shift.components)
