import numpy as np
import pytest
from scipy.ndimage import affine_transform

from shiftassay.arrays.image_set import ImageSet
from shiftassay.shifts.catalogue import shift


def test_a_quarter_turn_is_counter_clockwise_on_the_screen(digits):
    turned = shift(digits, "rotate:angle=90").images
    assert np.abs(turned - np.rot90(digits.images, 1, axes=(2, 3))).max() < 1e-4


@pytest.mark.parametrize("angle", [15, -37.5, 160])
@pytest.mark.parametrize("size", [(28, 28), (9, 14)])
def test_rotation_agrees_with_scipys_bilinear_resampling(angle, size, rng):
    images = rng.random((3, 1, *size)).astype(np.float32)
    turned = shift(ImageSet(images), f"rotate:angle={angle}").images
    radians = np.radians(angle)
    cos, sin = np.cos(radians), np.sin(radians)
    to_input = np.array([[cos, sin], [-sin, cos]])  # on (y, x), y down
    centre = (np.array(size) - 1) / 2
    for image, result in zip(images[:, 0], turned[:, 0], strict=True):
        expected = affine_transform(image, to_input, centre - to_input @ centre, order=1, mode="grid-constant")
        assert np.abs(result - expected).max() < 1e-4


def test_fresh_angles_differ_and_fill_their_range():
    bar = np.zeros((400, 1, 29, 29), np.float32)
    bar[:, :, 14, 14:] = 1  # a hand that points right
    turned = shift(ImageSet(bar), "rotate:angle=-90..90,scope=per_image").images[:, 0]
    y, x = np.mgrid[14:-15:-1, -14:15]
    angles = np.degrees(np.arctan2((turned * y).sum((1, 2)), (turned * x).sum((1, 2))))
    assert angles.min() > -91
    assert angles.max() < 91
    assert np.std(angles) == pytest.approx(180 / np.sqrt(12), rel=0.1)
