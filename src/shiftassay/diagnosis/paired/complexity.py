"""The complexity penalty: what a shift costs for the parameters it is free to choose."""

import numpy as np

from shiftassay.diagnosis.calibration import calibration
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import is_drawn


def complexity_penalty(shift: Shift) -> float:
    """By how much a shift must lower the logarithm of the misfit to pay for its parameters.

    One parameter has to explain a quarter of the residual, six half of it, and a permutation of 784 pixels 95%. More
    degrees of freedom never cost less.
    """
    parts = shift.components
    if len(parts) == 1 and shift is parts[0]:
        return calibration().penalties.orders if _draws_orders(shift) else _of_degrees(shift) + _of_family(shift)
    others = sum(complexity_penalty(part) - _of_degrees(part) for part in parts)
    return _of_degrees(shift) + others + calibration().penalties.part * (len(parts) - 1)


def _of_degrees(shift: Shift) -> float:
    return calibration().penalties.doubling * float(np.log2(1 + shift.degrees_of_freedom))


def _of_family(shift: Shift) -> float:
    """For parameters that are drawn for each image, and what the family itself costs."""
    return calibration().penalties.per_image * any(map(is_drawn, vars(shift).values())) + shift.extra_penalty


def _draws_orders(shift: Shift) -> bool:
    """Whether it has an order of blocks, rows or columns for each image."""
    return shift.orders and shift.scope == "per_image"
