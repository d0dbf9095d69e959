"""Cubic interpolation as other libraries do it.

By weights of the four nearest pixels along each axis.
"""

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy import sparse
from scipy.ndimage import spline_filter1d

from shiftassay.imagesets.image_set import Images

SLOPES = {"bicubic": -0.75, "keys": -0.5, "sharp": -1.0}
"""The parameter a of cubic convolution (Keys 1981): OpenCV and PyTorch, Keys and scikit-image, Pillow's transforms."""
TAPS = 4  # pixels along an axis, from the one before the left neighbour


def cubic_weights(t: Float[np.ndarray, "*shape"], kernel: str) -> Float64[np.ndarray, "4 *shape"]:
    """The weights of the four pixels around a place that lies t to the right of the second of them.

    >>> cubic_weights(np.array(0.5), "keys").tolist()
    [-0.0625, 0.5625, 0.5625, -0.0625]
    """
    t = np.asarray(t, np.float64)
    if kernel == "spline":
        return np.stack([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3]) / 6
    a = SLOPES[kernel]
    near, far = ([d, 1 - d] for d in (t, 1 + t))
    inner = [(a + 2) * d**3 - (a + 3) * d**2 + 1 for d in near]
    outer = [a * (d**3 - 5 * d**2 + 8 * d - 4) for d in (far[0], 2 - t)]
    return np.stack([outer[0], inner[0], inner[1], outer[1]])


def coefficients(images: Images, axes: tuple[int, ...], wrap: bool = False) -> Float32[np.ndarray, "n c h w"]:
    """The coefficients of the cubic B-splines through the pixels (Unser 1999)."""
    for axis in axes:
        if images.shape[axis] > 1:
            images = np.asarray(spline_filter1d(images, 3, axis, mode="grid-wrap" if wrap else "mirror"))
    return images.astype(np.float32)


def cubic_sample(
    images: Images, positions: Float[np.ndarray, "m 2 H W"], kernel: str, outside: str
) -> Float32[np.ndarray, "n c H W"]:
    """The images' values at positions counted from the upper left pixel.

    There is one map of positions for all images, or one for each.

    `outside` is "zeros" or "border". Splines end at the outermost pixels, as SciPy's do, and are mirrored there.
    """
    n, c, h, w = images.shape
    places = [np.clip(positions[:, i], -TAPS, size + TAPS) for i, size in enumerate((w, h))]
    columns, rows = (_taps(p, size, kernel, outside) for p, size in zip(places, (w, h), strict=True))
    flat = (coefficients(images, (2, 3)) if kernel == "spline" else images).reshape(n, c, h * w)
    shape = places[0].shape[1:]
    if len(positions) == 1:
        (y, y_weight), (x, x_weight) = ([np.moveaxis(part, 0, -1) for part in taps] for taps in (rows, columns))
        index = (y[..., None].astype(np.int32) * w + x[..., None, :].astype(np.int32)).reshape(-1, TAPS**2)
        weight = y_weight[..., None].astype(np.float32) * x_weight[..., None, :].astype(np.float32)
        ends = np.arange(0, index.size + 1, TAPS**2, dtype=np.int32)
        matrix = sparse.csr_array((weight.ravel(), index.ravel(), ends), (len(index), h * w))
        return (matrix @ flat.reshape(n * c, h * w).T).T.reshape(n, c, *shape)
    sampled = np.zeros((n, c, *shape), np.float32)
    for i in range(TAPS):
        for j in range(TAPS):
            index = (rows[0][i] * w + columns[0][j]).reshape(n, 1, -1)
            values = np.take_along_axis(flat, index, 2).reshape(sampled.shape)
            sampled += (rows[1][i] * columns[1][j]).astype(np.float32)[:, None] * values
    return sampled


def _taps(at: Float[np.ndarray, "m H W"], size: int, kernel: str, outside: str) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis: the four pixels around each place, and their weights."""
    left = np.floor(at)
    weights = cubic_weights(at - left, kernel)
    pixels = left.astype(np.int64) + np.arange(-1, TAPS - 1).reshape(-1, 1, 1, 1)
    if kernel == "spline":
        weights = weights * ((at >= 0) & (at <= size - 1) if outside == "zeros" else 1)
        pixels = np.abs(pixels)
        pixels = np.where(pixels > size - 1, 2 * (size - 1) - pixels, pixels)
    elif outside == "zeros":
        weights = weights * ((pixels >= 0) & (pixels < size))
    return np.clip(pixels, 0, size - 1), weights
