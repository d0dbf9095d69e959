"""Calibration: the confidence of a classifier compared with its accuracy."""

import numpy as np
from jaxtyping import Bool, Float


def expected_calibration_error(
    confidence: Float[np.ndarray, "n"], correct: Bool[np.ndarray, "n"], bins: int = 15
) -> float:
    """The mean gap between confidence and accuracy, over equal-width bins of confidence.

    Guo et al. 2017, equation 3.

    >>> expected_calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, False]))
    0.0
    """
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(which, weights=correct.astype(float) - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
