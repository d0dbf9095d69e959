import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.shifts import catalog
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.fog import _refine, plasma_corner
from shiftassay.shifts.family import FAMILIES


def test_fog_is_a_fractal_between_0_and_1_that_decays_to_smoothness(rng):
    rough, smooth = (plasma_corner(300, 28, decay, rng) for decay in (2.0, 4.0))
    for plasma in (rough, smooth):
        assert plasma.min() >= 0
        assert plasma.max() <= 1
        assert plasma.mean() == pytest.approx(0.5, abs=0.1)
    assert np.abs(np.diff(rough)).mean() > 2 * np.abs(np.diff(smooth)).mean()


def test_fog_refined_only_where_it_is_seen_is_like_the_corner_of_a_whole_map(rng):
    whole = np.zeros((400, 1, 1), np.float32)
    for level in range(8):
        size = 2 ** (level + 1)
        whole = _refine(whole, 2.0**-level * (2 * rng.random((400, size, size), np.float32) - 1))
    whole -= whole.min((1, 2), keepdims=True)
    whole = (whole / whole.max((1, 2), keepdims=True))[:, :28, :28]
    corner = plasma_corner(400, 28, 2.0, rng)
    assert corner.mean() == pytest.approx(whole.mean(), abs=0.05)
    assert corner.std() == pytest.approx(whole.std(), rel=0.1)
    for axis in (1, 2):
        steps, expected = (np.abs(np.diff(p, axis=axis)).mean((0, 3 - axis)) for p in (corner, whole))
        assert steps == pytest.approx(expected, rel=0.15)


def test_fog_keeps_the_brightest_value_in_range_without_clipping(digits):
    foggy = catalog.shift(digits, "fog:amount=2").images
    peak = digits.images.max()
    assert foggy.max() <= peak + 1e-6
    assert foggy.min() >= 0
    contrast = 1 / 3  # peak / (peak + amount)
    assert np.cov(foggy.ravel(), digits.images.ravel())[0, 1] / digits.images.var() == pytest.approx(contrast, rel=0.1)


@pytest.mark.parametrize(("amount", "decay"), [(0.5, 2.5), (1.5, 4.0), (3.0, 1.96)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_fog_is_found(amount, decay, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), f"fog:amount={amount},decay={decay}")
    estimate = estimate_of(pairs, "fog").parameters
    assert estimate["amount"] == pytest.approx(amount, rel=0.02)
    assert estimate["decay"] == pytest.approx(decay, rel=0.06 if decay < 3 else 0.15)  # rounding hides what is smooth


def test_no_fog_is_looked_for_on_pictures_too_dark_to_show_it(digits):
    dark = digits.images * np.float32(0.04)
    assert FAMILIES["fog"].estimate(Pairs(dark, dark * np.float32(0.5))) == []
