"""Whether a candidate fits: beside its own remakes."""

import numpy as np
import pytest
from scipy import ndimage

from shiftassay.diagnosis.null_distribution import LEVEL, NullDistribution
from shiftassay.diagnosis.paired.null import fit_of
from shiftassay.diagnosis.paired.remake import remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs


@pytest.fixture(scope="module")
def reference(digits):
    return digits.images[:160]


def _fit(text, reference, shifted):
    pairs = Pairs(reference, shifted.astype(np.float32))
    task = Task(pairs.first(96), pairs.subset(np.arange(96, 160)), [])
    return fit_of(remake(parse(text), task.evaluation), task)


def _in_bytes(images):
    return np.rint(np.clip(images, 0, 1) * 255) / 255


def _turned(images, angle, order):
    return np.clip(ndimage.rotate(images, angle, (3, 2), reshape=False, order=order), 0, 1)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_rotation_fits_whatever_interpolation_scipy_made_it_with(reference, order):
    assert _fit("rotate:angle=12", reference, _turned(reference, 12, order)).fits
    assert _fit("rotate:angle=12", reference, _in_bytes(_turned(reference, 12, order))).fits


def test_another_angle_does_not_fit(reference):
    assert not _fit("rotate:angle=10", reference, _turned(reference, 12, 1)).fits


def test_noise_fits_with_other_draws_and_not_with_another_kind_of_noise(reference, rng):
    shifted = np.clip(reference + 0.15 * rng.standard_normal(reference.shape), 0, 1)
    assert _fit("gaussian_noise:sd=0.15", reference, shifted).fits
    assert not _fit("uniform_noise:half_width=0.26", reference, shifted).fits
    assert not _fit("gaussian_noise:sd=0.2", reference, shifted).fits


def test_values_that_were_cut_off_to_bytes_fit_like_rounded_ones(reference):
    assert _fit("gain:factor=0.4", reference, _in_bytes(0.4 * reference)).fits
    assert _fit("gain:factor=0.4", reference, np.floor(0.4 * reference * 255) / 255).fits
    assert not _fit("gain:factor=0.42", reference, 0.4 * reference).fits


def test_a_right_shift_is_turned_down_about_as_often_as_the_level_says():
    """The root of a misfit that is normal: the limit of a prediction from few remakes."""
    rng = np.random.default_rng(0)
    turned_down = 0
    for _ in range(2000):
        *known, new = (1 + 0.2 * rng.standard_normal(9)) ** 2
        turned_down += NullDistribution.of_another(known).p_value(new) < LEVEL
    assert 0.004 < turned_down / 2000 < 0.017
