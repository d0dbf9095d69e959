"""Jumps of a loss from epoch to epoch, and their ratios between groups of runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.studies.architectures.instability import MEDIAN, RMS, Jumps, corrected, jump_ratio, jumps_of

losses = st.lists(st.floats(0.01, 10), min_size=4, max_size=30)
seeds = st.lists(st.floats(-5, 5), min_size=2, max_size=6).map(np.array)


def test_jumps_and_spikes_are_those_of_the_losses():
    calm, wild = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5], [1.0, 0.5, 0.5, 2.5, 0.5, 0.5]
    jumps = jumps_of([calm, wild])
    assert jumps.rms == pytest.approx([0, np.sqrt((0 + 2**2 + 2**2 + 0) / 4)])
    assert jumps.largest == (0, 2)
    assert jumps.spikes == (0, 0.25)


@given(losses, st.floats(0.1, 10))
def test_jumps_scale_with_the_loss(loss, factor):
    one, scaled = jumps_of([loss]), jumps_of([[factor * value for value in loss]])
    for key in ("rms", "median", "largest"):
        assert getattr(scaled, key)[0] == pytest.approx(factor * getattr(one, key)[0], abs=1e-9)


@given(losses)
def test_no_jump_is_larger_than_the_largest(loss):
    jumps = jumps_of([loss])
    assert jumps.median[0] <= jumps.largest[0]
    assert jumps.rms[0] <= jumps.largest[0] * (1 + 1e-12)


def jumps(logs):
    """Jumps of these sizes, by seed."""
    sizes = tuple(np.exp(logs).tolist())
    return Jumps(sizes, sizes, sizes, (0.0,) * len(sizes))


@given(seeds, st.floats(-5, 5), st.sampled_from([RMS, MEDIAN]))
def test_exchanging_groups_inverts_their_ratio(logs, more, statistic):
    others = logs[::-1] + more
    one = jump_ratio("a", "b", jumps(logs), jumps(others), statistic)
    inverse = jump_ratio("b", "a", jumps(others), jumps(logs), statistic)
    assert one.ratio * inverse.ratio == pytest.approx(1)
    assert one.interval is not None
    assert inverse.interval is not None
    assert one.interval[0] * inverse.interval[1] == pytest.approx(1)


@given(seeds)
def test_a_group_is_as_steady_as_itself(logs):
    [ratio] = corrected([jump_ratio("a", "a", jumps(logs), jumps(logs))])
    assert (ratio.ratio, ratio.p) == (1, 1)
    assert not ratio.is_significant
    assert ratio.is_as_steady


def test_not_to_differ_is_not_to_be_as_steady():
    """Jumps that scatter too much to tell either."""
    [ratio] = corrected([jump_ratio("a", "b", jumps(np.array([0.0, 2.0, -2.0])), jumps(np.array([1.0, -1.0, 0.0])))])
    assert not ratio.is_significant
    assert not ratio.is_as_steady


def test_a_single_seed_is_not_tested():
    ratio = jump_ratio("a", "b", jumps(np.array([0.0])), jumps(np.array([1.0])))
    assert (ratio.interval, ratio.p, corrected([ratio])[0].p_corrected) == (None, None, None)
