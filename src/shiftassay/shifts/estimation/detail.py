"""Where pictures have detail, and how much of a difference lies there."""

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import uniform_filter

from shiftassay.imagesets.image_set import Images

AROUND = 3  # pixels a side: where the variance of grey values is detail


def local_variance(images: Images) -> Float32[np.ndarray, "n c h w"]:
    """The variance of the values around each pixel, in squares of three by three."""
    return uniform_filter(images**2, AROUND, axes=(2, 3)) - uniform_filter(images, AROUND, axes=(2, 3)) ** 2


def share_within(difference: Images, where: Bool[np.ndarray, "n c h w"]) -> float:
    """The share of each image's squared difference that lies there, in the mean over images."""
    squares = difference**2
    whole = squares.mean((1, 2, 3), dtype=np.float64)
    return float(np.mean((squares * where).mean((1, 2, 3), dtype=np.float64) / np.maximum(whole, 1e-12)))
