"""A few real digits, enough to tell one layout from another."""

import numpy as np
import pytest

from shiftassay.imagesets.embedded import embedded_mnist


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """The first 40 images `(40, 28, 28)` and labels of the MNIST test set, uint8."""
    images, labels = embedded_mnist("test")
    return images[:40], labels[:40]


@pytest.fixture(scope="session")
def colors() -> np.ndarray:
    """Six random images `(6, 3, 8, 10)`, uint8, which no other set holds."""
    return np.random.default_rng(0).integers(0, 256, (6, 3, 8, 10), dtype=np.uint8)
