import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d
from tests.shifts.estimates import shifted_pairs, unexplained

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.families.blur import MotionBlur
from shiftassay.shifts.parameters import Uniform


def kernel(shift, size=21):
    """What becomes of a single white pixel in the middle."""
    point = np.zeros((1, 1, size, size), np.float32)
    point[0, 0, size // 2, size // 2] = 1
    return catalog.shift(ImageSet(point), shift).images[0, 0]


def test_gaussian_blur_is_scipys(rng):
    images = rng.random((4, 1, 28, 20)).astype(np.float32)
    expected = gaussian_filter(images, (0, 0, 1.3, 1.3), mode="nearest")
    assert np.abs(catalog.shift(ImageSet(images), "gaussian_blur:sd=1.3").images - expected).max() < 1e-5


def test_a_horizontal_motion_is_a_mean_along_the_row(rng):
    images = rng.random((4, 1, 28, 20)).astype(np.float32)
    expected = uniform_filter1d(images, 5, axis=3, mode="nearest")
    assert np.abs(catalog.shift(ImageSet(images), "motion_blur:length=5").images - expected).max() < 1e-5


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
    "shift", ["gaussian_blur:sd=3", "defocus_blur:radius=6", "motion_blur:length=15,angle=77", "glass_blur:sd=1"]
)
def test_an_even_picture_stays_even(shift):
    assert catalog.shift(ImageSet(np.full((2, 1, 12, 17), 0.3, np.float32)), shift).images == pytest.approx(
        0.3, abs=1e-4
    )


@pytest.mark.parametrize("shift", ["gaussian_blur:sd=1", "defocus_blur:radius=1.5", "motion_blur:length=5,angle=30"])
def test_undoing_a_blur_brings_most_of_the_picture_back(shift, digits):
    parsed = parse(shift)
    blurred = parsed.apply(digits.images, np.random.default_rng(0))
    restored = parsed.undo(blurred, np.random.default_rng(0))
    assert np.square(restored - digits.images).mean() < 0.3 * np.square(blurred - digits.images).mean()


def fading(pairs):
    return [shift for shift in MotionBlur.estimate(pairs) if shift.fading is not None]


@pytest.mark.parametrize(("length", "angle", "sd"), [(21, 30, 3.0), (31, 300, 8.0), (6, 80, 6.0)])
def test_a_fading_motion_blur_is_found(digits, length, angle, sd):
    pairs = shifted_pairs(digits.images, f"motion_blur:length={length},angle={angle},fading={sd}")
    estimate = fading(pairs)[0]
    assert estimate.angle == pytest.approx(angle, abs=1)
    assert estimate.fading == pytest.approx(sd, rel=0.05)
    assert estimate.length >= min(length, 3 * sd)  # beyond, nothing of a tail is left to be seen
    assert unexplained(estimate, pairs) < 1e-3


def test_the_published_motion_blur_is_found_and_followed(digits):
    pairs = shifted_pairs(digits.images, "mnist_c:motion_blur")
    estimate = fading(pairs)[-1]
    assert estimate.scope == "per_image"
    assert estimate.fading == pytest.approx(3, rel=0.05)
    assert isinstance(estimate.angle, Uniform)
    assert estimate.angle.low == pytest.approx(135, abs=12)  # of 32 angles
    assert estimate.angle.high == pytest.approx(225, abs=12)
    inferred = estimate.infer_draws(pairs)
    assert inferred is not None
    assert unexplained(inferred, pairs) < 0.01


def imagemagick(images, width, sd, angle):
    """Copies of the picture at whole pixels along the line, weighted by half a Gaussian; the border is repeated."""
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sd**2))
    padded = np.pad(images, ((0, 0), (0, 0), (width, width), (width, width)), "edge")
    h, w = images.shape[2:]
    blurred = np.zeros(images.shape)
    end = width * np.cos(np.radians(angle)), width * -np.sin(np.radians(angle))
    for i, weight in enumerate(weights / weights.sum()):
        right, down = (int(np.ceil(i * side / np.hypot(*end) - 0.5)) for side in end)
        blurred += weight * padded[:, :, width - down : width - down + h, width - right : width - right + w]
    return blurred


@pytest.mark.parametrize(("width", "sd", "angle"), [(7, 2.0, 30), (9, 2.0, 45), (11, 3.0, -40), (9, 4.0, 0)])
def test_the_form_of_whole_pixels_is_imagemagicks(rng, width, sd, angle):
    images = rng.random((3, 1, 32, 26)).astype(np.float32)
    blurred = MotionBlur(float(width), float(angle), sd).alternatives()["whole pixels"].apply(images, rng)
    np.testing.assert_allclose(blurred, imagemagick(images, width, sd, angle), atol=1e-5)
