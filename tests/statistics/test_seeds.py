import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import (
    difference_over_seeds,
    difference_over_seeds_and_images,
    equivalence_over_seeds,
    mean_over_seeds,
    new_draw,
    paired_over_seeds,
    probability_higher,
    smallest_visible,
    welch,
)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 5), (10, 10)])
def test_welch_is_scipys(n, m, rng):
    a, b = rng.normal(0.3, 1, n), rng.normal(0, 2, m)
    expected = ttest_ind(a, b, equal_var=False)
    assert welch(a, b) == pytest.approx(expected.pvalue)
    interval, scipys = difference_over_seeds(a, b), expected.confidence_interval(0.95)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((scipys.low, scipys.high))


def test_equivalence_is_two_of_scipys_one_sided_tests(rng):
    a, b = rng.normal(0, 1, 8), rng.normal(0, 1, 6)
    expected = max(
        ttest_ind(a + 1.5, b, equal_var=False, alternative="greater").pvalue,
        ttest_ind(a - 1.5, b, equal_var=False, alternative="less").pvalue,
    )
    assert equivalence_over_seeds(a, b, 1.5) == pytest.approx(expected)


def test_the_smallest_visible_difference_is_seen_four_times_in_five(rng):
    difference = smallest_visible(0.05, 5)
    a, b = rng.normal(difference, 0.05, (20_000, 5)), rng.normal(0, 0.05, (20_000, 5))
    assert (ttest_ind(a, b, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_one_seed_has_no_spread():
    assert mean_over_seeds([0.9]) is None
    assert welch([0.9], [0.8, 0.9]) is None
    assert equivalence_over_seeds([0.9], [0.8, 0.9], 0.1) is None
    assert smallest_visible(0.1, 1) is None


def test_groups_without_any_spread_have_p_values_all_the_same():
    assert welch([0.9, 0.9], [0.9, 0.9]) == 1.0
    assert equivalence_over_seeds([0.9, 0.9], [0.9, 0.9], 0.01) == 0.0


def test_the_interval_for_new_seeds_and_new_images_covers_the_truth_and_the_one_for_seeds_alone_does_not(rng):
    """Images differ in difficulty, seeds in skill, and every pair draws its own luck: both groups alike in truth."""
    covered, covered_by_seeds_alone, trials, images, seeds = 0, 0, 600, 300, 4
    for _ in range(trials):
        groups = []
        favors = rng.normal(0, 0.7, (2, images))  # images that one of the two networks finds harder
        for favor in favors:
            skill = rng.normal(1.5, 0.2, (seeds, 1))
            groups.append(rng.normal(size=(seeds, images)) < skill + favor)
        both = difference_over_seeds_and_images(*groups)
        alone = difference_over_seeds(groups[0].mean(1), groups[1].mean(1))
        assert alone is not None
        covered += both.low < 0 < both.high
        covered_by_seeds_alone += alone.low < 0 < alone.high
    assert 0.94 < covered / trials < 0.995
    assert covered_by_seeds_alone / trials < covered / trials


def test_probability_higher_counts_pairs():
    assert probability_higher([3.0, 4.0], [1.0, 2.0]) == 1
    assert probability_higher([1.0, 2.0], [1.0, 2.0]) == 0.5


def test_holm_keeps_the_chance_of_any_false_alarm(rng):
    p = rng.random((4000, 10))
    alarms = np.mean([min(holm(row)) < 0.05 for row in p.tolist()])
    assert 0.035 < alarms < 0.06


def test_paired_seeds_are_scipys(rng):
    a, b = rng.normal(0.3, 1, 6), rng.normal(0, 1, 6)
    expected = ttest_rel(a, b)
    tested = paired_over_seeds(a, b)
    assert tested is not None
    interval, p = tested
    scipys = expected.confidence_interval(0.95)
    assert (interval.low, interval.high, p) == pytest.approx((scipys.low, scipys.high, expected.pvalue))


def test_one_more_seed_falls_where_it_should(rng):
    inside = []
    for _ in range(4000):
        *seeds, more = rng.normal(size=4)
        interval = new_draw(seeds)
        assert interval is not None
        inside.append(interval.low <= more <= interval.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)
