"""Other implementations of a shift, beside the code of other libraries."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.ndimage import rotate

from shiftassay.diagnosis.paired.implementations import Implementation, other_implementations
from shiftassay.shifts.families.blur import GaussianBlur
from shiftassay.shifts.families.intensity import Gain
from shiftassay.shifts.families.linear_maps import Rotate
from shiftassay.shifts.families.translation import Translate
from shiftassay.shifts.warp import OURS, Resampling

RNG = np.random.default_rng(0)


@pytest.fixture
def images() -> np.ndarray:
    inner = ndimage.gaussian_filter(RNG.random((20, 1, 16, 16)), (0, 0, 1, 1))
    return np.pad(inner, ((0, 0), (0, 0), (6, 6), (6, 6))).astype(np.float32)


def test_one_of_them_is_scipys_spline(images):
    moved = np.clip(ndimage.shift(images, (0, 0, -1.6, 2.3), order=3), 0, images.max())
    ways = other_implementations(Translate(2.3, -1.6), OURS, in_bytes=False)
    errors = {way.resampling.kernel: np.abs(way.apply(Translate(2.3, -1.6), images, RNG) - moved).max() for way in ways}
    assert errors["spline"] < 1e-3 < 1e-2 < errors["bilinear"]


def test_all_make_whole_moves_alike(images):
    shift = Translate(2.0, -3.0)
    made = [way.apply(shift, images, RNG) for way in other_implementations(shift, OURS, in_bytes=False)]
    assert all(np.allclose(one, np.roll(images, (-3, 2), (2, 3)), atol=1e-5) for one in made)


@pytest.mark.parametrize("shift", [Rotate(20.0), Translate(2.4, 1.3), GaussianBlur(1.3)])
def test_they_differ_by_little(images, shift):
    ways = other_implementations(shift, OURS, in_bytes=False)
    first, *others = (way.apply(shift, images, RNG) for way in ways)
    change = np.mean((first - images) ** 2)
    assert all(np.mean((other - first) ** 2) < 0.2 * change for other in others)
    assert sum(np.mean((other - first) ** 2) > 0 for other in others) >= len(others) // 2


def test_bytes_are_rounded_to_the_nearest_or_down(images):
    nearest, down = (way.apply(Gain(0.7), images, RNG) for way in other_implementations(Gain(0.7), OURS, in_bytes=True))
    exact = 255 * 0.7 * images
    assert np.abs(255 * nearest - exact).max() <= 0.5001
    assert (255 * down - exact).max() < 1e-3
    assert (255 * down - exact).min() > -1.0


def test_gaussians_by_boxes_have_the_same_variance():
    point = np.zeros((1, 1, 41, 41), np.float32)
    point[..., 20, 20] = 1
    blurred = Implementation(OURS, alternative="three boxes").apply(GaussianBlur(2.2), point, RNG)
    assert (blurred[0, 0].sum(0) * (np.arange(41) - 20) ** 2).sum() == pytest.approx(2.2**2, rel=1e-4)


@pytest.mark.parametrize("edge", [0.0, 0.5])
def test_a_picture_that_is_cut_off_keeps_its_outermost_pixels(edge):
    white = np.ones((1, 1, 9, 9), np.float32)
    cut = Implementation(Resampling(edge=edge)).apply(Rotate(3.0), white, RNG)
    assert np.all((cut < 1e-6) | (cut > 1 - 1e-6))


def test_scipy_cuts_off_at_the_centres_of_the_outermost_pixels():
    noise = np.random.default_rng(3).random((4, 1, 28, 28)).astype(np.float32)
    turned = Implementation(Resampling(edge=0.0)).apply(Rotate(15.0), noise, RNG)
    expected = rotate(noise, 15, (3, 2), reshape=False, order=1)
    assert np.abs(turned - expected).max() < 1e-5
