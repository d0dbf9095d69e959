"""The share that one sum is of another, over the same images."""

import numpy as np
from jaxtyping import Float64
from scipy.stats import bootstrap

from shiftassay.statistics.intervals import Interval

RESAMPLES = 1000


def share_of_sums(
    parts: Float64[np.ndarray, "n"], wholes: Float64[np.ndarray, "n"], rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """The sum of the parts over that of the wholes, with its bootstrap interval over images.

    From 0 to 1. Both are of the same images, and the wholes have a positive sum. One image alone says nothing: its
    interval is all.

    >>> interval = share_of_sums(np.full(20, 1.0), np.full(20, 4.0), np.random.default_rng(0))
    >>> interval.estimate, interval.low, interval.high
    (0.25, 0.25, 0.25)
    """
    estimate = float(np.clip(parts.sum() / wholes.sum(), 0, 1))
    if len(parts) < 2:
        return Interval(estimate, 0.0, 1.0, level)
    shares = bootstrap(
        (parts, wholes),
        _share,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="percentile",
        rng=rng,
    ).confidence_interval
    low, high = (float(np.clip(end, 0, 1)) for end in (shares.low, shares.high))
    return Interval(estimate, min(low, estimate), max(high, estimate), level)


def _share(parts: np.ndarray, wholes: np.ndarray, axis: int) -> np.ndarray:
    return parts.sum(axis) / np.maximum(wholes.sum(axis), np.finfo(float).tiny)
