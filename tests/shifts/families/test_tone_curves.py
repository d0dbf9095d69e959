import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import color, exposure
from tests.shifts.estimates import estimate_of, unexplained

from shiftassay.diagnosis.diagnose import verdict_on
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import make, parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.intensity import Invert
from shiftassay.shifts.families.monotone_curve import ToneCurve
from shiftassay.shifts.families.tone_curves import Posterize, Solarize
from shiftassay.shifts.identity import Identity

BYTES = np.arange(256, dtype=np.uint8)[None]
RAMP = BYTES.astype(np.float32)[None, None] / np.float32(255)


def by_pillow(change, images: np.ndarray) -> np.ndarray:
    pictures = np.rint(255 * images[:, 0]).astype(np.uint8)
    return np.stack([np.asarray(change(Image.fromarray(one))) for one in pictures])[:, None] / np.float32(255)


@pytest.mark.parametrize("threshold", [0, 1, 100, 128, 255])
def test_solarized_bytes_are_those_of_pillow(threshold):
    made = Solarize(threshold / 255).apply(RAMP, np.random.default_rng(0))
    assert np.array_equal(
        np.rint(255 * made), np.rint(255 * by_pillow(lambda p: ImageOps.solarize(p, threshold), RAMP))
    )


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterized_bytes_are_those_of_pillow(bits):
    made = Posterize(bits).apply(RAMP, np.random.default_rng(0))
    assert np.array_equal(np.rint(255 * made), np.rint(255 * by_pillow(lambda p: ImageOps.posterize(p, bits), RAMP)))


def test_the_threshold_of_solarized_digits_is_within_its_interval(digits):
    pairs = Pairs(digits.images, by_pillow(lambda picture: ImageOps.solarize(picture, 90), digits.images))
    estimate = estimate_of(pairs, "solarize")
    within = estimate.own_intervals(pairs, 0.95)["threshold"]
    assert within.low < 90 / 255 <= within.high < within.low + 3 / 255
    assert within.low < estimate.parameters["threshold"] < within.high


def test_the_bits_of_posterized_digits_are_found_and_levels_are_not_taken_for_them(digits):
    shifted = by_pillow(lambda picture: ImageOps.posterize(picture, 3), digits.images)
    assert estimate_of(Pairs(digits.images, shifted), "posterize") == Posterize(3)
    few = digits.first(40)
    assert verdict_on(few, ImageSet(np.rint(7 * few.images) / np.float32(7))).family == "quantize"


def test_limits_are_simpler_families():
    assert Solarize(0.0).normal_form() == Invert()
    assert Posterize(8).normal_form() == Identity()
    assert ToneCurve(((0.0, 0.0), (1.0, 1.0))).normal_form() == Identity()


def test_the_curve_of_srgb_is_that_of_scikit_image_and_is_named(digits):
    pictures = np.repeat(digits.images[:60].transpose(0, 2, 3, 1), 3, 3)
    linear = (255 * color.rgb2xyz(pictures)[..., 1:2].transpose(0, 3, 1, 2)).round() / 255
    verdict = verdict_on(digits.first(60), ImageSet(linear.astype(np.float32)))
    assert verdict.family == "tone_curve"
    assert verdict.parameters["known"] == "srgb_to_linear"
    curve = ToneCurve(known="linear_to_srgb")
    undone = curve.apply(
        ToneCurve(known="srgb_to_linear").apply(RAMP, np.random.default_rng(0)), np.random.default_rng(0)
    )
    assert np.abs(undone - RAMP).max() < 1e-4


def test_any_other_curve_is_given_by_points(clothes):
    shifted = (255 * exposure.adjust_sigmoid(clothes, 0.5, 7)).round().astype(np.float32) / 255
    curve = estimate_of(Pairs(clothes, shifted), "tone_curve")
    assert isinstance(curve, ToneCurve)
    seen = RAMP[..., 50:]  # clothes are black or brighter
    made = curve.apply(seen, np.random.default_rng(0))
    assert np.abs(made - exposure.adjust_sigmoid(seen, 0.5, 7)).max() < 1.5 / 255


def test_two_simple_curves_say_more_than_points(digits):
    pairs = Pairs(digits.images, np.float32(0.6) * digits.images ** np.float32(0.5))
    curve = estimate_of(pairs, "tone_curve")
    factors = curve.in_simpler_parts(pairs)
    assert factors is not None
    assert ["gamma", "gain"] in [[part.family for part in shift.components] for shift in factors]
    assert max(unexplained(shift, pairs) for shift in factors) < 1e-3
    assert all(complexity_penalty(shift) < complexity_penalty(curve) for shift in factors)


def test_stairs_and_curves_with_one_number_have_no_points(clothes):
    for other in ("gamma:exponent=2", "gain:factor=0.6", "quantize:levels=5", "threshold:level=0.4"):
        assert not ToneCurve.estimate(Pairs(clothes, parse(other).apply(clothes, np.random.default_rng(0))))


def test_a_curve_that_turns_back_is_refused():
    with pytest.raises(BadInput, match="rise"):
        make("tone_curve", {"points": [[0, 0], [0.5, 0.8], [1, 0.2]]})
