import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.shifts import catalog
from shiftassay.shifts.family import FAMILIES


def test_glass_moves_ink_but_loses_none(digits):
    shifted = catalog.shift(digits, "glass_blur:sd=0.01,reach=2,rounds=1").images
    assert np.array_equal(np.sort(shifted.reshape(200, -1)), np.sort(digits.images.reshape(200, -1)))
    assert (shifted != digits.images).any()


@pytest.mark.parametrize(("sd", "reach", "rounds"), [(0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)])
def test_frosted_glass_is_found(digits, sd, reach, rounds):
    estimate = estimate_of(
        shifted_pairs(digits.images, f"glass_blur:sd={sd},reach={reach},rounds={rounds}", 8), "glass_blur"
    )
    assert estimate.parameters["sd"] == pytest.approx(sd, rel=0.05)
    assert (estimate.parameters["reach"], estimate.parameters["rounds"]) == (reach, rounds)


def test_a_plain_blur_and_a_move_are_no_frosted_glass(digits):
    for other in ("gaussian_blur:sd=1.5", "translate:dx=-3|3,dy=0,scope=per_image", "gaussian_noise:sd=0.2"):
        assert not FAMILIES["glass_blur"].estimate(shifted_pairs(digits.images, other)), other
