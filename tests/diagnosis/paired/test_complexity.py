"""What a shift costs for its parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.identity import Identity

EXAMPLES = [
    parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if FAMILIES[name].group not in ("sample", "several")
]


class Costly(Identity):
    """An identity that says how many parameters it was free to choose."""

    freedom = 0

    @property
    def degrees_of_freedom(self):
        return self.freedom


def _with_freedom(n):
    return type("Costly", (Costly,), {"freedom": n})()


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_degrees_of_freedom_never_cost_less(one, other):
    fewer, more = sorted((one, other))
    assert complexity_penalty(_with_freedom(fewer)) <= complexity_penalty(_with_freedom(more))


@pytest.mark.parametrize("shift", EXAMPLES, ids=lambda shift: shift.family)
def test_a_part_is_never_free(shift):
    assert complexity_penalty(shift) >= 0
    assert (
        complexity_penalty(Compose((shift, shift))) >= complexity_penalty(shift) + calibration().penalties.part - 1e-12
    )


def test_parameters_that_are_drawn_for_each_image_cost_more():
    shared = parse("rotate:angle=15")
    assert complexity_penalty(parse("rotate:angle=-15..15,scope=per_image")) > complexity_penalty(shared)
