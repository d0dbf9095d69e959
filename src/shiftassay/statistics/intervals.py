"""Intervals for an accuracy and for the difference of two accuracies on unpaired images."""

from dataclasses import dataclass
from math import inf, sqrt

from scipy.stats import binomtest, t

from shiftassay.records import Record


@dataclass(frozen=True)
class Interval(Record):
    """An estimate with the two ends of its interval."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:.4f} [{self.low:.4f}, {self.high:.4f}]"


def p_value_at(interval: Interval, value: float, degrees: float = inf) -> float:
    """The two-sided p-value that the truth is `value`, which agrees with the interval.

    For intervals that are Student's, or Gaussian, on the side of the value; `degrees` are those of freedom.

    >>> interval = Interval(0.02, 0.0, 0.06)
    >>> round(p_value_at(interval, 0.0), 3), round(p_value_at(interval, 0.06, 4.0), 3), p_value_at(interval, 0.02)
    (0.05, 0.05, 1.0)
    """
    side = interval.estimate - interval.low if value < interval.estimate else interval.high - interval.estimate
    distance = abs(value - interval.estimate)
    critical = float(t.isf((1 - interval.level) / 2, degrees))
    return float(2 * t.sf(critical * distance / side, degrees)) if side > 0 else float(distance == 0)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """The score interval of a proportion (Wilson 1927).

    It holds its level near 0 and 1, where accuracies are.

    >>> interval = wilson(9932, 10_000)
    >>> f"{interval.low:.4f} to {interval.high:.4f}"
    '0.9914 to 0.9946'
    """
    ends = binomtest(successes, n).proportion_ci(level, method="wilson")
    return Interval(successes / n, float(ends.low), float(ends.high), level)


def difference_unpaired(successes: int, n: int, successes_reference: int, n_reference: int) -> Interval:
    """The 95% interval of p − p_reference on different images.

    Newcombe 1998, method 10: from two Wilson intervals.

    >>> interval = difference_unpaired(56, 70, 48, 80)  # Newcombe's example (a): 0.0524 to 0.3339
    >>> f"{interval.low:.4f} to {interval.high:.4f}"
    '0.0524 to 0.3339'
    """
    one, other = wilson(successes, n), wilson(successes_reference, n_reference)
    difference = one.estimate - other.estimate
    below = sqrt((one.estimate - one.low) ** 2 + (other.high - other.estimate) ** 2)
    above = sqrt((one.high - one.estimate) ** 2 + (other.estimate - other.low) ** 2)
    return Interval(difference, difference - below, difference + above)
