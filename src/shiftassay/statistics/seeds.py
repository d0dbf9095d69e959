"""Trained models over their seeds: means, and differences of two groups.

A seed is a block: members of one seed have their batches and dropout masks in common, whatever their network. Groups
are therefore compared seed by seed (`paired`), and as independent draws (`independent`, after Welch) only where they
have no seed in common. A group of one seed has no spread to speak of: there every function returns None. `resolution`
is the step that values are counted in (one image, say): seeds that agree by chance are not taken for seeds without any
spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import nct, t

from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval

Values = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Difference(Record):
    """A difference of means, the variance of that estimate, and the degrees of freedom behind the variance."""

    estimate: float
    variance: float
    freedom: float

    def interval(self, level: float = 0.95) -> Interval:
        """Student's interval."""
        return _interval(self.estimate, self.variance, self.freedom, level)

    @property
    def p_value(self) -> float:
        """The two-sided p-value that there is no difference."""
        if self.variance == 0:
            return float(self.estimate == 0)
        return float(2 * t.sf(abs(self.estimate) / sqrt(self.variance), self.freedom))

    def equivalence(self, margin: float) -> float:
        """The p-value of "the means differ by `margin` or more".

        Two one-sided tests (Schuirmann 1987).
        """
        inside = margin - abs(self.estimate)
        if self.variance == 0:
            return float(inside <= 0)
        return float(t.sf(inside / sqrt(self.variance), self.freedom))

    def smallest_visible(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """The smallest difference that a two-sided test of this spread and freedom finds with that power."""
        critical = t.isf(alpha / 2, self.freedom)

        def missing(noncentrality: float) -> float:
            return float(nct.sf(critical, self.freedom, noncentrality)) - power

        return float(root_scalar(missing, bracket=(0, 10 * critical), method="brentq").root) * sqrt(self.variance)


def paired(values: Values, others: Values, resolution: float = 0.0) -> Difference | None:
    """mean(values − others) of two groups whose entries belong together, as those of one seed do.

    >>> difference = paired([2.0, 3.0, 4.5], [1.0, 2.5, 3.5])
    >>> print(difference.interval(), round(difference.p_value, 4))
    0.8333 [0.1162, 1.5504] 0.0377
    """
    differences = np.subtract(values, others)
    if len(differences) < 2:
        return None
    variance = variance_of_mean(differences, sqrt(2) * resolution)
    return Difference(float(differences.mean()), variance, float(len(differences) - 1))


def independent(values: Values, others: Values, resolution: float = 0.0) -> Difference | None:
    """mean(values) − mean(others) of two groups without anything in common (Welch 1947).

    >>> difference = independent([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    >>> print(difference.interval(), round(difference.p_value, 4))
    2.0000 [-0.2670, 4.2670] 0.0705
    """
    if min(len(values), len(others)) < 2:
        return None
    variances = [variance_of_mean(group, resolution) for group in (values, others)]
    freedoms = [len(values) - 1, len(others) - 1]
    estimate = float(np.mean(values) - np.mean(others))
    return Difference(estimate, sum(variances), satterthwaite(variances, freedoms))


def mean_over_seeds(values: Values, level: float = 0.95) -> Interval | None:
    """The mean of a group with Student's interval; None for fewer than two values.

    >>> print(mean_over_seeds([0.99, 0.992, 0.991]))
    0.9910 [0.9885, 0.9935]
    """
    if len(values) < 2:
        return None
    return _interval(float(np.mean(values)), variance_of_mean(values), len(values) - 1, level)


def new_draw(values: Values, level: float = 0.95) -> Interval | None:
    """The prediction interval of one more seed, if seeds are normally distributed.

    >>> print(new_draw([1.0, 2.0, 3.0]))
    2.0000 [-2.9683, 6.9683]
    """
    if len(values) < 2:
        return None
    variance = variance_of_mean(values) * (len(values) + 1)
    return _interval(float(np.mean(values)), variance, len(values) - 1, level)


def within(interval: Interval, low: float, high: float) -> Interval:
    """The part of an interval in which its quantity can lie at all: it covers as often as the whole.

    >>> print(within(mean_over_seeds([0.95, 0.99]), 0.0, 1.0))
    0.9700 [0.7159, 1.0000]
    """
    return Interval(interval.estimate, max(interval.low, low), min(interval.high, high), interval.level)


def probability_higher(values: Values, others: Values) -> float:
    """P(A > B) for one seed of each, ties counted half.

    "Probability of improvement" in Agarwal et al. 2021.

    >>> probability_higher([1.0, 2.0], [0.0, 1.0])
    0.875
    """
    differences = np.subtract.outer(np.asarray(values), np.asarray(others))
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def variance_of_mean(values: Values, resolution: float = 0.0) -> float:
    """The variance of a mean, no less than what rounding to the resolution makes."""
    return max(float(np.var(values, ddof=1)), resolution**2 / 12) / len(values)


def satterthwaite(variances: Sequence[float], freedoms: Sequence[int]) -> float:
    """The degrees of freedom of a sum of independent variances (Satterthwaite 1946)."""
    spread = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return sum(variances) ** 2 / spread if spread else float(sum(freedoms))


def _interval(estimate: float, variance: float, freedom: int | float, level: float) -> Interval:
    half = float(t.isf((1 - level) / 2, freedom)) * sqrt(variance)
    return Interval(estimate, estimate - half, estimate + half, level)
