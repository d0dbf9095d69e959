"""Two shifts in a row: fitted together, and told from one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from shiftassay.diagnosis.paired.candidate import estimate
from shiftassay.diagnosis.paired.compositions import compositions
from shiftassay.diagnosis.paired.first_parts import best_resampling, first_parts
from shiftassay.diagnosis.paired.hidden import (
    depends_on_value_alone,
    of_more_general_maps,
    of_simpler_maps,
    two_curves,
    two_linear_maps,
    with_integer_parameters,
)
from shiftassay.diagnosis.paired.joint import Joint, fitted_jointly
from shiftassay.diagnosis.paired.remake import noise_moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.warp import current_resampling

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


def test_a_map_of_grey_values_is_seen_beneath_what_covers(digits, rng):
    shifted = parse("gain:factor=2.5").apply(digits.images[:60], rng)
    covered = np.where(rng.random(shifted.shape) < 0.2, np.float32(1), shifted)
    pairs = Pairs(digits.images[:60], covered)
    firsts = first_parts([], pairs, Task(pairs, pairs, ["gain", "offset", "gamma"]))
    assert firsts[0].factor == pytest.approx(2.5, abs=0.02)
    uncovered = Pairs(digits.images[:60], shifted)
    assert not [f for f in first_parts([], uncovered, Task(uncovered, uncovered, [])) if f.group == "intensity"]


@pytest.mark.parametrize(("order", "kernel"), [(1, "bilinear"), (3, "bicubic")])
def test_what_follows_a_move_is_estimated_under_the_kernel_of_the_move(digits, order, kernel):
    moved = affine_transform(digits.images[:60], np.eye(4), (0, 0, 0.4, -1.3), order=order)
    pairs = Pairs(digits.images[:60], (0.5 * np.clip(moved, 0, 1)).astype(np.float32))
    assert best_resampling([parse("translate:dx=1.3,dy=-0.4")], pairs).kernel == kernel
    assert best_resampling([parse("invert")], pairs) == current_resampling()


@pytest.mark.parametrize(
    ("general", "simple"),
    [
        ("affine:matrix=[[0,1,0],[1,-0.5,0]]", "shear:factor=-0.5+transpose"),
        pytest.param(
            "affine:matrix=[[1.25,0,-3.75],[0,1.25,2.5]]",
            "translate:dx=-3,dy=2+scale:factor=1.25",
            marks=pytest.mark.torture,
        ),
    ],
)
def test_an_affine_map_is_taken_apart(digits, general, simple):
    pairs = _pairs(digits, general).first(60)
    task = Task(pairs, pairs, ["rotate", "scale", "shear", "translate", "transpose", "flip_horizontal"])
    wanted = [part.family for part in parse(simple).parts]
    alike = [s for s in two_linear_maps(pairs, task, parse(general)) if [p.family for p in s.components] == wanted]
    residuals = [pairs.errors(s.apply(pairs.reference, np.random.default_rng(0))).mean() for s in alike]
    assert min(residuals) < 1e-4


def test_a_general_map_makes_way_for_a_simpler_one_and_for_a_more_general_one(digits):
    pairs = _pairs(digits, "affine:matrix=[[0.9,0.2,1],[-0.1,1.1,-2]]").first(60)
    task = Task(pairs, pairs, ["affine", "perspective", "gain"])
    perspective = Compose((estimate("perspective", pairs)[0], parse("gain:factor=0.5")))
    [simpler, *_] = of_simpler_maps(perspective, pairs, task)
    assert [part.family for part in simpler.components] == ["affine", "gain"]
    [larger] = of_more_general_maps(simpler, pairs, task)
    assert [part.family for part in larger.components] == ["perspective", "gain"]


def test_impulse_noise_before_a_blur_leaves_the_blur_as_it_is(digits):
    truth = parse("impulse_noise:fraction=0.1+gaussian_blur:sd=1")
    pairs = Pairs(digits.images, truth.apply(digits.images, np.random.default_rng(3)))
    begin = Compose((parse("impulse_noise:fraction=0.05"), parse("gaussian_blur:sd=1.3")))
    noise, blur = fitted_jointly(begin, pairs).parts
    assert (noise.fraction, blur.sd) == pytest.approx((0.1, 1.0), rel=0.1)
