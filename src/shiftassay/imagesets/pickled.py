"""The usual pickled contents of `.npy` files.

A dict, a pair of images and labels, a list of images, rows of (image, label).
"""

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.raw import RawSet
from shiftassay.imagesets.split import split
from shiftassay.words.text import short


def from_objects(array: np.ndarray, where: str) -> RawSet:
    """Images, and labels if there are any, from an array of Python objects that has been unpickled.

    Raises `BadInput` for anything that is not made of arrays of one shape.
    """
    content = array.item() if array.shape == () else array
    try:
        if isinstance(content, dict):
            return split(content, where)
        if isinstance(content, tuple | list | np.ndarray):
            if _is_pair(content):
                return RawSet(_numbers(content[0]), _numbers(content[1]), ("a pair of images and labels",))
            if all(_is_pair(row) for row in content):
                images, labels = zip(*content, strict=True)
                return RawSet(_numbers(images), _numbers(labels), ("a list of pairs of image and label",))
            return RawSet(_numbers(content))
    except BadInput:
        raise
    except Exception as error:  # whatever was pickled may fail in its own way
        raise BadInput(
            f"{where}: the objects in it are not images of one size ({short(error)}). Save a plain array."
        ) from None
    raise BadInput(f"{where}: expected images, found a pickled {short(type(content).__name__)}. Save a plain array.")


def _is_pair(content: object) -> bool:
    """Images and labels, or an image and its label: two parts, the second with fewer axes."""
    return (
        isinstance(content, tuple | list | np.ndarray)
        and len(content) == 2
        and all(part is not None for part in content)
        and np.ndim(content[0]) > np.ndim(content[1])
    )


def _numbers(parts: object) -> np.ndarray:
    """One array of numbers from a sequence of equal arrays; an object array is unpacked."""
    array = np.asarray(parts.tolist() if isinstance(parts, np.ndarray) and parts.dtype == object else parts)
    if array.dtype == object:
        raise TypeError("no numbers")
    return array
