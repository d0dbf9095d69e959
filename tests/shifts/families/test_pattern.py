import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.errors import BadInput
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.pattern import FixedPattern
from shiftassay.shifts.family import FAMILIES


def test_a_fixed_pattern_is_the_same_on_every_image_and_can_be_given(digits):
    noise = catalog.shift(digits, "fixed_pattern:sd=0.3,clip=false").images - digits.images
    assert np.abs(noise - noise[:1]).max() < 1e-6
    given = make("fixed_pattern", {"sd": 0.3, "pattern": noise[0].ravel().tolist(), "clip": False})
    assert np.abs(catalog.shift(digits, given).images - digits.images - noise).max() < 1e-6
    with pytest.raises(BadInput, match="3 values"):
        catalog.shift(digits, make("fixed_pattern", {"sd": 0.3, "pattern": [1, 2, 3]}))


@pytest.mark.parametrize("sd", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("clip", [True, False])
def test_a_fixed_pattern_is_found(digits, sd, clip):
    shift = FixedPattern(sd, clip=clip).realize((1, 28, 28), np.random.default_rng(5))
    assert isinstance(shift, FixedPattern)
    pairs = Pairs(digits.images, shift.apply(digits.images, np.random.default_rng(0)))
    estimate = estimate_of(pairs, "fixed_pattern")
    assert isinstance(estimate, FixedPattern)
    assert estimate.clip is clip
    assert estimate.sd == pytest.approx(np.std(shift.pattern), rel=0.06)  # if clipped, a third of it is not seen at all
    assert unexplained(estimate, pairs) < 0.03


def test_a_fixed_pattern_is_found_under_noise(digits, rng):
    shifted = np.clip(digits.images + 0.2 * rng.standard_normal((1, 1, 28, 28)), 0, 1)
    noisy = np.clip(shifted + 0.05 * rng.standard_normal(shifted.shape), 0, 1).astype(np.float32)
    estimate = estimate_of(Pairs(digits.images, noisy), "fixed_pattern")
    assert isinstance(estimate, FixedPattern)
    assert estimate.sd == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("other", ["gaussian_noise:sd=0.3", "offset:amount=0.1", "offset:amount=-0.2"])
def test_fresh_noise_and_one_value_everywhere_are_no_fixed_pattern(digits, other):
    assert not FAMILIES["fixed_pattern"].estimate(shifted_pairs(digits.images, other))


def test_a_mask_or_a_smooth_glow_is_no_fixed_pattern(digits):
    y, x = np.mgrid[:28, :28] - 13.5
    masked = digits.images * (np.arange(28) % 3 > 0)[:, None].astype(np.float32)
    glow = np.clip(digits.images + 0.4 * np.exp(-np.hypot(y, x) / 9).astype(np.float32), 0, 1)
    for shifted in (masked, glow):
        assert FixedPattern.estimate(Pairs(digits.images, shifted)) == []


def test_a_place_that_is_white_in_every_picture_lifts_even_the_darkest_to_white(rng):
    images = np.concatenate([np.zeros((1, 1, 8, 8)), rng.random((40, 1, 8, 8))]).astype(np.float32)
    pattern = 0.3 * rng.standard_normal((8, 8))
    pattern[2, 3], pattern[5, 1] = 1.2, -1.3
    estimate = FixedPattern.estimate(Pairs(images, np.clip(images + pattern, 0, 1).astype(np.float32)))[0]
    assert isinstance(estimate, FixedPattern)
    values = np.reshape(estimate.pattern, (8, 8))
    assert values[2, 3] >= 0.99
    assert values[5, 1] <= -0.95
