"""Optical flow: the smooth field of displacements that turns references into what became of them (Lucas and Kanade 1981)."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64
from scipy.ndimage import gaussian_filter

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.warp import displace

# How far both sides are blurred, and over how far a displacement is one: ever less, in pixels, and how often.
SCALES = ((2.5, 3.5, 5), (1.5, 2.5, 4), (1.0, 1.8, 4), (0.0, 1.2, 3), (0.0, 0.8, 3), (0.0, 0.5, 5))
FAINT = 3e-3  # of the mean squared slope: where there is less nothing can be said
FILLED = 2.0  # pixels: how far around a place that shows nothing its neighbours' displacements count


def shared_flow(pairs: Pairs) -> tuple[Float32[np.ndarray, "2 h w"], Float64[np.ndarray, "h w"]]:
    """One field for all images, as `displace` takes it, and how much slope there is to tell it at each place.

    Where hardly any image has anything, the neighbours' displacements are taken.
    """
    h, w = pairs.reference.shape[2:]
    field = np.zeros((2, h, w))
    told = np.zeros((h, w))
    views = {blur: _blurred(pairs, blur) for blur, _, _ in SCALES}
    for blur, window in [(blur, window) for blur, window, times in SCALES for _ in range(times)]:
        view = views[blur]
        moved = displace(view.reference, field[None].astype(np.float32))
        slope_x, slope_y = _slopes(moved)
        left = view.residual(moved)
        pooled = [(a * b).sum((0, 1)) for a, b in _products(slope_x, slope_y, left)]
        told = pooled[0] + pooled[2]
        step = _solved(*(gaussian_filter(part.astype(np.float64), window) for part in pooled))
        field += np.clip(step, -1, 1)
        weights = told / (told + FAINT * told.mean() + 1e-12)
        near = gaussian_filter(weights, FILLED) + 1e-9
        around = np.stack([gaussian_filter(weights * part, FILLED) for part in field]) / near
        field = weights * field + (1 - weights) * around
    return field.astype(np.float32), told.astype(np.float64)


def local_flow(pairs: Pairs, window: float) -> Images:
    """What the best small displacement around each place of each image explains of its change, to first order."""
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


def _products(x: np.ndarray, y: np.ndarray, left: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x, x), (x, y), (y, y), (x, left), (y, left)]


def _solved(xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The displacement (2, …) of least squares; little where there is little slope."""
    ridge = FAINT * (xx + yy).mean() + 1e-12
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy**2
    return np.stack([(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant])


def _slopes(images: Images) -> tuple[Images, Images]:
    """Central differences to the right and downwards."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
