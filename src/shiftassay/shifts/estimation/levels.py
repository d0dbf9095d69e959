"""Undoing a linear map of grey values that occurs besides another shift.

That shift must leave most pixels unchanged.
"""

from dataclasses import replace

import numpy as np

from shiftassay.shifts.estimation.pairs import Pairs

BINS = 12


def undo_intensity_map(pairs: Pairs) -> Pairs:
    """The pairs without the linear map of grey values that most pixels agree on.

    Unchanged without `contrast`. Robust: a weighted line through the median shifted value in each of a few bins of
    reference values.

    >>> x = np.linspace(0, 1, 48, dtype=np.float32).reshape(3, 1, 4, 4)
    >>> from shiftassay.shifts.estimation.pairs import Pairs
    >>> bool(np.allclose(undo_intensity_map(Pairs(x, 0.5 * x + 0.2, contrast=True)).shifted, x, atol=0.01))
    True
    """
    if not pairs.contrast:
        return pairs
    reference, shifted = pairs.reference.ravel(), pairs.shifted.ravel()
    low, high = reference.min(), reference.max()
    bins = np.clip(((reference - low) / max(high - low, 1e-9) * BINS).astype(int), 0, BINS - 1)
    points = [
        (np.median(reference[b]), np.median(shifted[b]), b.sum()) for b in (bins == i for i in range(BINS)) if b.any()
    ]
    x, y, weight = np.array(points, np.float64).T
    if len(x) < 2 or not np.isfinite(y).all():
        return pairs
    center = np.average(x, weights=weight)
    slope = np.average((x - center) * y, weights=weight) / np.average((x - center) ** 2, weights=weight)
    level = np.average(y, weights=weight) - slope * center
    if abs(slope) < 0.02:
        return pairs
    return replace(pairs, shifted=((pairs.shifted - level) / slope).astype(np.float32), contrast=False)
