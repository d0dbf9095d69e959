"""Accuracies, and differences of two, for new seeds *and* new images, within the range that they can have.

The estimate varies with the seeds and with the images. With v₁, v₂ … its variance by each source, on ν₁, ν₂ … degrees
of freedom, it lies within √(Σ t(ν)² v) of the truth at least as often as the level says, whatever the shares of the
sources (Banerjee 1960): the sum of variances with Satterthwaite's degrees of freedom does not for two or three seeds.
That square is then scaled to the variance at the hypothetical accuracy, as in Wilson's interval (1927), which keeps
the ends within the range and is Wilson's own for a single seed.
"""

from math import sqrt

import numpy as np
from jaxtyping import Bool
from scipy.stats import norm, t

from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import variance_of_mean


def mean_over_seeds_and_images(right: Bool[np.ndarray, "seeds n"], level: float = 0.95) -> Interval:
    """The accuracy of a group for new seeds and new images; for a group of one, for new images.

    >>> print(mean_over_seeds_and_images(np.array([[True] * 90 + [False] * 10] * 3)))
    0.9000 [0.8250, 0.9450]
    """
    accuracy, n = float(right.mean()), right.shape[1]
    z = float(norm.isf((1 - level) / 2))
    square = z**2 * float(right.mean(0).var()) / n + _of_seeds(right.mean(1), 1 / n, level)
    spread = accuracy * (1 - accuracy)
    inflation = square / spread if spread else z**2 / n
    center = (accuracy + inflation / 2) / (1 + inflation)
    half = sqrt(inflation * spread + inflation**2 / 4) / (1 + inflation)
    return Interval(accuracy, max(center - half, 0.0), min(center + half, 1.0), level)


def difference_over_seeds_and_images(
    right: Bool[np.ndarray, "seeds n"],
    others: Bool[np.ndarray, "others n"],
    level: float = 0.95,
    *,
    paired: bool = True,
) -> Interval:
    """The difference in accuracy of two groups on the same images, for new seeds and new images.

    `paired`: row i of both is the same seed. Seeds of a group of one are taken as they are. Two images, one that only
    either group gets right, are added to the variance over images, as few discordant images say little of how many
    there are (Bonett and Price 2012).

    >>> right = np.array([[True] * 90 + [False] * 10, [True] * 91 + [False] * 9])
    >>> print(difference_over_seeds_and_images(right, right))
    0.0000 [-0.0456, 0.0456]
    """
    n = right.shape[1]
    per_image = right.mean(0) - others.mean(0)
    difference = float(per_image.mean())
    square = float(norm.isf((1 - level) / 2)) ** 2 * float(np.append(per_image, (1, -1)).var()) / (n + 2)
    if paired and len(right) == len(others):
        square += _of_seeds(right.mean(1) - others.mean(1), sqrt(2) / n, level)
    else:
        square += sum(_of_seeds(group.mean(1), 1 / n, level) for group in (right, others))
    inflation = square / (1 - difference**2) if abs(difference) < 1 else square
    center = difference / (1 + inflation)
    half = sqrt(inflation * (1 - difference**2 + inflation)) / (1 + inflation)
    return Interval(difference, max(center - half, -1.0), min(center + half, 1.0), level)


def _of_seeds(values: np.ndarray, resolution: float, level: float) -> float:
    """What the spread over seeds adds to the square of the half width; nothing for a single seed."""
    if len(values) < 2:
        return 0.0
    return float(t.isf((1 - level) / 2, len(values) - 1)) ** 2 * variance_of_mean(values, resolution)
