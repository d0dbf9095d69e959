"""Image sets and labels to files that anyone can read."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from shiftassay.errors import BadInput
from shiftassay.files import write_whole


def write_images(path: Path, images: Float32[np.ndarray, "n c h w"]) -> Path:
    """Write images as float32 `.npy`, atomically.

    The array is `(n, h, w)`, or `(n, c, h, w)` with several channels. Raises `BadInput` for another ending, or where
    nothing can be written.
    """
    check_npy(path)
    return write_whole(path, images_as_npy(images))


def check_npy(path: Path) -> None:
    """Raise `BadInput` for a file that images are not written to, before there are any."""
    if path.suffix != ".npy":
        raise BadInput(f"{path}: images are written as .npy. Name it {path.stem}.npy.")


def write_array(path: Path, array: np.ndarray) -> Path:
    """Write one array as `.npy`, all or nothing."""
    return write_whole(path, as_npy(array))


def images_as_npy(images: Float32[np.ndarray, "n c h w"]) -> bytes:
    """The content of the file that `write_images` writes."""
    return as_npy(images[:, 0] if images.shape[1] == 1 else images)


def as_npy(array: np.ndarray) -> bytes:
    """The content of the file that `write_array` writes."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
