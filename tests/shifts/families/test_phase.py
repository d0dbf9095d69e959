import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.family import FAMILIES


@pytest.mark.parametrize("scope", ["shared", "per_image"])
def test_scrambled_phases_keep_the_amplitudes(scope, rng):
    # Low contrast, so that nothing is clipped.
    images = ImageSet((0.5 + 0.01 * rng.standard_normal((5, 1, 28, 27))).astype(np.float32))
    scrambled = catalog.shift(images, make("phase_scramble", scope=scope)).images
    before, after = (np.abs(np.fft.rfft2(x)) for x in (images.images, scrambled))
    assert after == pytest.approx(before, abs=1e-3)
    assert np.abs(np.corrcoef(scrambled.ravel(), images.images.ravel())[0, 1]) < 0.1


def test_shared_phases_are_the_same_for_all_images(digits):
    twice = ImageSet(np.repeat(digits.images[:1], 2, 0))
    one, other = catalog.shift(twice, "phase_scramble").images
    assert np.array_equal(one, other)
    one, other = catalog.shift(twice, "phase_scramble:scope=per_image").images
    assert not np.allclose(one, other)


@pytest.mark.parametrize("pictures", ["digits", "clothes", "colors"])
def test_shared_phases_are_found_although_clipping_bends_them(pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), "phase_scramble")
    estimate = estimate_of(pairs, "phase_scramble")
    assert estimate.scope == "shared"
    assert unexplained(estimate, pairs) < 0.01


def test_phases_that_are_fresh_for_each_image_are_told_from_a_permutation(digits):
    assert (
        estimate_of(shifted_pairs(digits.images, "phase_scramble:scope=per_image"), "phase_scramble").scope
        == "per_image"
    )
    for other in (
        "pixel_permutation:scope=per_image",
        "gaussian_noise:sd=0.5",
        "gaussian_blur:sd=2",
        "roll:dx=13,dy=7",
    ):
        assert not FAMILIES["phase_scramble"].estimate(shifted_pairs(digits.images, other)), other
