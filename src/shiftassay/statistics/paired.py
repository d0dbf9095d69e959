"""Two classifications of the same images: how much they differ, and whether they do.

Everything here depends on the images only through counts: `gained` (right, and wrong in the reference), `lost` (wrong,
and right in the reference), `n` in all, and for ratios `both` (wrong in both).
"""

from collections.abc import Callable
from math import copysign, exp, log, sqrt

from scipy.optimize import root_scalar
from scipy.stats import beta, binomtest, norm

from shiftassay.statistics.intervals import Interval

FAR = 1e3  # of a statistic: significant at any level
TINY = 1e-12  # of a ratio: smaller than any that counts can show


def difference_paired(gained: int, lost: int, n: int, level: float = 0.95) -> Interval:
    """The interval of the difference in accuracy, for any number of discordant images.

    It is the union of Tango's score interval (1998), which is valid where hardly any image is discordant, with the
    exact conditional one (Clopper and Pearson's, of the gained among the discordant). Therefore it excludes 0 if and
    only if `mcnemar` rejects at 1 − level.

    >>> print(difference_paired(gained=10, lost=50, n=10_000))
    -0.0040 [-0.0057, -0.0026]
    >>> print(difference_paired(0, 0, 10_000), difference_paired(4, 0, 10_000))
    0.0000 [-0.0004, 0.0004] 0.0004 [-0.0001, 0.0010]
    """
    estimate, discordant = (gained - lost) / n, gained + lost
    low, high = _crossings(lambda difference: _tango_z(gained, lost, n, difference), estimate, -1.0, 1.0, level)
    ends = (low, high, *((2 * share - 1) * discordant / n for share in _clopper_pearson(gained, lost, level)))
    return Interval(estimate, min(ends), max(ends), level)


def ratio_paired(gained: int, lost: int, both: int, n: int, level: float = 0.95) -> Interval | None:
    """The interval of the error rate divided by that of the reference.

    None if the reference has no error.

    It is the union of the score interval of Tang, Tang and Chan (2003) with the exact conditional one: it excludes 1 if
    and only if `mcnemar` rejects at 1 − level.

    >>> print(ratio_paired(gained=20, lost=53, both=118, n=10_000))
    1.2391 [1.1087, 1.3898]
    """
    if gained + both <= 0:
        return None
    estimate, discordant = (lost + both) / (gained + both), gained + lost
    center = log(max(estimate, TINY))
    low, high = _crossings(lambda x: _tang_z(gained, lost, both, n, exp(x)), center, log(TINY), -log(TINY), level)
    exact = [
        (both + (1 - share) * discordant) / (both + share * discordant)
        for share in _clopper_pearson(gained, lost, level)
    ]
    return Interval(estimate, min(0.0 if estimate == 0 else exp(low), *exact), max(exp(high), *exact), level)


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p-value that gains and losses are equally likely.

    McNemar's test (1947) in its binomial form.

    >>> round(mcnemar(13, 27), 3), round(mcnemar(14, 26), 3), mcnemar(0, 0)
    (0.038, 0.081, 1.0)
    """
    discordant = gained + lost
    return float(binomtest(gained, discordant).pvalue) if discordant else 1.0


def equivalence(gained: int, lost: int, n: int, margin: float) -> float:
    """The p-value of "the accuracies differ by `margin` or more".

    Small means equal for practical purposes. Two one-sided score tests for paired proportions (Tango 1998), which,
    unlike a Wald test, stay valid when hardly any image is discordant.

    >>> equivalence(20, 25, 10_000, margin=0.005) < 0.001 < equivalence(20, 65, 10_000, margin=0.005)
    True
    """
    above = norm.sf(_tango_z(gained, lost, n, -margin))
    below = norm.cdf(_tango_z(gained, lost, n, margin))
    return float(max(above, below))


def lower_by_more(gained: int, lost: int, n: int, margin: float) -> float:
    """The p-value of "accuracy is lower by at most `margin`".

    Small means that more than the margin is lost. One-sided score test for paired proportions (Tango 1998).

    >>> lower_by_more(5, 300, 1000, margin=0.2) < 0.001 < 0.2 < lower_by_more(5, 210, 1000, margin=0.2)
    True
    """
    return float(norm.cdf(_tango_z(gained, lost, n, -margin)))


def _tango_z(gained: int, lost: int, n: int, difference: float) -> float:
    """The score statistic for "the true difference is `difference`".

    Tango 1998, equations 4 and 5.
    """
    linear = -gained - lost + (2 * n - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    root = sqrt(max(linear**2 - 8 * n * constant, 0))
    losing = (root - linear) / (4 * n)  # probability of a loss, given the difference
    return _ratio(gained - lost - n * difference, n * (2 * losing + difference * (1 - difference)))


def _tang_z(gained: int, lost: int, both: int, n: int, ratio: float) -> float:
    """The score statistic for "the true ratio of error rates is `ratio`".

    Tang, Tang and Chan 2003, equation 4.
    """
    wrong, wrong_before, ever = both + lost, both + gained, both + lost + gained
    linear = wrong_before * ratio**2 - wrong - 2 * gained
    constant = gained * (1 - ratio) * ever / n
    gaining = (sqrt(max(linear**2 - 4 * n * (1 + ratio) * constant, 0)) - linear) / (2 * n * (1 + ratio))
    return _ratio(wrong - ratio * wrong_before, n * (1 + ratio) * gaining + (ratio - 1) * ever)


def _ratio(distance: float, variance: float) -> float:
    """A statistic, at most `FAR` from 0, also where its variance is 0 up to rounding."""
    if abs(distance) <= FAR * sqrt(max(variance, 0)):
        return distance / sqrt(variance) if variance > 0 else 0.0
    return copysign(FAR, distance)


def _crossings(
    z: Callable[[float], float], estimate: float, lowest: float, highest: float, level: float
) -> tuple[float, float]:
    """Where a statistic ceases to be significant.

    It falls with its argument, and is 0 at the estimate.
    """
    critical = float(norm.isf((1 - level) / 2))
    low, high = lowest, highest
    if z(lowest) > critical:
        low = float(root_scalar(lambda x: z(x) - critical, bracket=(lowest, estimate)).root)
    if z(highest) < -critical:
        high = float(root_scalar(lambda x: z(x) + critical, bracket=(estimate, highest)).root)
    return low, high


def _clopper_pearson(gained: int, lost: int, level: float) -> tuple[float, float]:
    """The exact interval of the share of discordant images that are gained."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, gained, lost + 1)) if gained > 0 else 0.0
    high = float(beta.isf(tail, gained + 1, lost)) if lost > 0 else 1.0
    return low, high
