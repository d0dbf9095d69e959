"""Two groups of trained models: differences over seeds, and over seeds and images.

Seeds of two networks are independent draws (Welch's t); images are shared, so they are paired. A group of one seed
has no spread to speak of: there every function returns None, or an interval over images alone. `resolution` is the
step that values are counted in (one image, say): seeds that agree by chance are not taken for seeds without any
spread.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from jaxtyping import Bool
from scipy.optimize import root_scalar
from scipy.stats import nct, t

from shiftassay.statistics.intervals import Interval

Values = Sequence[float] | np.ndarray


def mean_over_seeds(values: Values, level: float = 0.95) -> Interval | None:
    """The mean of a group with Student's interval; None for fewer than two values.

    >>> print(mean_over_seeds([0.99, 0.992, 0.991]))
    0.9910 [0.9885, 0.9935]
    """
    if len(values) < 2:
        return None
    return _interval(float(np.mean(values)), _variance(values), len(values) - 1, level)


def difference_over_seeds(
    values: Values, others: Values, level: float = 0.95, resolution: float = 0.0
) -> Interval | None:
    """mean(values) − mean(others) on the same test set, with Welch's interval over seeds.

    >>> print(difference_over_seeds([3.0, 4.0, 5.0], [1.0, 2.0, 3.0]))
    2.0000 [-0.2670, 4.2670]
    """
    if min(len(values), len(others)) < 2:
        return None
    variance, freedom = _of_difference(values, others, resolution)
    return _interval(float(np.mean(values) - np.mean(others)), variance, freedom, level)


def paired_over_seeds(values: Values, others: Values, level: float = 0.95) -> tuple[Interval, float] | None:
    """mean(values − others) with Student's interval, and the p-value that it is 0.

    For groups paired by seed.

    >>> interval, p = paired_over_seeds([2.0, 3.0, 4.5], [1.0, 2.5, 3.5])
    >>> print(interval, round(p, 4))
    0.8333 [0.1162, 1.5504] 0.0377
    """
    differences = np.subtract(values, others)
    interval = mean_over_seeds(differences, level)
    if interval is None:
        return None
    variance = _variance(differences)
    if variance == 0:
        return interval, 1.0 if interval.estimate == 0 else 0.0
    return interval, float(2 * t.sf(abs(interval.estimate) / sqrt(variance), len(differences) - 1))


def new_draw(values: Values, level: float = 0.95) -> Interval | None:
    """The prediction interval of one more seed, if seeds are normally distributed.

    >>> print(new_draw([1.0, 2.0, 3.0]))
    2.0000 [-2.9683, 6.9683]
    """
    if len(values) < 2:
        return None
    variance = _variance(values) * (len(values) + 1)
    return _interval(float(np.mean(values)), variance, len(values) - 1, level)


def welch(values: Values, others: Values, resolution: float = 0.0) -> float | None:
    """The two-sided p-value that two groups of seeds have the same mean (Welch 1947).

    >>> round(welch([3.0, 4.0, 5.0], [1.0, 2.0, 3.0]), 4)
    0.0705
    """
    return _p_value(values, others, 0.0, resolution, two_sided=True)


def equivalence_over_seeds(values: Values, others: Values, margin: float, resolution: float = 0.0) -> float | None:
    """The p-value of "the means differ by `margin` or more".

    Two one-sided Welch tests (Schuirmann 1987).

    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(0.993, 0.0005, 10), rng.normal(0.993, 0.0005, 10)
    >>> equivalence_over_seeds(a, b, 0.002) < 1e-4 < equivalence_over_seeds(a, b, 0.0001)
    True
    """
    below = _p_value(values, others, -margin, resolution, two_sided=False)
    above = _p_value(others, values, -margin, resolution, two_sided=False)
    return None if below is None or above is None else max(below, above)


def smallest_visible(sd: float, seeds: int, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest difference that a two-sided t-test of two groups of `seeds` finds.

    With this sd, at this power.

    >>> round(smallest_visible(0.05, 44), 3), round(smallest_visible(0.05, 392), 3)  # points: about 0.03 and 0.01
    (0.03, 0.01)
    """
    if seeds < 2:
        return None
    freedom = 2 * seeds - 2
    critical = t.isf(alpha / 2, freedom)
    noncentrality = root_scalar(lambda d: nct.sf(critical, freedom, d) - power, bracket=(0, 1000), method="brentq").root
    return float(noncentrality) * sd * sqrt(2 / seeds)


def difference_over_seeds_and_images(
    right: Bool[np.ndarray, "seeds n"], others: Bool[np.ndarray, "others n"], level: float = 0.95
) -> Interval:
    """The difference in accuracy for new seeds *and* new images.

    Both groups are evaluated on the same new images. The variance is that of the two groups' seeds plus that of the
    images' mean differences, a little too large by what both hold of their interaction; degrees of freedom after
    Satterthwaite. Seeds of a group of one are taken as they are.

    >>> right = np.array([[True] * 90 + [False] * 10, [True] * 91 + [False] * 9])
    >>> print(difference_over_seeds_and_images(right, ~right))
    0.8100 [0.6939, 0.9261]
    """
    per_image = right.mean(0) - others.mean(0)
    variances, freedoms = [_variance(per_image)], [len(per_image) - 1]
    for group in (right, others):
        if len(group) > 1:
            variances.append(_variance(group.mean(1)))
            freedoms.append(len(group) - 1)
    variance, freedom = _welch(variances, freedoms)
    return _interval(float(per_image.mean()), variance, freedom, level)


def mean_over_seeds_and_images(right: Bool[np.ndarray, "seeds n"], level: float = 0.95) -> Interval:
    """The accuracy of a group for new seeds and new images; for a group of one, for new images.

    >>> print(mean_over_seeds_and_images(np.array([[True] * 90 + [False] * 10, [True] * 92 + [False] * 8])))
    0.9100 [0.8505, 0.9695]
    """
    return difference_over_seeds_and_images(right, np.zeros((1, right.shape[1]), bool), level)


def probability_higher(values: Values, others: Values) -> float:
    """P(A > B) for one seed of each, ties counted half.

    "Probability of improvement" in Agarwal et al. 2021.

    >>> probability_higher([1.0, 2.0], [0.0, 1.0])
    0.875
    """
    differences = np.subtract.outer(np.asarray(values), np.asarray(others))
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def _variance(values: Values, resolution: float = 0.0) -> float:
    """Of the mean; no less than what rounding to the resolution makes."""
    return max(float(np.var(values, ddof=1)), resolution**2 / 12) / len(values)


def _of_difference(values: Values, others: Values, resolution: float) -> tuple[float, float]:
    groups = (values, others)
    return _welch([_variance(group, resolution) for group in groups], [len(group) - 1 for group in groups])


def _welch(variances: Sequence[float], freedoms: Sequence[int]) -> tuple[float, float]:
    total = sum(variances)
    spread = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return total, total**2 / spread if spread else float(sum(freedoms))


def _interval(estimate: float, variance: float, freedom: int | float, level: float) -> Interval:
    half = float(t.isf((1 - level) / 2, freedom)) * sqrt(variance)
    return Interval(estimate, estimate - half, estimate + half, level)


def _p_value(values: Values, others: Values, null: float, resolution: float, two_sided: bool) -> float | None:
    """Of "mean(values) − mean(others) is `null`", against "differs", or against "is above"."""
    if min(len(values), len(others)) < 2:
        return None
    variance, freedom = _of_difference(values, others, resolution)
    distance = float(np.mean(values) - np.mean(others)) - null
    if variance == 0:
        return 1.0 if distance == 0 or (not two_sided and distance < 0) else 0.0
    statistic = distance / sqrt(variance)
    return float(2 * t.sf(abs(statistic), freedom)) if two_sided else float(t.sf(statistic, freedom))
