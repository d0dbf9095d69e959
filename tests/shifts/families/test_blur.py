import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalogue import parse, shift


def kernel(how, size=21):
    """What becomes of a single white pixel in the middle."""
    point = np.zeros((1, 1, size, size), np.float32)
    point[0, 0, size // 2, size // 2] = 1
    return shift(ImageSet(point), how).images[0, 0]


def test_gaussian_blur_is_scipys(rng):
    images = rng.random((4, 1, 28, 20)).astype(np.float32)
    expected = gaussian_filter(images, (0, 0, 1.3, 1.3), mode="nearest")
    assert np.abs(shift(ImageSet(images), "gaussian_blur:sd=1.3").images - expected).max() < 1e-5


def test_a_horizontal_motion_is_a_mean_along_the_row(rng):
    images = rng.random((4, 1, 28, 20)).astype(np.float32)
    expected = uniform_filter1d(images, 5, axis=3, mode="nearest")
    assert np.abs(shift(ImageSet(images), "motion_blur:length=5").images - expected).max() < 1e-5


def test_motion_is_counter_clockwise_and_the_same_after_half_a_turn():
    assert np.abs(kernel("motion_blur:length=5,angle=90") - kernel("motion_blur:length=5").T).max() < 1e-6
    assert np.abs(kernel("motion_blur:length=7,angle=30") - kernel("motion_blur:length=7,angle=210")).max() < 1e-6
    rising = kernel("motion_blur:length=9,angle=45")
    assert rising[8, 12] > 0.05  # up and to the right
    assert rising[8, 8] == 0


def test_a_fading_motion_draws_a_tail_in_its_direction():
    row = kernel("motion_blur:length=4,angle=180,fading=2")[10]
    weights = np.exp(-(np.arange(4) ** 2) / 8)
    assert row[10:6:-1] == pytest.approx(weights / weights.sum(), abs=1e-5)
    assert row[11:].sum() == 0


def test_defocus_is_an_even_disc():
    disc = kernel("defocus_blur:radius=4")
    y, x = np.mgrid[-10:11, -10:11]
    distance = np.hypot(x, y)
    assert disc[distance < 3.2] == pytest.approx(1 / (np.pi * 16), rel=0.02)
    assert (disc[distance > 4.8] == 0).all()


@pytest.mark.parametrize(
    "how", ["gaussian_blur:sd=3", "defocus_blur:radius=6", "motion_blur:length=15,angle=77", "glass_blur:sd=1"]
)
def test_an_even_picture_stays_even(how):
    assert shift(ImageSet(np.full((2, 1, 12, 17), 0.3, np.float32)), how).images == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize("how", ["gaussian_blur:sd=1", "defocus_blur:radius=1.5", "motion_blur:length=5,angle=30"])
def test_undoing_a_blur_brings_most_of_the_picture_back(how, digits):
    parsed = parse(how)
    blurred = parsed.apply(digits.images, np.random.default_rng(0))
    restored = parsed.undo(blurred, np.random.default_rng(0))
    assert np.square(restored - digits.images).mean() < 0.3 * np.square(blurred - digits.images).mean()


def test_glass_moves_ink_but_loses_none(digits):
    seen = shift(digits, "glass_blur:sd=0.01,reach=2,rounds=1").images
    assert np.array_equal(np.sort(seen.reshape(200, -1)), np.sort(digits.images.reshape(200, -1)))
    assert (seen != digits.images).any()


def test_the_blocks_of_a_pixelated_picture_are_means(rng):
    images = rng.random((2, 1, 6, 7)).astype(np.float32)
    coarse = shift(ImageSet(images), "pixelate:factor=3").images
    assert coarse[:, :, 3:6, 0:3] == pytest.approx(
        np.repeat(np.repeat(images[:, :, 3:6, :3].mean((2, 3), keepdims=True), 3, 2), 3, 3)
    )
    assert coarse[:, 0, 0, 6] == pytest.approx(images[:, 0, 0:3, 6].mean(1))


def test_a_higher_jpeg_quality_loses_less(digits):
    losses = [np.abs(shift(digits, f"jpeg:quality={q}").images - digits.images).mean() for q in (5, 20, 60, 95)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.005
