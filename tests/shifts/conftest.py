"""Pictures other than digits."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


@pytest.fixture(scope="module")
def clothes() -> np.ndarray:
    """Pictures of the full range of greys, smooth, with black around them, as photographs of clothes are."""
    rng = np.random.default_rng(7)
    texture = gaussian_filter(rng.standard_normal((200, 1, 28, 28)), (0, 0, 2, 2))
    texture -= texture.min((2, 3), keepdims=True)
    body = gaussian_filter(rng.standard_normal((200, 1, 28, 28)), (0, 0, 4, 4)) > -0.03
    return ((0.2 + 0.8 * texture / texture.max((2, 3), keepdims=True)) * body).astype(np.float32)


@pytest.fixture(scope="module")
def colors(clothes) -> np.ndarray:
    """A hundred colour pictures of 32 × 32."""
    tall = np.pad(clothes, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    return np.concatenate([tall[:100], tall[100:], 1 - tall[:100]], 1)
