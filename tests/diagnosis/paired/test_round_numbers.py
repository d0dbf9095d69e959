"""Numbers as people write them: found where they make the bytes exactly, and nowhere else."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import shiftassay
from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.diagnosis.paired.implementations import Implementation
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.round_numbers import makes_bytes, round_numbers, with_round_numbers
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.warp import OURS


@pytest.fixture
def levels():
    """Pictures with every grey value."""
    return np.random.default_rng(0).permutation(np.arange(784 * 20) % 256).reshape(20, 1, 28, 28).astype(np.uint8)


def as_pairs(before, after):
    return Pairs(before.astype(np.float32) / 255, after.astype(np.float32) / 255)


def found(text, pairs):
    free = FreeNumbers.differentiable(parse(text))
    numbers = round_numbers(free, free.values, pairs, Implementation(OURS))
    return None if numbers is None else numbers.tolist()


@pytest.mark.parametrize("factor", [0.6, 0.75, 0.35])
def test_bytes_that_were_rounded_down_have_the_number_that_was_written(levels, factor):
    pairs = as_pairs(levels, (levels.astype(np.float64) * factor + 1e-9).astype(np.uint8))
    shift, ends = measured(parse(f"gain:factor={factor + 0.0006}"), pairs, OURS, 0.95)
    assert shift.factor == factor
    assert ends["factor"][0] <= factor <= ends["factor"][1]


def test_a_gain_is_no_gain_with_an_offset_because_of_how_it_was_rounded(levels):
    pairs = as_pairs(levels, (levels.astype(np.float64) * 0.6 + 1e-9).astype(np.uint8))
    assert measured(parse("rescale:scale=0.6,offset=-0.0016"), pairs, OURS, 0.95)[0] == parse("gain:factor=0.6")


@pytest.mark.parametrize("even", [True, False])
def test_halves_may_be_rounded_either_way(levels, even):
    exact = np.minimum(levels + 76.5, 255)
    pairs = as_pairs(levels, np.rint(exact) if even else np.floor(exact + 0.5))
    assert found("offset:amount=0.2994", pairs) == [0.3]


def test_an_offset_of_whole_bytes_is_found_beside_a_factor(levels):
    pairs = as_pairs(levels, np.clip(np.rint(0.5 * levels + 20), 0, 255))
    assert found("rescale:scale=0.4998,offset=0.0785", pairs) == [0.5, 20 / 255]


def test_other_numbers_are_not_rounded(levels):
    assert found("gain:factor=0.61237", as_pairs(levels, np.rint(0.61237 * levels))) is None


@pytest.mark.parametrize(
    "text", ["gaussian_noise:sd=0.1", "rotate:angle=30", "gain:factor=0.5..0.9,scope=per_image", "invert"]
)
def test_noise_moves_and_draws_have_none(levels, text):
    pairs = as_pairs(levels, levels)
    assert with_round_numbers(parse(text), pairs) is None


def test_bytes_are_made_to_within_a_half_or_less_than_one_downwards():
    made = np.full((1, 1, 1, 2), 100.5 / 255, np.float32)
    assert makes_bytes(made, np.float32([[[[100, 101]]]]) / 255)
    assert not makes_bytes(made, np.float32([[[[99, 101]]]]) / 255)
    assert makes_bytes(made + np.float32(0.4 / 255), np.float32([[[[100, 100]]]]) / 255)


def test_what_pillow_darkens_after_its_channels_were_swapped_is_named_by_its_factor():
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (30, 8, 8, 3)).astype(np.uint8)
    pictures = [Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC) for one in coarse]
    darker = [ImageEnhance.Brightness(one).enhance(0.6) for one in pictures]
    before, after = (np.stack([np.moveaxis(np.asarray(one), 2, 0) for one in some]) for some in (pictures, darker))
    verdict = shiftassay.diagnose(before, after[:, ::-1]).verdict
    assert [part["family"] for part in verdict.parameters["parts"]] == ["channel_order", "gain"]
    assert verdict.parameters["parts"][1]["parameters"]["factor"] == 0.6


def test_what_is_drawn_for_each_image_has_no_round_number(levels):
    each = parse("gain:factor=0.5..0.9,scope=per_image")
    pairs = as_pairs(levels, np.rint(255 * each.apply(levels.astype(np.float32) / 255, np.random.default_rng(0))))
    assert with_round_numbers(each.infer_draws(pairs), pairs) is None
