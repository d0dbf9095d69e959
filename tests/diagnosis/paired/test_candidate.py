"""When a candidate fits, and which is first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, estimate, fits, limit, ranked
from shiftassay.diagnosis.paired.remake import Remake
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.warp import OURS

NOTHING = np.zeros((1, 1, 1, 1), np.float32)


def _candidate(text, misfit=0.0, noise=0.0, cost=0.0):
    shift = parse(text)
    return Candidate(Remake(shift, shift, misfit, 0.0, noise, {}, OURS, NOTHING), cost)


def test_the_limit_is_lower_for_more_parameters():
    one, four = limit(_candidate("rotate:angle=5")), limit(_candidate("affine:matrix=[[1,0.1,0],[0,1,0.1]]"))
    assert four < one == thresholds.SURE_MISFIT


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_limit_grows_with_the_share_of_noise(one, other):
    less, more = sorted((one, other))
    assert limit(_candidate("gaussian_noise:sd=0.1", noise=less)) <= limit(
        _candidate("gaussian_noise:sd=0.1", noise=more)
    )


@given(st.lists(st.tuples(st.floats(0, 0.2), st.floats(-5, 5)), min_size=1, max_size=8))
def test_those_that_fit_come_first_then_the_cheapest(cases):
    order = ranked([_candidate("rotate:angle=5", misfit, cost=cost) for misfit, cost in cases])
    keys = [(not fits(c), c.cost) for c in order]
    assert keys == sorted(keys)


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].group in ("geometry", "intensity")])
def test_no_estimate_changes_nothing(digits, family):
    same = Pairs(digits.images[:40], digits.images[:40])
    few = same.reference[:16]
    for shift in estimate(family, same):
        assert not np.allclose(shift.apply(few, np.random.default_rng(0)), few, atol=1e-4)
