import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import parse

GRAY = ImageSet(np.full((200, 1, 28, 28), 0.4, np.float32))


@pytest.mark.parametrize(
    ("shift", "sd"),
    [
        ("gaussian_noise:sd=0.5,clip=false", 0.5),
        ("uniform_noise:half_width=0.6,clip=false", 0.6 / np.sqrt(3)),
        ("sign_noise:epsilon=0.2,clip=false", 0.2),
        ("speckle_noise:sd=0.5,clip=false", 0.5 * 0.4),
        ("shot_noise:photons=5,clip=false", np.sqrt(0.4 / 5)),
        ("fixed_pattern:sd=0.5,clip=false", 0.5),
    ],
)
def test_noise_has_the_mean_and_the_sd_that_it_says(shift, sd):
    noisy = catalog.shift(GRAY, shift).images
    few = shift.startswith("fixed_pattern")  # 784 draws only
    assert noisy.mean() == pytest.approx(0.4, abs=0.06 if few else 0.004)
    assert noisy.std() == pytest.approx(sd, rel=0.08 if few else 0.01)


def test_photons_are_counted_in_whole_numbers():
    counts = catalog.shift(GRAY, "shot_noise:photons=5,clip=false").images * 5
    assert np.abs(counts - np.rint(counts)).max() < 1e-5
    assert (counts == 0).mean() == pytest.approx(np.exp(-0.4 * 5), abs=0.005)


def test_impulses_are_salt_and_pepper_in_equal_parts():
    noisy = catalog.shift(GRAY, "impulse_noise:fraction=0.3").images
    assert (noisy == 1).mean() == pytest.approx(0.15, abs=0.004)
    assert (noisy == 0).mean() == pytest.approx(0.15, abs=0.004)
    assert ((noisy == 1) | (noisy == 0) | (noisy == np.float32(0.4))).all()


def test_a_strength_may_be_drawn_for_each_image():
    sds = catalog.shift(GRAY, "gaussian_noise:sd=0.1|0.5,clip=false").images.std((1, 2, 3))
    assert np.minimum(np.abs(sds - 0.1), np.abs(sds - 0.5)).max() < 0.06
    assert 60 < (sds > 0.3).sum() < 140


@pytest.mark.parametrize("text", ["gaussian_noise:sd=-1", "impulse_noise:fraction=1.1", "shot_noise:photons=0"])
def test_strengths_that_are_none_are_refused(text):
    with pytest.raises(BadInput, match="must be"):
        parse(text)
