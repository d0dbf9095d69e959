"""From whatever shape a person saved to `(n, c, h, w)`."""

from math import isqrt

import numpy as np

from shiftassay.errors import BadInput

CHANNELS = (1, 3, 4)


def to_nchw(values: np.ndarray, where: str, shape: tuple[int, int, int] | None = None) -> np.ndarray:
    """View values as images `(n, c, h, w)`.

    `shape` is the (c, h, w) of a reference; without one, `(n, p)` needs a square number of pixels and four axes
    need 1, 3 or 4 channels, first or last. Raises `BadInput` where that does not decide.
    """
    if values.ndim == 2:
        pixels = values.shape[1]
        if shape is not None and pixels == np.prod(shape):
            return values.reshape(-1, *shape)
        side = isqrt(pixels)
        if side * side == pixels:
            return values.reshape(-1, 1, side, side)
        raise BadInput(
            f"{where}: rows of {pixels} values are no square image. Save images as (n, height, width), or pass a reference."
        )
    if values.ndim == 3:
        return values[:, None]
    if values.ndim == 4:
        first, last = values.shape[1], values.shape[3]
        if shape is not None and values.shape[1:] == shape:
            return values
        if last in CHANNELS and (
            first not in CHANNELS or (shape is not None and values.shape[1:] == (*shape[1:], shape[0]))
        ):
            return np.moveaxis(values, 3, 1)
        if first in CHANNELS:
            return values
    raise BadInput(
        f"{where}: expected images as (n, h, w), (n, h × w), (n, c, h, w) or (n, h, w, c) with 1, 3 or 4 channels, "
        f"found {values.shape}."
    )


def check_same_shape(found: tuple[int, int, int], expected: tuple[int, int, int], where: str, like: str) -> None:
    """Raise `BadInput` unless images have the (c, h, w) of the reference."""
    if found != expected:
        raise BadInput(
            f"{where}: expected {_plain(expected)} images like {like}, found {_plain(found)}. "
            "Crop or resize them, or pass a reference of the same size."
        )


def _plain(shape: tuple[int, int, int]) -> str:
    c, h, w = shape
    return f"{h} × {w}" + (f" × {c}" if c != 1 else "")
