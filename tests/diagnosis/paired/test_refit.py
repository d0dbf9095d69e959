"""The winner of a search, fitted again."""

import numpy as np
import pytest

from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.refit import estimated_again, refitted
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
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
