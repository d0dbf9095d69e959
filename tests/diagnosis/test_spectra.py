"""Spectra say which detail a shift takes away or adds."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shiftassay.diagnosis.spectra import power_by_frequency, spectra
from shiftassay.shifts.catalog import parse


@pytest.fixture
def speckled():
    return np.random.default_rng(0).random((60, 1, 40, 40), np.float32)


def test_the_power_of_white_noise_is_its_variance_at_every_frequency(speckled):
    np.testing.assert_allclose(power_by_frequency(speckled), 1 / 12, rtol=0.12)


def test_a_blur_takes_away_what_its_transfer_function_says(speckled):
    blurred = gaussian_filter(speckled, (0, 0, 1, 1))
    found = spectra(speckled, blurred, parse("gaussian_blur:sd=1"), 0)
    transfer = np.exp(-((2 * np.pi * found.frequencies) ** 2))  # the squared Gaussian's
    low = found.frequencies < 0.25
    np.testing.assert_allclose((found.power["shifted"] / found.power["reference"])[low], transfer[low], rtol=0.25)
    np.testing.assert_allclose(found.power["made again"], found.power["shifted"], rtol=0.05)
    assert found.changed(fine=True) < 0.05 < 0.5 < found.changed(fine=False)


def test_noise_adds_fine_detail(digits):
    rng = np.random.default_rng(0)
    noisy = np.clip(digits.images + rng.normal(0, 0.1, digits.images.shape), 0, 1).astype(np.float32)
    found = spectra(digits.images, noisy, parse("gaussian_noise:sd=0.1"), 0)
    finest = {name: power[-1] for name, power in found.power.items()}
    assert finest["shifted"] > 1.3 * finest["reference"]
    assert finest["made again"] == pytest.approx(finest["shifted"], rel=0.1)
    assert found.changed(fine=True) > 1.1 > found.changed(fine=False)


def test_the_same_power_two_sizes_and_small_images_have_no_picture(speckled):
    assert spectra(speckled, speckled[:, :, ::-1], None, 0) is None
    assert spectra(speckled, speckled[..., :36], None, 0) is None
    assert spectra(speckled[..., :12, :12], 1 - speckled[..., :12, :12], None, 0) is None


def test_an_unknown_shift_is_not_made_again(speckled):
    assert set(spectra(speckled, 2 * speckled, None, 0).power) == {"reference", "shifted"}
