"""Two shifts in a row: fitted together, and told from one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.paired.compositions import compositions
from shiftassay.diagnosis.paired.hidden import depends_on_value_alone, two_curves, with_integer_parameters
from shiftassay.diagnosis.paired.joint import Joint, fitted_jointly, noise_moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES

EXAMPLES = [parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if name != "compose"]


def _pairs(digits, text):
    return Pairs(digits.images, parse(text).apply(digits.images, np.random.default_rng(0)))


def test_parameters_of_both_parts_are_fitted_together(digits):
    start, end = parse("rotate:angle=12+gain:factor=0.6"), parse("rotate:angle=15+gain:factor=0.5")
    rotate, gain = fitted_jointly(start, _pairs(digits, "rotate:angle=15+gain:factor=0.5")).parts
    assert (rotate.angle, gain.factor) == pytest.approx((end.parts[0].angle, end.parts[1].factor), abs=1e-3)
    assert fitted_jointly(end.parts[0], _pairs(digits, "invert")) is end.parts[0]


@given(st.floats(-45, 45), st.floats(0.1, 2))
def test_the_numbers_of_a_joint_fit_go_out_and_in(angle, factor):
    joint = Joint(parse("rotate:angle=1+gain:factor=1").parts)
    composition = joint.from_numbers(np.array([angle, factor]))
    assert np.array_equal(Joint(composition.parts).begin, [angle, factor])


def test_noise_moves_only_where_a_move_follows_it():
    assert noise_moves(parse("gaussian_noise:sd=0.1+rotate:angle=5"))
    assert not noise_moves(parse("rotate:angle=5+gaussian_noise:sd=0.1"))
    assert not noise_moves(parse("gaussian_noise:sd=0.1+gain:factor=0.5"))


@pytest.mark.parametrize(("text", "alone"), [("gamma:exponent=2+offset:amount=0.1", True), ("rotate:angle=5", False)])
def test_a_curve_of_grey_values_is_told_from_all_else(digits, text, alone):
    pairs = _pairs(digits, text)
    assert depends_on_value_alone(pairs, Task(pairs, pairs, [])) == alone


def test_a_composition_is_found_from_its_single_parts(digits):
    pairs = _pairs(digits, "rotate:angle=15+invert")
    task = Task(pairs.first(60), pairs.subset(np.arange(60, 120)), ["identity", "rotate", "invert", "gain"])
    best = compositions([], task)[0]
    assert {part.family for part in in_normal_form(best.shift).components} == {"rotate", "invert"}
    assert best.misfit < 0.01


def test_two_curves_are_fitted_from_a_grid(digits):
    pairs = _pairs(digits, "gamma:exponent=2+gain:factor=0.5").first(60)
    task = Task(pairs, pairs, [name for name in FAMILIES if FAMILIES[name].curve])
    errors = [
        pairs.errors(shift.apply(pairs.reference, np.random.default_rng(0))).mean() for shift in two_curves(pairs, task)
    ]
    assert errors
    assert min(errors) < 0.01 * pairs.change


def test_nearly_whole_numbers_become_whole_once():
    nearly = parse("translate:dx=2.01,dy=-1.01+gain:factor=0.5")
    once = with_integer_parameters([nearly])
    assert with_integer_parameters(once) == []


@pytest.mark.parametrize("shift", EXAMPLES, ids=lambda shift: shift.family)
def test_normal_forms_are_idempotent(shift):
    form = in_normal_form(shift)
    assert in_normal_form(form) == form
