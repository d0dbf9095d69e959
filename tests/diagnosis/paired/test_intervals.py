"""Intervals of parameters: what they hold, where there are none, and how often they hold the truth."""

import numpy as np
import pytest
from benchmarks.coverage.drawn import drawn
from benchmarks.coverage.fit import fit
from scipy.stats import binom

from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.warp import OURS, Resampling

LEVEL = 0.95
UNLIKELY = 1e-4  # chance that intervals that hold in 95% of cases fail the test


def _pairs(digits, text):
    return Pairs(digits.images, parse(text).apply(digits.images, np.random.default_rng(5)))


def _coverage(family, seed, fits):
    numbers = [row for i in range(fits) for row in fit(drawn(family, seed, i)).get("numbers", {}).values()]
    assert len(numbers) >= 0.9 * fits
    assert all(low <= estimate <= high for _, estimate, low, high in numbers)
    return sum(low <= true <= high for true, _, low, high in numbers), len(numbers)


@pytest.mark.parametrize(
    "family", ["gain", "offset", "grayscale", "noise and gain", pytest.param("sign_noise", marks=pytest.mark.torture)]
)
def test_intervals_cover_on_shifts_of_other_code(family):
    covered, n = _coverage(family, 3, 40)
    assert covered >= binom.ppf(UNLIKELY, n, LEVEL)


@pytest.mark.torture
@pytest.mark.parametrize("family", ["rotate", "gamma", "gaussian_blur", "gaussian_noise", "impulse_noise", "threshold"])
def test_intervals_cover_in_200_fits(family):
    covered, n = _coverage(family, 4, 200)
    assert covered >= binom.ppf(UNLIKELY, n, LEVEL)


@pytest.mark.torture
@pytest.mark.parametrize("partner", ["translate", "gaussian_blur", "offset", "gamma"])
def test_intervals_cover_of_what_noise_hides(partner):
    covered, n = _coverage(f"noise and {partner}", 6, 40)
    assert covered >= binom.ppf(UNLIKELY, n, LEVEL)


@pytest.mark.torture
@pytest.mark.parametrize(
    "family", ["canny_edges", "elastic", "fog", "glass_blur", "jpeg2000", "spatter", "zigzag", "zoom_blur"]
)
def test_intervals_cover_of_what_is_hard_to_measure(family):
    covered, n = _coverage(family, 6, 20)
    assert covered >= binom.ppf(UNLIKELY, n, LEVEL)


def test_mud_has_an_interval_for_each_number(digits):
    truth = parse("spatter:coverage=0.3,size=2,softness=0.8,shade=0.6")
    pairs = Pairs(digits.images, truth.apply(digits.images, np.random.default_rng(5)))
    shift, ends = measured(type(truth).estimate(pairs)[0], pairs, OURS, LEVEL)
    for name in ("coverage", "size", "softness", "shade"):
        low, high = ends[name]
        assert low <= getattr(shift, name) <= high
        assert low - 0.1 * (high - low) <= getattr(truth, name) <= high + 0.1 * (high - low)
        assert high - low < 0.35 * high


def test_one_field_for_all_images_has_no_interval_of_its_draw(digits):
    truth = parse("elastic:amplitude=1").realize(digits.images.shape[1:], np.random.default_rng(2))
    pairs = Pairs(digits.images, truth.apply(digits.images, np.random.default_rng(5)))
    assert measured(truth, pairs, OURS, LEVEL)[1] == {}


def test_other_kernels_correct_the_estimate(digits):
    from scipy.ndimage import rotate

    shifted = np.clip(rotate(digits.images, 14.3, (3, 2), reshape=False, order=3), 0, 1)
    shift, ends = measured(parse("rotate:angle=14.35"), Pairs(digits.images, shifted), Resampling("bicubic"), LEVEL)
    assert shift.angle == pytest.approx(14.3, abs=1e-3)
    assert ends["angle"][0] <= 14.3 <= ends["angle"][1]


def test_whole_pixels_bound_the_angle(digits):
    from scipy.ndimage import rotate

    shifted = rotate(digits.images, 21.7, (3, 2), reshape=False, order=0)
    shift, ends = measured(parse("rotate:angle=21.6"), Pairs(digits.images, shifted), Resampling("nearest"), LEVEL)
    assert ends["angle"][0] <= 21.7 <= ends["angle"][1]
    assert ends["angle"][0] <= shift.angle <= ends["angle"][1]
    assert ends["angle"][1] - ends["angle"][0] < 0.3


@pytest.mark.parametrize(
    ("text", "name", "true"),
    [
        ("gaussian_noise:sd=0.2", "sd", 0.2),
        ("impulse_noise:fraction=0.2", "fraction", 0.2),
        ("sign_noise:epsilon=0.11", "epsilon", 0.11),
        ("fixed_pattern:sd=0.3", "sd", None),
    ],
)
def test_strengths_of_noise_have_intervals(digits, text, name, true):
    pairs = _pairs(digits, text)
    found = type(parse(text)).estimate(pairs)[0]
    shift, ends = measured(found, pairs, OURS, LEVEL)
    low, high = ends[name]
    assert 0 < low <= getattr(shift, name) <= high
    if true is not None:
        assert low == pytest.approx(true, rel=0.05)
        assert high == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize("text", ["roll:dx=3,dy=2", "quantize:levels=4", "rotate:angle=-20..20,scope=per_image"])
def test_whole_numbers_and_what_is_drawn_have_none(digits, text):
    assert measured(parse(text), _pairs(digits, text), OURS, LEVEL)[1] == {}


def test_a_composition_with_noise_has_them_of_each_part(digits):
    text = "rotate:angle=15+gaussian_noise:sd=0.1"
    shift, ends = measured(parse("rotate:angle=15.05+gaussian_noise:sd=0.11"), _pairs(digits, text), OURS, LEVEL)
    low, high = ends["parts"][0]["angle"]
    assert low <= shift.parts[0].angle <= high
    assert low - 0.1 < 15 < high + 0.1
    low, high = ends["parts"][1]["sd"]
    assert low - 0.002 < 0.1 < high + 0.002


@pytest.mark.parametrize(
    "text", ["impulse_noise:fraction=0.1+gain:factor=0.5", "pixel_dropout:fraction=0.3+gain:factor=0.5"]
)
def test_what_noise_leaves_free_tells_the_other_part_exactly(digits, text):
    shift, ends = measured(parse(text), _pairs(digits, text), OURS, LEVEL)
    assert shift.parts[1].factor == pytest.approx(0.5, abs=1e-5)
    low, high = ends["parts"][1]["factor"]
    assert high - low < 1e-4


def test_few_pairs_give_no_interval(digits):
    assert measured(parse("rotate:angle=15"), _pairs(digits, "rotate:angle=15").first(10), OURS, LEVEL)[1] == {}
