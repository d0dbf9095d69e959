"""How many seeds equivalence takes: against simulated tests."""

import numpy as np
import pytest
from scipy.stats import t

from shiftassay.statistics.power import equivalence_power, seeds_for_equivalence


@pytest.mark.parametrize(("seeds", "margin"), [(5, 0.001), (7, 0.001), (10, 0.001), (19, 0.0005)])
def test_the_power_is_that_of_simulated_tests(seeds, margin, rng):
    differences = rng.normal(0, 0.0007, (40_000, seeds))
    error = differences.std(1, ddof=1) / np.sqrt(seeds)
    shown = ((margin - np.abs(differences.mean(1))) / error > t.isf(0.05, seeds - 1)).mean()
    assert equivalence_power(0.0007, margin, seeds) == pytest.approx(shown, abs=0.03)


def test_the_number_of_seeds_is_the_smallest_that_suffices():
    for margin in (0.002, 0.001, 0.0002):
        seeds = seeds_for_equivalence(0.0007, margin)
        assert seeds is not None
        assert equivalence_power(0.0007, margin, seeds) >= 0.8 > equivalence_power(0.0007, margin, seeds - 1)
    assert seeds_for_equivalence(1.0, 1e-5) is None
