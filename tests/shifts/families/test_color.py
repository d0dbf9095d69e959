"""Shifts of colours beside what Pillow, OpenCV and scikit-image make, and what is estimated from it."""

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from shiftassay.diagnosis.summary import summarized
from shiftassay.shifts.catalog import make, parse
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.normalizations import known_change
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.wording import in_words

IMAGENET = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))
CIFAR = (np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616]))


def applied(text: str, images: np.ndarray) -> np.ndarray:
    return parse(text).apply(images, np.random.default_rng(0))


def pictures(images: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(np.rint(255 * one).astype(np.uint8).transpose(1, 2, 0)) for one in images]


def as_floats(made: list[Image.Image]) -> np.ndarray:
    return (np.stack([np.asarray(one.convert("RGB")) for one in made]).transpose(0, 3, 1, 2) / 255).astype(np.float32)


@pytest.fixture(scope="module")
def colors(clothes) -> np.ndarray:
    """Pictures of three channels that tell nothing of each other, in bytes."""
    three = np.concatenate([clothes[:100], clothes[100:], 0.9 * np.roll(clothes[:100], 17, 0)], 1)
    return (np.rint(255 * three) / 255).astype(np.float32)


def normalized(images: np.ndarray, of: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return ((images - of[0][:, None, None]) / of[1][:, None, None]).astype(np.float32)


def test_hue_turns_as_the_colour_wheel_of_the_standard_library(rng):
    images = rng.random((1, 3, 1, 50)).astype(np.float32)
    turned = applied("hue:angle=70", images)
    for before, after in zip(images[0, :, 0].T, turned[0, :, 0].T, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before.astype(float))
        assert after == pytest.approx(colorsys.hsv_to_rgb((hue + 70 / 360) % 1, saturation, value), abs=1e-5)


@pytest.mark.parametrize("factor", [0.3, 1.7])
def test_saturation_and_grey_are_pillows(colors, factor):
    by_pillow = as_floats([ImageEnhance.Color(one).enhance(factor) for one in pictures(colors)])
    assert np.abs(applied(f"saturation:factor={factor}", colors) - by_pillow).max() < 2.1 / 255
    (shift,) = FAMILIES["saturation"].estimate(Pairs(colors, by_pillow))
    assert shift.parameters["factor"] == pytest.approx(factor, abs=0.01)
    gray = as_floats([one.convert("L") for one in pictures(colors)])
    assert np.abs(applied("grayscale:weights=[0.299,0.587,0.114]", colors) - gray).max() < 1.01 / 255
    (shift,) = FAMILIES["grayscale"].estimate(Pairs(colors, gray))
    assert shift == make("grayscale", {"weights": [0.299, 0.587, 0.114]})
    assert str(shift).endswith(": BT.601")


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (None, IMAGENET, "normalized as ImageNet"),
        (IMAGENET, None, "not normalized as ImageNet"),
        (CIFAR, IMAGENET, "normalized as ImageNet, not as CIFAR-10"),
    ],
)
def test_a_normalization_is_known_by_its_numbers(colors, before, after, name):
    sides = [colors if of is None else normalized(colors, of) for of in (before, after)]
    (shift,) = FAMILIES["channel_rescale"].estimate(Pairs(sides[0], sides[1]))
    assert name in str(shift)
    assert in_words(summarized(shift)).count(name) == 1
    scale = np.divide(1 if before is None else before[1], 1 if after is None else after[1])
    assert np.allclose(shift.parameters["scale"], scale, rtol=1e-3)


def test_mean_and_sd_of_the_other_unit_are_known():
    scale, offset = 1 / 255, (0.1307 - 0.1307 * 255) / (0.3081 * 255)
    assert known_change([scale], [offset]) == "normalized as MNIST (mean and sd times 255), not as MNIST"
    assert known_change([1.3, 1.0, 0.8], [0.0, 0.0, 0.0]) is None


def test_white_balance_is_estimated_beneath_what_was_cut_off(colors):
    shifted = np.clip(colors * np.array([1.6, 1.0, 0.7], np.float32)[:, None, None], 0, 1)
    (shift,) = FAMILIES["channel_rescale"].estimate(Pairs(colors, shifted))
    assert shift.parameters["scale"] == pytest.approx([1.6, 1.0, 0.7], abs=1e-3)
    assert shift.parameters["clip"] is True


def test_mixed_channels_come_apart_where_simpler_shifts_make_them(colors):
    sets = {
        "channel_order + channel_rescale": normalized(colors[:, ::-1], IMAGENET),
        "grayscale + channel_rescale": normalized(applied("grayscale:weights=[0.114,0.587,0.299]", colors), IMAGENET),
        "channel_order + saturation": applied("saturation:factor=0.4", colors[:, ::-1]),
        "saturation + channel_rescale": normalized(applied("saturation:factor=1.6", colors), IMAGENET),
        "color_matrix": applied(f"color_matrix:{FAMILIES['color_matrix'].example}", colors),
    }
    for families, shifted in sets.items():
        (shift,) = FAMILIES["color_matrix"].estimate(Pairs(colors, np.ascontiguousarray(shifted)))
        assert " + ".join(part.family for part in shift.components) == families
        assert np.abs(shift.apply(colors, np.random.default_rng(0)) - shifted).max() < 2e-3


@pytest.mark.parametrize(
    ("given", "simpler"),
    [
        ("saturation:factor=0", "grayscale:weights=[0.299,0.587,0.114]"),
        ("hue:angle=120", "channel_order:order=[2,0,1]"),
        ("hue:angle=-480", "channel_order:order=[1,2,0]"),
        ("channel_rescale:scale=[2,2,2],offset=[-1,-1,-1]", "rescale:scale=2,offset=-1"),
        ("channel_rescale:scale=[0.5,0.5,0.5]", "gain:factor=0.5"),
        ("color_matrix:matrix=[[0,0,1],[0,1,0],[1,0,0]]", "channel_order:order=[2,1,0]"),
        ("color_matrix:matrix=[[2,0,0],[0,1,0],[0,0,1]],clip=false", "channel_rescale:scale=[2,1,1]"),
    ],
)
def test_a_shift_that_is_a_simpler_one_gives_way(colors, given, simpler):
    assert in_normal_form(parse(given)) == parse(simpler)
    assert np.abs(applied(given, colors) - applied(simpler, colors)).max() < 1e-5


def test_other_changes_are_none_of_colours(colors, rng):
    others = {
        "gain": 0.6 * colors,
        "noise": np.clip(colors + rng.normal(0, 0.1, colors.shape), 0, 1),
        "flip": colors[..., ::-1],
        "grey pictures": np.repeat(colors[:, :1], 3, 1),
    }
    names = ("channel_rescale", "grayscale", "saturation", "hue", "color_matrix")
    for name, shifted in others.items():
        reference = np.repeat(colors[:, :1] ** 2, 3, 1) if name == "grey pictures" else colors
        pairs = Pairs(reference, np.ascontiguousarray(shifted, np.float32))
        assert [family for family in names if FAMILIES[family].estimate(pairs)] == [], name
    one = Pairs(colors[:, :1], 0.5 * colors[:, :1])
    assert [family for family in names if FAMILIES[family].estimate(one)] == []


def test_an_order_that_changes_nothing_is_dropped():
    parts = (parse("channel_order:order=[0,1,2]"), parse("saturation:factor=0.5"))
    assert in_normal_form(Compose(parts)) == parts[1]
