import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from shiftassay.statistics.paired import bootstrap_difference, equivalence, mcnemar


@pytest.mark.parametrize(
    ("gained", "lost", "n", "margin"), [(20, 25, 10_000, 0.005), (3, 9, 200, 0.05), (0, 0, 500, 0.01)]
)
def test_equivalence_is_the_score_test_at_the_likeliest_parameters(gained, lost, n, margin):
    """Tango's closed form against a likelihood maximised numerically at each end of the margin."""

    def z(difference):
        def negative_log_likelihood(losing):
            shares = np.array([losing + difference, losing, 1 - 2 * losing - difference])
            counts = np.array([gained, lost, n - gained - lost])
            return np.inf if (shares <= 0).any() else -(counts * np.log(shares)).sum()

        low, high = max(0, -difference), (1 - difference) / 2
        losing = minimize_scalar(
            negative_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
        ).x
        variance = n * (2 * losing + difference - difference**2)
        return (gained - lost - n * difference) / np.sqrt(variance)

    expected = max(norm.sf(z(-margin)), norm.cdf(z(margin)))
    assert equivalence(gained, lost, n, margin) == pytest.approx(expected, rel=1e-3, abs=1e-12)


def test_equivalence_is_claimed_wrongly_no_more_often_than_five_times_in_a_hundred(rng):
    n, margin, p_lost = 2000, 0.01, 0.02
    lost = rng.binomial(n, p_lost, 4000)
    gained = rng.binomial(n - lost, (p_lost - margin) / (1 - p_lost))  # the true difference is −margin: not equivalent
    claimed = np.mean([equivalence(int(g), int(x), n, margin) < 0.05 for g, x in zip(gained, lost, strict=True)])
    assert 0.03 < claimed < 0.065


def test_mcnemar_rejects_a_true_null_no_more_often_than_its_level(rng):
    gained = rng.binomial(60, 0.5, 4000)
    rejected = np.mean([mcnemar(int(g), int(60 - g)) < 0.05 for g in gained])
    assert 0.01 < rejected <= 0.055


def test_forty_discordant_images_need_a_difference_of_fourteen():
    assert mcnemar(13, 27) < 0.05 < mcnemar(14, 26)


def test_bootstrap_agrees_with_the_normal_interval_for_many_images():
    gained, lost, n = 300, 500, 10_000
    interval = bootstrap_difference(gained, lost, n)
    share = (gained - lost) / n
    half = norm.ppf(0.975) * np.sqrt(((gained + lost) / n - share**2) / n)
    assert interval.low == pytest.approx(share - half, abs=3e-4)
    assert interval.high == pytest.approx(share + half, abs=3e-4)
