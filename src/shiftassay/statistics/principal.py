"""Principal axes of many numbers."""

import numpy as np
from jaxtyping import Float


def axes(centered: Float[np.ndarray, "n d"], count: int, rng: np.random.Generator) -> Float[np.ndarray, "d k"]:
    """The leading principal axes, one per column.

    A randomised range finder with two power iterations (Halko, Martinsson and Tropp 2011).
    """
    count = min(count, *centered.shape)
    spanned = rng.standard_normal((min(count + 8, *centered.shape), len(centered)), np.float32) @ centered
    for _ in range(2):
        spanned = np.linalg.qr(spanned.T)[0].T @ centered.T @ centered
    basis = np.linalg.qr(spanned.T)[0]
    _, _, v = np.linalg.svd(centered @ basis, full_matrices=False)
    return basis @ v[:count].T
