"""The contract of every registered family. A new family is tested here by being registered; its example stands in EXAMPLES."""

import dataclasses

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.shifts.catalogue import generator, make, shift
from shiftassay.shifts.family import FAMILIES, Context, Shift

EXAMPLES: dict[str, list[Shift]] = {
    "identity": [make("identity")],
    "gain": [
        make("gain", {"factor": 0.4}),
        make("gain", {"factor": 2.0}),
        make("gain", {"factor": {"low": 0.5, "high": 0.9}}, "per_image"),
    ],
    "offset": [make("offset", {"amount": 0.3}), make("offset", {"amount": {"low": -0.2, "high": 0.2}}, "per_image")],
    "rotate": [make("rotate", {"angle": a}) for a in (90, -180, 15.0)]
    + [make("rotate", {"angle": {"low": -45, "high": 45}}, "per_image")],
    "pixel_permutation": [make("pixel_permutation"), make("pixel_permutation", scope="per_image")],
    "sign_noise": [make("sign_noise", {"epsilon": 0.1}), make("sign_noise", {"epsilon": 0.1, "clip": False})],
    "adversarial": [make("adversarial", {"epsilon": 0.1}), make("adversarial", {"epsilon": 1.0, "norm": "l2"})],
}
SHIFTS = [pytest.param(how, id=str(how)) for examples in EXAMPLES.values() for how in examples]


@pytest.fixture(scope="module")
def context(digits):
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32))
    return Context(digits.labels, lambda images: images.flatten(1) @ weights)


def test_every_family_has_examples():
    assert set(EXAMPLES) == set(FAMILIES)


@pytest.mark.parametrize("how", SHIFTS)
def test_shape_and_type_are_kept_and_the_input_is_not_touched(how, digits, context):
    before = digits.images.copy()
    shifted = shift(digits, how, 0, context)
    assert shifted.images.shape == digits.images.shape
    assert shifted.images.dtype == np.float32
    assert np.array_equal(digits.images, before)
    assert np.array_equal(shifted.labels, digits.labels)


@pytest.mark.parametrize("how", SHIFTS)
def test_values_stay_in_range_unless_the_family_says_otherwise(how, digits, context):
    shifted = shift(digits, how, 0, context).images
    if getattr(how, "clip", True):
        assert shifted.min() >= 0
        assert shifted.max() <= 1


@pytest.mark.parametrize("how", SHIFTS)
def test_the_same_seed_gives_the_same_images_and_another_seed_others_where_anything_is_drawn(how, digits, context):
    one, again, other = (shift(digits, how, seed, context).images for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    drawn = how.scope == "per_image" or how.family == "pixel_permutation"
    assert np.array_equal(one, other) != drawn


@pytest.mark.parametrize("how", SHIFTS)
def test_shifting_commutes_with_taking_the_first_images(how, digits, context):
    first = dataclasses.replace(digits, images=digits.images[:50], labels=digits.labels[:50])
    fewer = Context(context.labels[:50], context.logits)
    whole, part = shift(digits, how, 3, context).images[:50], shift(first, how, 3, fewer).images
    assert np.allclose(whole, part, atol=1e-6)


@pytest.mark.parametrize("how", SHIFTS)
def test_undo_is_exact_where_information_is_said_to_be_preserved(how, digits, context):
    if how.information != "preserved":
        pytest.skip("nothing is claimed")
    fixed = how.drawn(digits.shape, generator(how, 0, "shared"))
    shifted = fixed.apply(digits.images, generator(how, 0, "per_image"), context)
    undone = fixed.undo(shifted, generator(how, 0, "per_image"))
    assert undone is not None
    assert np.abs(undone - digits.images).max() < 1e-4


@pytest.mark.parametrize("how", SHIFTS)
def test_a_shift_is_rebuilt_from_its_json(how):
    assert make(how.family, how.parameters, how.scope) == how


@pytest.mark.parametrize("name", list(FAMILIES))
def test_every_family_is_documented(name):
    cls = FAMILIES[name]
    assert cls.family == name
    assert cls.__doc__
    assert cls.why.endswith(".")
    assert len(cls.why) > 20
    assert cls.group


def test_an_unknown_family_and_an_unknown_parameter_name_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'rotate'"):
        make("rotat")
    with pytest.raises(BadInput, match="Did you mean 'angle'"):
        make("rotate", {"angel": 3})


def test_a_missing_parameter_and_a_scope_that_makes_no_sense_are_refused():
    with pytest.raises(BadInput, match="needs angle"):
        make("rotate")
    with pytest.raises(BadInput, match="scope is per_image"):
        make("sign_noise", {"epsilon": 0.1}, "shared")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gain:factor=nan", "finite"),
        ("rotate:angle=inf", "finite"),
        ("rotate:angle=0..inf", "finite"),
        ("gain:factor=2..1", "backwards"),
        ("gain:factor=0.4,factor=0.5", "given twice"),
        ("sign_noise:epsilon=1e40,clip=false", "NaN or infinity"),
    ],
)
def test_numbers_that_make_no_image_are_refused(text, message, digits):
    with pytest.raises(BadInput, match=message), np.errstate(all="ignore"):
        shift(digits, text)


def test_a_range_may_be_written_as_text():
    assert make("rotate", {"angle": "-30..30"}) == make("rotate", {"angle": {"low": -30, "high": 30}})
