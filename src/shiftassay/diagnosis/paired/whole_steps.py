"""Whole numbers of a composition, such as the sides of a rectangle, fitted step by step."""

from shiftassay.diagnosis.paired.joint import error_of
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift

MOST_STEPS = 8


def in_whole_steps(shift: Shift, pairs: Pairs) -> Shift:
    """The composition with other whole numbers, as long as a step lowers the error.

    They were estimated before the other parts were known: a row too many, perhaps. Shifts that are drawn for each image
    stay as they are.
    """
    if not isinstance(shift, Compose) or any(part.scope != "shared" for part in shift.parts):
        return shift
    error = error_of(shift, pairs)
    for _ in range(MOST_STEPS):
        others = [
            Compose((*shift.parts[:i], other, *shift.parts[i + 1 :]))
            for i, part in enumerate(shift.parts)
            for other in part.neighbours()
        ]
        errors = [error_of(other, pairs) for other in others]
        if not errors or min(errors) >= error:
            break
        error = min(errors)
        shift = others[errors.index(error)]
    return shift
