import numpy as np
import pytest

from shiftassay.statistics.shares import share_of_sums


def test_its_interval_covers_at_its_level():
    rng = np.random.default_rng(1)
    truth, covered = 0.3, 0
    for _ in range(200):
        wholes = rng.gamma(2.0, size=120)
        parts = wholes * rng.beta(3, 7, size=120)
        interval = share_of_sums(parts, wholes, rng)
        covered += interval.low <= truth <= interval.high
    assert 0.89 <= covered / 200 <= 0.99


@pytest.mark.parametrize(("part", "expected"), [(0.0, 0.0), (3.0, 1.0)])
def test_it_stays_within_nought_and_one(part, expected):
    interval = share_of_sums(np.full(9, part), np.full(9, 2.0), np.random.default_rng(0))
    assert (interval.estimate, interval.low, interval.high) == (expected,) * 3


def test_one_image_tells_nothing():
    interval = share_of_sums(np.array([1.0]), np.array([2.0]), np.random.default_rng(0))
    assert (interval.low, interval.estimate, interval.high) == (0.0, 0.5, 1.0)
