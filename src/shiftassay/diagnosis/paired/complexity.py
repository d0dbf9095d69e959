"""The complexity penalty: what a shift costs for the parameters it is free to choose."""

import numpy as np

from shiftassay.diagnosis.calibration import calibration
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import is_drawn


def complexity_penalty(shift: Shift) -> float:
    """By how much a shift must lower the logarithm of the misfit to pay for its parameters.

    More degrees of freedom never cost less.
    """
    penalties = calibration().penalties
    free = complexity_features(shift)
    return (
        penalties.doubling * free["doubling"]
        + penalties.per_image * free["per_image"]
        + penalties.orders * free["orders"]
        + penalties.part * free["part"]
        + penalties.general * free["general"]
        + sum(part.extra_penalty for part in shift.components)
    )


def complexity_features(shift: Shift) -> dict[str, float]:
    """What the penalties are multiplied by, under the names of their fields."""
    parts = shift.components
    orders = [part for part in parts if part.orders and part.scope == "per_image"]
    degrees = sum(part.degrees_of_freedom for part in parts if part not in orders)
    return {
        "doubling": float(np.log2(1 + degrees)),
        "per_image": float(sum(any(map(is_drawn, vars(part).values())) for part in parts if part not in orders)),
        "orders": float(len(orders)),
        "part": float(len(parts) - 1),
        "general": float(sum(part.general for part in parts)),
    }
