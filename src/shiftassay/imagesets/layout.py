"""From whatever shape a person saved to `(n, c, h, w)`."""

import math

import numpy as np

from shiftassay.errors import BadInput

CHANNELS = (1, 3, 4)


def to_nchw(values: np.ndarray, where: str, shape: tuple[int, int, int] | None = None) -> np.ndarray:
    """View values as images `(n, c, h, w)`.

    `shape` is the (c, h, w) of a reference, which decides if it fits; else `(n, p)` needs a square number of pixels
    and four axes need 1, 3 or 4 channels, first or last. Raises `BadInput` where that does not decide.

    >>> [to_nchw(np.zeros(s), "a.npy").shape for s in ((9, 784), (9, 5, 7), (9, 5, 7, 3))]
    [(9, 1, 28, 28), (9, 1, 5, 7), (9, 3, 5, 7)]
    """
    if values.ndim == 2:
        pixels = values.shape[1]
        if shape is not None and pixels == math.prod(shape):
            return values.reshape(-1, *shape)
        side = math.isqrt(pixels)
        if side * side == pixels:
            return values.reshape(-1, 1, side, side)
        expected = f"the reference's images have {math.prod(shape)}" if shape else "no square number"
        raise BadInput(
            f"{where}: rows of {pixels} values, {expected}. Save images as (n, h, w) or (n, c, h, w), "
            "a single one as (1, h, w)."
        )
    if values.ndim == 3:
        return values[:, None]
    if values.ndim == 4:
        if shape is not None and values.shape[1:] == shape:
            return values
        if shape is not None and values.shape[1:] == (*shape[1:], shape[0]):
            return np.moveaxis(values, 3, 1)
        if values.shape[1] in CHANNELS:
            return values
        if values.shape[3] in CHANNELS:
            return np.moveaxis(values, 3, 1)
    raise BadInput(
        f"{where}: expected images as (n, h, w), (n, h × w), (n, c, h, w) or (n, h, w, c) with 1, 3 or 4 channels, "
        f"found {values.shape}."
    )


def size_of(shape: tuple[int, int, int]) -> str:
    """(c, h, w) in words: `28 × 28`, or `32 × 32 × 3` with channels."""
    c, h, w = shape
    return f"{h} × {w}" + (f" × {c}" if c != 1 else "")


def check_same_shape(actual: tuple[int, int, int], expected: tuple[int, int, int], where: str, like: str) -> None:
    """Raise `BadInput` unless images have the (c, h, w) of the reference."""
    if actual != expected:
        raise BadInput(
            f"{where}: expected {size_of(expected)} images like {like}, found {size_of(actual)}. "
            "Crop or resize them, or pass a reference of the same size."
        )
