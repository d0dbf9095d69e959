import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial, norm

from shiftassay.statistics.paired import difference_paired, equivalence, mcnemar, ratio_paired


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


def test_the_intervals_are_those_of_a_published_example():
    """Fagerland, Lydersen and Laake 2014, table II: 1, 1, 7 and 12 children; (−0.517, −0.026) and (0.065, 0.907).

    The exact test does not reject (p = 0.07), so here the other ends reach 0 and 1.
    """
    difference, ratio = difference_paired(1, 7, 21), ratio_paired(gained=7, lost=1, both=1, n=21)
    assert (difference.estimate, difference.low) == pytest.approx((-0.286, -0.517), abs=5e-4)
    assert ratio is not None
    assert (ratio.estimate, ratio.low) == pytest.approx((0.25, 0.065), abs=5e-4)
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=1e-4)
    assert difference.high >= 0
    assert ratio.high >= 1


def test_the_intervals_are_the_score_intervals_where_many_images_are_discordant():
    """PropCIs::scoreci.mp(25, 28, 618), 90%: −0.0148 to 0.0247; Clopper and Pearson add half an image to either end."""
    interval = difference_paired(28, 25, 618, level=0.9)
    assert (interval.low, interval.high) == pytest.approx((-0.0148, 0.0247), abs=1.2 / 618)
    assert interval.low <= -0.0148
    assert interval.high >= 0.0247


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_the_interval_of_a_difference_covers_however_few_images_are_discordant(n):
    """No simulation: the probability of every pair of counts, for 0.1 to 30 discordant images on average."""
    most = min(n, 60)
    counts = [(gained, lost) for gained in range(most + 1) for lost in range(min(most, n - gained) + 1)]
    intervals = [difference_paired(gained, lost, n) for gained, lost in counts]
    low, high = (np.array([getattr(interval, end) for interval in intervals]) for end in ("low", "high"))
    table = np.array([(gained, lost, n - gained - lost) for gained, lost in counts])
    coverage = []
    for discordant in (0.1, 0.5, 1, 2, 3, 5, 8, 12, 20, 30):
        for share in (0, 0.1, 0.25, 0.5):
            p = np.array([discordant * share / n, discordant * (1 - share) / n, 1 - discordant / n])
            covers = (low <= p[0] - p[1]) & (p[0] - p[1] <= high)
            probability = multinomial.pmf(table, n, p)
            assert probability.sum() > 0.9999
            coverage.append(probability[covers].sum())
    assert min(coverage) > 0.93
    assert np.mean(coverage) > 0.95
