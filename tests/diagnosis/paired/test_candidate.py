"""When a candidate fits, and which is first."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.null_distribution import Fit
from shiftassay.diagnosis.paired.candidate import Candidate, estimate, first_that_fits, ranked, scored, settled
from shiftassay.diagnosis.paired.remake import Remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.warp import OURS

IMAGES = np.random.default_rng(0).random((12, 1, 8, 8), np.float32)
TASK = Task(Pairs(IMAGES, IMAGES), Pairs(IMAGES, IMAGES), [])


@dataclass(frozen=True, eq=False)
class Known(Candidate):
    """A candidate whose p-value is known."""

    p_value: float = 1.0

    @property
    def fit(self):
        return Fit(self.misfit, self.p_value, 0.1)


def _candidate(misfit, cost, p_value):
    shift = parse("rotate:angle=5")
    return Known(Remake(shift, shift, misfit, 0.0, 0.0, {}, OURS, IMAGES), cost, TASK, p_value)


cases = st.lists(st.tuples(st.floats(0, 1), st.floats(-5, 5), st.floats(0, 1)), min_size=1, max_size=5)


@given(cases)
def test_the_cheapest_that_fits_comes_first_then_the_others_by_cost(cases):
    candidates = [_candidate(*case) for case in cases]
    order = first_that_fits(candidates)
    fitting = [c for c in ranked(candidates) if c.fits]
    if fitting:
        assert order[0] is fitting[0]
        order = order[1:]
    assert [c.cost for c in order] == sorted(c.cost for c in order)


def test_what_was_found_to_fit_is_not_forgotten_behind_many_that_do_not():
    fitting, others = _candidate(0.05, 9.0, 1.0), [_candidate(0.05, float(i), 0.0) for i in range(8)]
    assert first_that_fits([*others, fitting])[0] is not fitting  # so many are not tested
    vars(fitting)["fit"] = fitting.fit  # as when it was tested among singles
    assert first_that_fits([*others, fitting])[0] is fitting


def test_a_fit_settles_nothing_where_what_does_not_fit_costs_less():
    fitting, cheaper = _candidate(0.0, 1.0, 1.0), _candidate(0.0, 0.0, 0.0)
    assert settled([fitting])
    assert not settled([fitting, cheaper])
    assert not settled([])


def test_what_leaves_half_of_the_change_does_not_fit():
    assert not _candidate(0.5, 0.0, 1.0).fits


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].group in ("geometry", "intensity")])
def test_no_estimate_changes_nothing(digits, family):
    same = Pairs(digits.images[:40], digits.images[:40])
    few = same.reference[:16]
    for shift in estimate(family, same):
        assert not np.allclose(shift.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def test_a_part_that_changes_next_to_nothing_is_no_candidate_beside_noise(digits):
    def candidates(text):
        return scored([parse(text)], Task(pairs, pairs, []))

    noisy = parse("gaussian_noise:sd=0.1").apply(digits.images, np.random.default_rng(2))
    pairs = Pairs(digits.images, noisy)
    assert candidates("gaussian_noise:sd=0.1")
    assert candidates("gaussian_noise:sd=0.1+scale:factor=0.9")
    assert not candidates("gaussian_noise:sd=0.1+scale:factor=0.9996")
