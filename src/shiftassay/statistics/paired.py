"""Two classifications of the same images: how much they differ, and whether they do.

Everything here depends on the images only through the discordant counts: `gained` (right now, wrong in the
reference) and `lost` (wrong now, right in the reference), out of `n`.
"""

from math import sqrt

import numpy as np
from scipy.stats import binomtest, norm

from shiftassay.random_stream import seed_for
from shiftassay.statistics.intervals import Interval


def bootstrap_difference(gained: int, lost: int, n: int, resamples: int = 10_000) -> Interval:
    """The percentile bootstrap interval (95%) of the difference in accuracy, over images.

    An image contributes +1, −1 or 0, so drawing n images with replacement is one multinomial draw of the counts:
    exact, and as fast for a million images as for ten.

    >>> interval = bootstrap_difference(gained=10, lost=50, n=10_000)
    >>> f"{interval.estimate:.4f}, {interval.low:.4f} to {interval.high:.4f}"
    '-0.0040, -0.0056 to -0.0025'
    """
    rng = np.random.default_rng(seed_for("bootstrap", gained, lost, n))
    counts = rng.multinomial(n, [gained / n, lost / n, (n - gained - lost) / n], size=resamples)
    low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, [0.025, 0.975])
    return Interval((gained - lost) / n, float(low), float(high))


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


def _tango_z(gained: int, lost: int, n: int, difference: float) -> float:
    """The score statistic for "the true difference is `difference`".

    Tango 1998, equations 4 and 5.
    """
    linear = -gained - lost + (2 * n - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    losing = (sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)  # probability of a loss, given the difference
    variance = n * (2 * losing + difference * (1 - difference))
    return (gained - lost - n * difference) / sqrt(variance)
