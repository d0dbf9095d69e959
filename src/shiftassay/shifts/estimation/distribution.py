"""The distribution of a parameter, estimated from its draws."""

import numpy as np
from jaxtyping import Float64

from shiftassay.shifts.parameters import Choice, Uniform

CLUSTER = 0.1  # of the range: values nearer to one another than this are one value
RARE = 0.04  # share of the images below which a value counts as a failed fit


def distribution(
    values: Float64[np.ndarray, "n"], resolution: float, limits: tuple[float, float] = (-np.inf, np.inf)
) -> float | Choice | Uniform:
    """One value, a few, or a uniform distribution within `limits`.

    Values nearer than `resolution` count as equal.

    >>> distribution(np.array([-15.1, 15.0, 14.9, -15.0] * 10), 0.5)
    Choice(values=(-15.05, 14.95))
    """
    low, high = np.quantile(values, [0.02, 0.98])
    if high - low <= resolution:
        return _middle(values)
    ordered = np.sort(values)
    cuts = np.flatnonzero(np.diff(ordered) > max(CLUSTER * (high - low), resolution)) + 1
    clusters = [c for c in np.split(ordered, cuts) if len(c) >= RARE * len(values)]
    tight = all(np.subtract(*np.quantile(c, [0.9, 0.1])) <= max(CLUSTER * (high - low), resolution) for c in clusters)
    if tight and len(clusters) == 1:
        return _middle(clusters[0])
    if tight and len(clusters) <= 6 and sum(map(len, clusters)) >= 0.9 * len(values):
        return Choice(tuple(round(_middle(c), 6) for c in clusters))
    # Uniform: from two quantiles, which a few failed fits do not move.
    a, b = np.quantile(values, [0.05, 0.95])
    return Uniform(max(float(a - (b - a) / 18), limits[0]), min(float(b + (b - a) / 18), limits[1]))


def _middle(values: Float64[np.ndarray, "n"]) -> float:
    """The median; of whole numbers, one of them."""
    whole = np.array_equal(values, np.rint(values))
    return float(np.quantile(values, 0.5, method="lower" if whole else "linear"))
