import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog


def test_mirrors_mirror(digits):
    images = digits.images
    assert np.array_equal(catalog.shift(digits, "flip_horizontal").images, images[:, :, :, ::-1])
    assert np.array_equal(catalog.shift(digits, "flip_vertical").images, images[:, :, ::-1])
    assert np.array_equal(catalog.shift(digits, "transpose").images, images.swapaxes(2, 3))
    with pytest.raises(BadInput, match="9 × 11"):
        catalog.shift(ImageSet(np.zeros((1, 1, 9, 11), np.float32)), "transpose")
