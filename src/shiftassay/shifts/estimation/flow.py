"""Optical flow: the smooth displacement field between images (Lucas and Kanade 1981).

From reference to shifted images.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64
from scipy.ndimage import gaussian_filter

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.warp import displace

# From coarse to fine: the blur of both sides and the window of one displacement, in pixels, and the iterations.
SCALES = ((2.5, 3.5, 5), (1.5, 2.5, 4), (1.0, 1.8, 4), (0.0, 1.2, 3), (0.0, 0.8, 3), (0.0, 0.5, 5))
FAINT = 3e-3  # of the mean squared gradient: below, a position says nothing
FILLED = 2.0  # pixels: the range over which positions without a gradient are filled from their neighbours


def shared_flow(pairs: Pairs) -> tuple[Float32[np.ndarray, "2 h w"], Float64[np.ndarray, "h w"]]:
    """One displacement field for all images, and the squared gradient that supports it.

    The field is as `displace` takes it. Positions where hardly any image has a gradient take their neighbours'
    displacements.
    """
    h, w = pairs.reference.shape[2:]
    field = np.zeros((2, h, w))
    support = np.zeros((h, w))
    views = {blur: _blurred(pairs, blur) for blur, _, _ in SCALES}
    for blur, window in [(blur, window) for blur, window, times in SCALES for _ in range(times)]:
        view = views[blur]
        moved = displace(view.reference, field[None].astype(np.float32))
        slope_x, slope_y = _slopes(moved)
        pooled = [(a * b).sum((0, 1)) for a, b in _products(slope_x, slope_y, view.residual(moved))]
        support = pooled[0] + pooled[2]
        step = _solved(*(gaussian_filter(part.astype(np.float64), window) for part in pooled))
        field += np.clip(step, -1, 1)
        weights = support / (support + FAINT * support.mean() + 1e-12)
        near = gaussian_filter(weights, FILLED) + 1e-9
        around = np.stack([gaussian_filter(weights * part, FILLED) for part in field]) / near
        field = weights * field + (1 - weights) * around
    return field.astype(np.float32), support.astype(np.float64)


def local_flow(pairs: Pairs, window: float) -> Images:
    """The part of each image's change that the best local displacements explain, to first order."""
    slope_x, slope_y = _slopes(pairs.reference)
    change = pairs.shifted - pairs.reference
    blur = (0, window, window)
    sums = [gaussian_filter((a * b).sum(1), blur) for a, b in _products(slope_x, slope_y, change)]
    move_x, move_y = _solved(*sums)
    return slope_x * move_x[:, None] + slope_y * move_y[:, None]


def _blurred(pairs: Pairs, sd: float) -> Pairs:
    blur = (0, 0, sd, sd)
    if sd == 0:
        return pairs
    return replace(
        pairs, reference=gaussian_filter(pairs.reference, blur), shifted=gaussian_filter(pairs.shifted, blur)
    )


def _products(x: np.ndarray, y: np.ndarray, residual: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x, x), (x, y), (y, y), (x, residual), (y, residual)]


def _solved(xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The least-squares displacement (2, …), shrunk where gradients are small."""
    ridge = FAINT * (xx + yy).mean() + 1e-12
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy**2
    return np.stack([(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant])


def _slopes(images: Images) -> tuple[Images, Images]:
    """Central differences to the right and downwards."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
