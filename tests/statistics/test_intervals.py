import numpy as np
import pytest
from scipy.stats import binom, norm

from shiftassay.statistics.intervals import difference_unpaired, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (9932, 10_000), (3, 7)])
def test_wilson_inverts_the_score_test(successes, n):
    interval = wilson(successes, n)
    share, z = successes / n, norm.ppf(0.975)
    for end in (interval.low, interval.high):
        if 1e-12 < end < 1 - 1e-12:
            assert abs(share - end) / np.sqrt(end * (1 - end) / n) == pytest.approx(z, rel=1e-6)


def test_wilson_covers_the_truth_as_often_as_it_says():
    n, p = 500, 0.97
    chances = binom.pmf(np.arange(n + 1), n, p)
    covered = [wilson(k, n).low <= p <= wilson(k, n).high if chances[k] > 1e-9 else False for k in range(n + 1)]
    assert chances[np.array(covered)].sum() == pytest.approx(0.95, abs=0.015)


def test_unpaired_difference_covers_the_truth_as_often_as_it_says(rng):
    p, reference, n = 0.9, 0.95, 300
    hits = 0
    for _ in range(2000):
        interval = difference_unpaired(int(rng.binomial(n, p)), n, int(rng.binomial(n, reference)), n)
        hits += interval.low <= p - reference <= interval.high
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_one_set_against_itself_differs_by_nothing():
    interval = difference_unpaired(97, 100, 97, 100)
    assert interval.estimate == 0
    assert interval.low == pytest.approx(-interval.high)
