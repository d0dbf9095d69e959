"""Properties of intervals and tests that hold for all inputs."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import difference_unpaired, wilson
from shiftassay.statistics.paired import difference_paired, equivalence, mcnemar, ratio_paired
from shiftassay.statistics.seeds import independent, mean_over_seeds, new_draw, paired, probability_higher

levels = st.floats(0.5, 0.999)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)
accuracies = st.lists(st.integers(0, 10_000).map(lambda correct: correct / 10_000), min_size=2, max_size=8)


@st.composite
def proportions(draw) -> tuple[int, int]:
    n = draw(st.integers(1, 100_000))
    return draw(st.integers(0, n)), n


@st.composite
def discordant(draw) -> tuple[int, int, int]:
    n = draw(st.integers(2, 10_000))
    gained = draw(st.integers(0, n // 2))
    return gained, draw(st.integers(0, n // 2)), n


@given(proportions(), levels, levels)
def test_wilson_contains_its_estimate_and_widens_with_the_level(proportion, level, other):
    narrow, wide = (wilson(*proportion, level=at) for at in sorted((level, other)))
    assert 0 <= wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high <= 1


@given(proportions())
def test_wilson_of_the_failures_is_the_mirror_image(proportion):
    successes, n = proportion
    interval, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert (interval.low, interval.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-9)


@given(proportions(), proportions())
def test_an_unpaired_difference_contains_its_estimate_and_changes_its_sign(one, other):
    interval, reversed_ = difference_unpaired(*one, *other), difference_unpaired(*other, *one)
    assert -1 - 1e-9 <= interval.low <= interval.estimate <= interval.high <= 1 + 1e-9
    assert (interval.low, interval.high) == pytest.approx((-reversed_.high, -reversed_.low))


@given(discordant(), st.floats(0.5, 0.999))
def test_a_paired_difference_is_bounded_changes_its_sign_and_agrees_with_the_test(counts, level):
    gained, lost, n = counts
    interval, reversed_ = difference_paired(gained, lost, n, level), difference_paired(lost, gained, n, level)
    assert -1 <= interval.low <= interval.estimate <= interval.high <= 1
    assert interval.low < interval.high
    assert (interval.low, interval.high) == pytest.approx((-reversed_.high, -reversed_.low), abs=1e-9)
    assert (interval.low > 0 or interval.high < 0) == (mcnemar(gained, lost) < 1 - level)


@given(discordant(), st.floats(0, 1))
def test_a_paired_ratio_is_positive_inverts_and_agrees_with_the_test(counts, share):
    gained, lost, n = counts
    both = int(share * (n - gained - lost))
    interval, inverse = ratio_paired(gained, lost, both, n), ratio_paired(lost, gained, both, n)
    if interval is None:
        assert gained + both == 0
        return
    assert 0 <= interval.low <= interval.estimate + 1e-9
    assert interval.estimate - 1e-9 <= interval.high < np.inf
    assert (interval.low > 1 or interval.high < 1) == (mcnemar(gained, lost) < 0.05)
    if inverse is not None and interval.low > 0:
        assert interval.low == pytest.approx(1 / inverse.high, rel=1e-4)


@given(discordant())
def test_mcnemar_is_symmetric_and_falls_with_the_imbalance(counts):
    gained, lost, _ = counts
    p = mcnemar(gained, lost)
    assert 0 <= p <= 1
    assert p == pytest.approx(mcnemar(lost, gained), abs=1e-300)
    assert mcnemar(gained, gained) == pytest.approx(1)
    if gained >= lost > 0:
        assert mcnemar(gained + 1, lost - 1) <= p * (1 + 1e-9)


@given(discordant(), st.floats(0.001, 0.4), st.floats(0.001, 0.4))
def test_equivalence_is_symmetric_and_easier_within_a_wider_margin(counts, margin, other):
    gained, lost, n = counts
    narrow, wide = sorted((margin, other))
    assert equivalence(gained, lost, n, narrow) == pytest.approx(equivalence(lost, gained, n, narrow), abs=1e-9)
    assert equivalence(gained, lost, n, wide) <= equivalence(gained, lost, n, narrow) + 1e-9


@given(p_values)
def test_holm_never_lowers_a_p_value_keeps_their_order_and_stays_below_bonferroni(p):
    corrected = holm(p)
    assert all(before <= after <= min(1, before * len(p)) + 1e-12 for before, after in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


@given(p_values, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    assert holm([p[i] for i in order]) == pytest.approx([holm(p)[i] for i in order])


@given(accuracies, levels, levels)
def test_a_mean_over_seeds_widens_with_the_level_and_a_new_seed_varies_more(values, level, other):
    narrow, wide = (mean_over_seeds(values, at) for at in sorted((level, other)))
    new = new_draw(values, min(level, other))
    assert narrow is not None
    assert wide is not None
    assert new is not None
    assert narrow.estimate == pytest.approx(np.mean(values))
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high
    assert new.low <= narrow.low <= narrow.high <= new.high


def difference(values, others):
    """By seed where both have as many, else of independent groups."""
    found = paired(values, others) if len(values) == len(others) else independent(values, others)
    assert found is not None
    return found


@given(accuracies, accuracies)
def test_a_difference_is_shown_where_its_interval_excludes_zero(values, others):
    found = difference(values, others)
    interval, p = found.interval(), found.p_value
    assert p == pytest.approx(difference(others, values).p_value, abs=1e-12)
    assume(abs(p - 0.05) > 1e-6)
    assert (p < 0.05) == (not interval.low <= 0 <= interval.high)


@given(accuracies, accuracies, st.floats(0.001, 0.5))
def test_equivalence_is_claimed_where_the_90_percent_interval_lies_within_the_margin(values, others, margin):
    found = difference(values, others)
    interval, p = found.interval(level=0.9), found.equivalence(margin)
    assume(abs(p - 0.05) > 1e-6 and min(abs(interval.low + margin), abs(interval.high - margin)) > 1e-9)
    assert (p < 0.05) == (-margin < interval.low and interval.high < margin)


@given(accuracies, accuracies)
def test_one_of_two_groups_is_higher_or_both_are_equal(values, others):
    assert probability_higher(values, others) + probability_higher(others, values) == pytest.approx(1)
    assert probability_higher(values, values) == pytest.approx(0.5)
