"""The winner of a search, fitted again."""

import numpy as np
import pytest

from shiftassay.diagnosis.paired.candidate import estimates
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.joint import fitted_jointly
from shiftassay.diagnosis.paired.refit import estimated_again, refitted
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.warp import OURS


def _pairs(digits, text):
    return Pairs(digits.images, parse(text).apply(digits.images, np.random.default_rng(0)))


def test_a_rough_estimate_is_refined(digits):
    assert refitted(parse("rotate:angle=13"), _pairs(digits, "rotate:angle=15"), OURS).angle == pytest.approx(
        15, abs=1e-3
    )


def test_what_does_not_fit_as_well_is_left_as_it_was(digits):
    exact, noise = parse("rotate:angle=15"), np.random.default_rng(1).normal(0, 1, digits.images.shape)
    pairs = Pairs(digits.images, noise.astype(np.float32))
    assert refitted(exact, pairs, OURS).scope == "shared"


def test_the_scope_is_kept(digits):
    again = estimated_again(
        parse("rotate:angle=-20..20,scope=per_image"), _pairs(digits, "rotate:angle=-30..30,scope=per_image")
    )
    assert again.scope == "per_image"
    assert again.angle.low == pytest.approx(-30, abs=2)


def test_intervals_hold_the_estimate_and_are_of_each_part(digits):
    pairs = _pairs(digits, "rotate:angle=15+gain:factor=0.5")
    shift, ends = measured(parse("rotate:angle=15.01+gain:factor=0.501"), pairs, OURS, 0.95)
    for part, name, true in zip(shift.parts, ("angle", "factor"), (15, 0.5), strict=True):
        low, high = ends["parts"][shift.parts.index(part)][name]
        assert low <= getattr(part, name) <= high
        assert low <= true <= high
        assert high - low < 1e-3


@pytest.mark.parametrize("family", [name for name in FAMILIES if "per_image" in FAMILIES[name].scopes])
def test_a_composition_keeps_what_is_drawn_for_each_image(digits, family):
    few = Pairs(digits.images[:40], _pairs(digits, "rotate:angle=-20..20,scope=per_image+gain:factor=0.5").shifted[:40])
    drawn = [shift for shift in estimates([family], few) if shift.scope == "per_image"]
    for shift in drawn:
        again = fitted_jointly(Compose((shift, parse("gain:factor=0.6"))), few)
        assert family not in [part.family for part in again.components if part.scope == "shared"]
    if family in ("rotate", "affine"):
        assert drawn


def test_the_limits_of_what_is_drawn_are_estimated_again(digits):
    pairs = _pairs(digits, "translate:dx=-3..3,dy=-3..3,scope=per_image+gain:factor=0.5")
    wide = parse("translate:dx=-4..12,dy=-9..9,scope=per_image+gain:factor=0.5")
    moved = fitted_jointly(wide, pairs).components[0]
    for drawn in (moved.dx, moved.dy):
        assert (drawn.low, drawn.high) == pytest.approx((-3, 3), abs=0.4)
