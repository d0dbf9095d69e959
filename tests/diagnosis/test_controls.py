"""Controls are as far from the reference as the shifted set, but without its aim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.controls import derangement, shuffled_residual, transplanted_residual
from shiftassay.shifts.catalog import parse


@given(st.integers(2, 200), st.integers(0, 2**32 - 1))
def test_a_derangement_is_a_permutation_without_fixed_points(n, seed):
    places = derangement(n, np.random.default_rng(seed))
    assert np.array_equal(np.sort(places), np.arange(n))
    assert not (places == np.arange(n)).any()


@pytest.mark.parametrize("text", ["gaussian_noise:sd=0.2,clip=false", "rotate:angle=20", "invert"])
def test_a_shuffled_residual_has_the_same_norms(digits, text):
    images = digits.images[:20]
    shifted = parse(text).apply(images, np.random.default_rng(1))
    control = shuffled_residual(images, shifted, np.random.default_rng(0))
    for order in (1, 2, np.inf):
        norms = [np.linalg.norm((x - images).reshape(20, -1), order, axis=1) for x in (shifted, control)]
        assert norms[1] == pytest.approx(norms[0], rel=0.05)  # but for clipping
    assert not np.allclose(control, shifted)


def test_a_transplanted_residual_stays_in_its_places(digits):
    images = digits.images[:20]
    shifted = images.copy()
    shifted[:, :, 3, 4] += 0.25
    moved = transplanted_residual(images, shifted, np.random.default_rng(0)) - images
    assert (np.argwhere(np.abs(moved) > 1e-6)[:, 2:] == [3, 4]).all()
