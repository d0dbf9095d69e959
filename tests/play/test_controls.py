"""Controls follow from what families declare, and what they can be set to is what families allow."""

import math

import pytest

from shiftassay.errors import BadInput
from shiftassay.play.controls import controls_of
from shiftassay.shifts.family import FAMILIES

NAMES = [name for name in FAMILIES if name != "compose"]


@pytest.mark.parametrize("family", NAMES)
def test_every_family_can_be_set_as_in_its_example(family):
    controls = controls_of(family)
    assert controls.shift({}, per_image=False).family == family
    assert controls.about
    for control in controls.controls:
        if control.kind in ("number", "whole"):
            assert control.low <= control.value <= control.high
            assert control.low < control.high
            assert math.isfinite(control.high - control.low)
            assert control.step > 0


@pytest.mark.parametrize("family", NAMES)
def test_both_ends_of_every_slider_are_allowed(family):
    controls = controls_of(family)
    for control in controls.controls:
        if control.kind in ("number", "whole"):
            for end in (control.low, control.high):
                shift = controls.shift({control.name: end}, per_image=False)
                assert shift.parameters.get(control.name, end) == end


def test_a_slider_spans_what_the_family_searches():
    angle, _ = controls_of("rotate").controls
    assert (angle.low, angle.high, angle.step, angle.value) == (-180, 180, 1, 15)
    assert angle.about == "degrees, counter-clockwise as seen on the screen."
    factor, _ = controls_of("scale").controls
    assert (factor.low, factor.high) == (0.4, 2.5)


def test_a_wide_range_is_passed_through_in_ratios():
    photons = next(control for control in controls_of("shot_noise").controls if control.name == "photons")
    assert photons.in_ratios
    assert not controls_of("rotate").controls[0].in_ratios


def test_what_is_drawn_where_none_is_given_has_no_control():
    permutation = controls_of("pixel_permutation")
    assert permutation.controls == ()
    assert permutation.drawn


def test_a_parameter_may_be_a_range_for_each_image():
    shift = controls_of("rotate").shift({"angle": {"low": -20, "high": 20}}, per_image=True)
    assert shift.scope == "per_image"
    assert shift.parameters == {"angle": {"low": -20.0, "high": 20.0}}


@pytest.mark.parametrize(
    ("family", "parameters", "message"),
    [
        ("rotate", {"angle": 181}, "from -180 to 180"),
        ("rotate", {"angle": {"low": 0, "high": 1e9}}, "from -180 to 180"),
        ("rotate", {"angle": float("nan")}, "from -180 to 180"),
        ("rotate", {"angle": True}, "from -180 to 180"),
        ("rotate", {"angle": "15"}, "from -180 to 180"),
        ("rotate", {"angel": 15}, "no control"),
        ("letterbox", {"size": [10**9, 10**9]}, "at most 200 numbers from -1000 to 1000"),
        ("affine", {"matrix": [[1.0] * 300]}, "at most 200 numbers"),
        ("gaussian_noise", {"clip": "yes"}, "true or false"),
        ("resample", {"up": "magic"}, "expected nearest or"),
    ],
)
def test_nothing_else_can_be_set(family, parameters, message):
    with pytest.raises(BadInput, match=message):
        controls_of(family).shift(parameters, per_image=False)


def test_what_is_never_drawn_for_each_image_is_refused():
    with pytest.raises(BadInput, match="can't be drawn afresh"):
        controls_of("invert").shift({}, per_image=True)
