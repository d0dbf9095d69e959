"""What a remake leaves, for shifts that are right, wrong and random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs, noise_discrepancies
from shiftassay.diagnosis.paired.remake import remake, to_bytes
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.warp import Resampling, resampled


def _target(digits, text, seed=3):
    shifted = parse(text).apply(digits.images, np.random.default_rng(seed))
    return EvaluationPairs(Pairs(digits.images, shifted))


@pytest.mark.parametrize("text", ["rotate:angle=15", "gamma:exponent=2", "flip_horizontal", "gaussian_blur:sd=1"])
def test_the_right_shift_leaves_nothing(digits, text):
    best = remake(parse(text), _target(digits, text))
    assert best.misfit < 1e-6
    assert best.noise_fraction == 0
    assert np.abs(best.residual).max() < 1e-5


def test_what_changes_nothing_leaves_the_whole_change(digits):
    assert remake(parse("identity"), _target(digits, "gain:factor=0.8")).misfit == pytest.approx(1, abs=0.01)


def test_noise_is_judged_by_its_distribution_not_by_its_draws(digits):
    target = _target(digits, "gaussian_noise:sd=0.2")
    right, weaker = (remake(parse(f"gaussian_noise:sd={sd}"), target) for sd in (0.2, 0.1))
    assert right.noise_fraction > 0.9
    assert right.misfit < 0.1 < weaker.misfit


def test_per_image_parameters_are_inferred_from_the_pairs(digits):
    target = _target(digits, "rotate:angle=-30..30,scope=per_image")
    best = remake(parse("rotate:angle=-30..30,scope=per_image"), target)
    assert best.misfit < 1e-3
    assert len(best.inferred.angle.values) == len(digits)
    assert best.shift.scope == "per_image"


@pytest.mark.parametrize("sign", [-1, 1])
def test_places_halfway_between_pixels_may_fall_to_either(digits, sign):
    beside = np.arange(28) - 13.5 + sign * 1e-6  # 6.5 / 1.3 is 5: such a place is halfway between two pixels
    source = np.floor(beside / 1.3 + 13.5 + 0.5).astype(int)
    shifted = digits.images[:, :, source][..., source]
    best = remake(parse("scale:factor=1.3"), EvaluationPairs(Pairs(digits.images, shifted)))
    assert best.misfit < 1e-6
    assert best.resampling.kernel == "nearest"


def test_draws_are_inferred_about_the_centre_that_fits(digits):
    shift = parse("rotate:angle=-30|30,scope=per_image")
    with resampled(Resampling("nearest", 0.5)):
        shifted = shift.apply(digits.images, np.random.default_rng(3))
    best = remake(shift, EvaluationPairs(Pairs(digits.images, shifted)))
    assert best.resampling == Resampling("nearest", 0.5)
    assert np.abs(np.abs(best.inferred.angle.values) - 30).mean() < 0.5


def test_a_remake_does_not_mismatch_itself(digits):
    images = digits.images + np.random.default_rng(0).normal(0, 0.1, digits.images.shape).astype(np.float32)
    target = EvaluationPairs(Pairs(digits.images, images))
    same = noise_discrepancies(digits.images, target.shifted_statistics, target.statistics(images), 0.01)
    assert set(same.values()) == {0.0}


@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=16))
def test_rounding_to_bytes_is_idempotent(values):
    images = np.array(values, np.float32).reshape(1, 1, 1, -1)
    rounded = to_bytes(images)
    assert in_bytes(rounded)
    assert np.array_equal(to_bytes(rounded), rounded)
