"""What a shift costs for the numbers it is free to choose."""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import is_drawn


def complexity_penalty(how: Shift) -> float:
    """In units of the logarithm of the misfit: what a better fit must gain to pay for its freedom.

    One number has to explain a quarter of what is left, six half of it, and a permutation of 784 places 95%.
    """
    parts = how.components
    if len(parts) == 1 and how is parts[0]:
        return _of_numbers(how) + _besides(how) if not _has_orders(how) else thresholds.ORDERS
    others = sum(complexity_penalty(part) - _of_numbers(part) for part in parts)
    return _of_numbers(how) + others + thresholds.PART * (len(parts) - 1)


def _of_numbers(how: Shift) -> float:
    return thresholds.NUMBER * float(np.log2(1 + how.degrees_of_freedom))


def _besides(how: Shift) -> float:
    """For numbers of each image, and what its family costs anyway."""
    return thresholds.DRAWN * any(map(is_drawn, vars(how).values())) + how.extra_penalty


def _has_orders(how: Shift) -> bool:
    return how.orders and how.scope == "per_image"
