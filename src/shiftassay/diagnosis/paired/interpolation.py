"""By how much interpolations of the same images differ."""

import numpy as np
from jaxtyping import Float

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import mean_squares, squares_of_parts
from shiftassay.shifts.warp import OURS, Resampling, warp

HALF = np.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]])  # to the lower right
# Linear and cubic interpolation differ by f (1 − f) at a place f between two pixels: the mean of its square, as a share
# of that in the middle.
MEAN_OF_PLACES = (1 / 30) / (1 / 16)


def interpolation_differences(images: Images, change: float) -> Float[np.ndarray, "parts"]:
    """The mean square by which linear and cubic interpolation of each image differ.

    It is a mean over places between the pixels.

    A change of less energy than a move by half a pixel makes them differ less, in proportion.
    """
    half = np.repeat(HALF, len(images), 0)
    linear, cubic = (warp(images, half, resampling=r) for r in (OURS, Resampling("bicubic")))
    of_a_move = float(mean_squares(linear - images).mean())
    return squares_of_parts(cubic - linear) * (MEAN_OF_PLACES * min(change / max(of_a_move, 1e-12), 1.0))
