"""Blends of bytes as Pillow makes them: what a factor may have been."""

import numpy as np
from jaxtyping import Float32

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import in_bytes
from shiftassay.shifts.own_interval import OwnInterval

SINGLE = 1e-6  # by which arithmetic in single precision moves a bound


def blend_interval(
    around: Float32[np.ndarray, "n _ _ _"], before: Images, after: Images, level: float
) -> OwnInterval | None:
    """The factors with which a blend of bytes gives exactly what came after.

    A blend is around + factor · (before − around), cut off to whole bytes; `around` is of whole bytes too. None where
    no factor is, or pictures are not in bytes.
    """
    if not (in_bytes(before) and in_bytes(after)):
        return None
    start, first, last = (np.rint(255 * np.clip(side, 0, 1)).astype(np.int64) for side in (around, before, after))
    start = np.broadcast_to(start, first.shape)
    informative = (last > 0) & (last < 255) & (first != start)
    if not informative.any():
        return None
    step, reached = (first - start)[informative], (last - start)[informative]
    ends = np.sort([reached / step, (reached + 1) / step], 0)
    low, high = float(ends[0].max()), float(ends[1].min())
    return OwnInterval.within(min(low, high), max(low, high), level) if low < high + SINGLE else None
