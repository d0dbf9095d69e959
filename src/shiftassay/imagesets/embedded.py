"""The MNIST that comes with the package, checked by hash when it is first read."""

import gzip
import hashlib
import zlib
from functools import cache
from importlib.resources import files

import numpy as np

from shiftassay.errors import BadInput

MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@cache
def embedded_mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's `train` or `test` images `(n, 28, 28)` and labels as stored, uint8, read-only.

    Raises `BadInput` if the files are not those that were packed.
    """
    stem = {"train": "train", "test": "t10k"}[part]
    return _values(f"{stem}-images-idx3-ubyte", 16).reshape(-1, 28, 28), _values(f"{stem}-labels-idx1-ubyte", 8)


def _values(name: str, header: int) -> np.ndarray:
    try:
        content = gzip.decompress((files("shiftassay") / "imagesets" / "mnist" / f"{name}.gz").read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"the embedded {name} can't be read ({error}). Install shiftassay again.") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MNIST_MD5[name]:
        raise BadInput(f"the embedded {name} is damaged: its hash is not MNIST's. Install shiftassay again.")
    return np.frombuffer(content, np.uint8, offset=header)
