"""Few images: with partners one is enough for what changes every pixel alike."""

import numpy as np
import pytest
from scipy.ndimage import rotate

from shiftassay.diagnosis.diagnose import diagnose


def turned(images: np.ndarray) -> np.ndarray:
    return np.clip(rotate(images, 15, axes=(3, 2), reshape=False, order=1), 0, 1).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 7, 20, 40])
@pytest.mark.parametrize(("family", "make"), [("invert", lambda images: 1 - images), ("rotate", turned)])
def test_a_shift_that_is_shared_is_named_from_few_images(digits, count, family, make):
    images = digits.images[:count]
    diagnosis = diagnose(images, make(images))
    assert (diagnosis.pairing.kind, diagnosis.verdict.family) == ("same_order", family)
    assert any("taken to belong together" in note for note in diagnosis.notes)
    judged_alike = count < 8
    assert any("fitted to and judged on" in note for note in diagnosis.notes) == judged_alike
    assert ("on the same few images that it was fitted to" in diagnosis.explanation) == judged_alike


@pytest.mark.parametrize("count", [1, 5])
def test_the_same_few_images_are_the_same(digits, count):
    images = digits.images[:count]
    assert diagnose(images, images.copy()).verdict.family == "identity"


@pytest.mark.torture
@pytest.mark.parametrize("count", [2, 10])
def test_other_images_are_no_shift_of_few(digits, count):
    diagnosis = diagnose(digits.images[:count], digits.images[count : 2 * count])
    assert diagnosis.verdict.family == "unknown"
