"""Least trimmed squares, on shifts made by SciPy and NumPy."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shiftassay.shifts.estimation.fitting import trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.blur import GaussianBlur
from shiftassay.shifts.families.intensity import Gain
from shiftassay.shifts.families.translation import Translate


def sprinkled(images: np.ndarray, rng: np.random.Generator, fraction: float, value: float) -> np.ndarray:
    return np.where(rng.random(images.shape) < fraction, np.float32(value), images).astype(np.float32)


@pytest.mark.parametrize(
    ("family", "far", "made", "numbers"),
    [
        (Gain, [0.35], lambda images: images * 0.5, [0.5]),
        (GaussianBlur, [1.0], lambda images: gaussian_filter(images, (0, 0, 0.7, 0.7), mode="nearest"), [0.7]),
        (Translate, [2.9, -1.9], lambda images: np.roll(images, (-2, 3), (2, 3)), [3.0, -2.0]),
    ],
)
@pytest.mark.parametrize(("fraction", "value"), [(0.3, 0.0), (0.1, 1.0), (0.2, 0.4)])
def test_what_covers_some_pixels_does_not_pull_at_the_fit(digits, rng, family, far, made, numbers, fraction, value):
    shifted = sprinkled(made(digits.images[:60]), rng, fraction, value)
    pairs = Pairs(digits.images[:60], shifted)
    estimate = trimmed(family, np.vstack([far, family.search_starts(pairs)]), pairs)
    assert estimate == pytest.approx(numbers, abs=2e-3)


@pytest.mark.parametrize("begin", [0.2, 0.5, 0.9])
def test_nothing_is_said_where_chance_leaves_no_pixel_alone(digits, rng, begin):
    images = digits.images[:60]
    noisy = (images * 0.5 + rng.normal(0, 0.1, images.shape)).astype(np.float32)
    assert trimmed(Gain, np.array([[begin]]), Pairs(images, noisy)) is None
