import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import (
    Difference,
    independent,
    mean_over_seeds,
    new_draw,
    paired,
    probability_higher,
    within,
)


def of(difference: Difference | None) -> Difference:
    assert difference is not None
    return difference


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 5), (10, 10)])
def test_independent_seeds_are_scipys_welch(n, m, rng):
    a, b = rng.normal(0.3, 1, n), rng.normal(0, 2, m)
    expected = ttest_ind(a, b, equal_var=False)
    difference, scipys = of(independent(a, b)), expected.confidence_interval(0.95)
    assert difference.p_value == pytest.approx(expected.pvalue)
    assert (difference.interval().low, difference.interval().high) == pytest.approx((scipys.low, scipys.high))


def test_paired_seeds_are_scipys(rng):
    a, b = rng.normal(0.3, 1, 6), rng.normal(0, 1, 6)
    expected = ttest_rel(a, b)
    difference, scipys = of(paired(a, b)), expected.confidence_interval(0.95)
    assert difference.p_value == pytest.approx(expected.pvalue)
    assert (difference.interval().low, difference.interval().high) == pytest.approx((scipys.low, scipys.high))


@pytest.mark.parametrize("values", [(8, 6), (6, 6)])
def test_equivalence_is_two_of_scipys_one_sided_tests(values, rng):
    a, b = rng.normal(0, 1, values[0]), rng.normal(0, 1, values[1])
    expected = max(
        ttest_ind(a + 1.5, b, equal_var=False, alternative="greater").pvalue,
        ttest_ind(a - 1.5, b, equal_var=False, alternative="less").pvalue,
    )
    assert of(independent(a, b)).equivalence(1.5) == pytest.approx(expected)
    if len(a) == len(b):
        expected = max(
            ttest_rel(a + 1.5, b, alternative="greater").pvalue, ttest_rel(a - 1.5, b, alternative="less").pvalue
        )
        assert of(paired(a, b)).equivalence(1.5) == pytest.approx(expected)


@pytest.mark.parametrize(("seeds", "pairs"), [(5, 1), (5, 15), (2, 1)])
def test_the_smallest_visible_difference_is_seen_four_times_in_five(seeds, pairs, rng):
    """Of pairs whose differences vary with an sd of 0.05."""
    difference = Difference(0.0, 0.05**2 / seeds, float(seeds - 1)).smallest_visible(0.05 / pairs)
    values = rng.normal(difference, 0.05, (20_000, seeds))
    assert (ttest_rel(values, 0 * values, axis=1).pvalue < 0.05 / pairs).mean() == pytest.approx(0.8, abs=0.01)


def test_one_seed_has_no_spread():
    assert mean_over_seeds([0.9]) is None
    assert independent([0.9], [0.8, 0.9]) is None
    assert paired([0.9], [0.8]) is None


def test_groups_without_any_spread_have_p_values_all_the_same():
    for compared in (independent, paired):
        assert of(compared([0.9, 0.9], [0.9, 0.9])).p_value == 1.0
        assert of(compared([0.9, 0.9], [0.9, 0.9])).equivalence(0.01) == 0.0
        assert of(compared([0.9, 0.9], [0.5, 0.5])).equivalence(0.01) == 1.0


def test_seeds_that_agree_to_the_image_are_not_taken_for_seeds_without_spread():
    one, other = [0.9901, 0.9901], [0.9900, 0.9900]
    assert of(paired(one, other)).p_value < 1e-6
    assert of(paired(one, other, resolution=1e-4)).p_value > 0.05
    assert of(paired(one, other, resolution=1e-4)).variance == pytest.approx(
        of(independent(one, other, resolution=1e-4)).variance
    )


def test_an_interval_is_cut_where_its_quantity_ends():
    whole = of_interval(mean_over_seeds([0.95, 0.999]))
    part = within(whole, 0.0, 1.0)
    assert (part.estimate, part.low, part.high) == (whole.estimate, whole.low, 1)


def of_interval(interval):
    assert interval is not None
    return interval


def test_probability_higher_counts_pairs():
    assert probability_higher([3.0, 4.0], [1.0, 2.0]) == 1
    assert probability_higher([1.0, 2.0], [1.0, 2.0]) == 0.5


def test_holm_keeps_the_chance_of_any_false_alarm(rng):
    p = rng.random((4000, 10))
    alarms = np.mean([min(holm(row)) < 0.05 for row in p.tolist()])
    assert 0.035 < alarms < 0.06


def test_one_more_seed_falls_where_it_should(rng):
    inside = []
    for _ in range(4000):
        *seeds, more = rng.normal(size=4)
        interval = of_interval(new_draw(seeds))
        inside.append(interval.low <= more <= interval.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)
