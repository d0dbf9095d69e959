"""What every registered family must keep, by its own example and those here: a new family needs no test of its own."""

import contextlib
import dataclasses
import json
from time import process_time

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import from_json, generator, make, parse, presets
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Context

EXAMPLES: dict[str, list[str]] = {
    "identity": ["identity"],
    "invert": ["invert"],
    "gain": ["gain:factor=0.4", "gain:factor=2", "gain:factor=2,clip=true", "gain:factor=0.5..0.9,scope=per_image"],
    "offset": ["offset:amount=0.3", "offset:amount=-0.2..0.2,scope=per_image"],
    "gamma": ["gamma:exponent=0.5", "gamma:exponent=3", "gamma:exponent=0.5..2,scope=per_image"],
    "threshold": ["threshold:level=0.5", "threshold:level=0.2..0.8,scope=per_image"],
    "quantize": ["quantize:levels=4", "quantize:levels=2|16,scope=per_image"],
    "rescale": [
        "rescale:scale=255",
        "rescale:scale=3.2,offset=-0.42",
        "rescale:scale=1..2,offset=0..1,scope=per_image",
    ],
    "gaussian_noise": ["gaussian_noise:sd=0.2", "gaussian_noise:sd=0.2,clip=false", "gaussian_noise:sd=0..0.3"],
    "uniform_noise": ["uniform_noise:half_width=0.3", "uniform_noise:half_width=0.1|0.3,clip=false"],
    "sign_noise": ["sign_noise:epsilon=0.1", "sign_noise:epsilon=0.1,clip=false"],
    "impulse_noise": ["impulse_noise:fraction=0.1", "impulse_noise:fraction=0.05..0.4"],
    "speckle_noise": ["speckle_noise:sd=0.3", "speckle_noise:sd=0.3,clip=false"],
    "shot_noise": ["shot_noise:photons=12", "shot_noise:photons=3,clip=false", "shot_noise:photons=3..60"],
    "fixed_pattern": ["fixed_pattern:sd=0.2", "fixed_pattern:sd=0.2,clip=false"],
    "adversarial": ["adversarial:epsilon=0.1", "adversarial:epsilon=1,norm=l2"],
    "translate": ["translate:dx=2,dy=-1", "translate:dx=0.5", "translate:dx=-3|3,dy=-3|3,scope=per_image"],
    "roll": ["roll:dx=5", "roll:dx=-9,dy=40", "roll:dx=-4..4,dy=-2|2,scope=per_image"],
    "rotate": [f"rotate:angle={a}" for a in (90, -180, 15)]
    + [f"rotate:angle={a},scope=per_image" for a in ("-45..45", "-15|15", "90|180")],
    "scale": ["scale:factor=0.7", "scale:factor=1.3", "scale:factor=0.5..1,scope=per_image"],
    "shear": ["shear:factor=0.3", "shear:factor=-0.4|0.4,scope=per_image"],
    "affine": [
        "affine:matrix=[[1.1,0.2,1],[-0.1,0.9,-2]]",
        "affine:matrix=[[1,0.2,0],[0,1,0]]|[[1,-0.2,0],[0,1,0]],scope=per_image",
    ],
    "flip_horizontal": ["flip_horizontal"],
    "flip_vertical": ["flip_vertical"],
    "transpose": ["transpose"],
    "perspective": [
        "perspective:corners=[[3,2],[-1,0],[0,0],[2,-4]]",
        "perspective:corners=[[3,0],[-3,0],[0,0],[0,0]]|[[0,0],[0,0],[-3,0],[3,0]],scope=per_image",
    ],
    "elastic": ["elastic:amplitude=1", "elastic:amplitude=1.5,smoothness=3,scope=per_image"],
    "gaussian_blur": ["gaussian_blur:sd=1", "gaussian_blur:sd=0.5..2,scope=per_image"],
    "defocus_blur": ["defocus_blur:radius=2.5", "defocus_blur:radius=1|2,scope=per_image"],
    "motion_blur": [
        "motion_blur:length=7,angle=30",
        "motion_blur:length=5..9,angle=0..180,scope=per_image",
        "motion_blur:length=9,angle=180,fading=3",
    ],
    "glass_blur": ["glass_blur:sd=0.7", "glass_blur:sd=1,reach=6,rounds=1"],
    "pixelate": ["pixelate:factor=4", "pixelate:factor=5"],
    "jpeg": ["jpeg:quality=20", "jpeg:quality=10..60,scope=per_image"],
    "occlusion": [
        "occlusion:top=5,left=8,height=10,width=6,fill=0.5",
        "occlusion:top=0..20,left=0..20,height=8,width=4|8,scope=per_image",
    ],
    "stripe": ["stripe:columns=[0,1,2,25,26,27]"],
    "pixel_dropout": ["pixel_dropout:fraction=0.3", "pixel_dropout:fraction=0..0.5"],
    "spatter": ["spatter:coverage=0.4"],
    "dotted_line": ["dotted_line", "dotted_line:width=4,dash=3"],
    "zigzag": ["zigzag", "zigzag:step=3,height=1,width=1.5"],
    "fog": ["fog:amount=2", "fog:amount=1,decay=4"],
    "canny_edges": ["canny_edges", "canny_edges:sd=0.7,low=0.5,high=1"],
    "pixel_permutation": ["pixel_permutation", "pixel_permutation:scope=per_image"],
    "block_permutation": ["block_permutation:block=4", "block_permutation:block=4,scope=per_image"],
    "row_permutation": ["row_permutation", "row_permutation:scope=per_image"],
    "column_permutation": ["column_permutation", "column_permutation:scope=per_image"],
    "phase_scramble": ["phase_scramble", "phase_scramble:scope=per_image"],
    "stretch": [
        "stretch:factors=[2,1.5],kernel=bicubic",
        "stretch:factors=[0.7,0.5],antialias=false",
        "stretch:factors=[0.7,1.2],kernel=area",
        "stretch:factors=[0.5,0.5],kernel=nearest_floor",
    ],
    "crop": ["crop:box=[0,0,19,12]"],
    "letterbox": ["letterbox:box=[3,2,13,22],size=[24,16],fill=0.5,kernel=lanczos"],
    "channel_rescale": [
        "channel_rescale:scale=[1.2,1,0.8],clip=true",
        "channel_rescale:scale=[-1,2,0.5],offset=[1,0.1,0]",
    ],
    "grayscale": ["grayscale:weights=[1,0,0]"],
    "saturation": ["saturation:factor=1.6", "saturation:factor=0.2..0.9,scope=per_image"],
    "hue": ["hue:angle=-150", "hue:angle=-40..40,scope=per_image"],
    "color_matrix": ["color_matrix:matrix=[[1,0.2,0],[0.1,1,0],[0,0.3,1]],offset=[0.1,0,0],clip=false"],
    "reorder": ["reorder"],
    "class_prior": ["class_prior:proportions=[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1]"],
    "label_permutation": ["label_permutation:mapping=[1,2,3,4,5,6,7,8,9,0]"],
    "label_noise": ["label_noise:fraction=0.2"],
    "label_misalignment": ["label_misalignment:offset=1", "label_misalignment"],
    "compose": [
        "rotate:angle=90+pixel_permutation+gain:factor=0.5",
        "translate:dx=-2|2,scope=per_image+gaussian_noise:sd=0.1",
        "mnist_c:scale+invert",
    ],
}
OWN = {name: [f"{name}:{FAMILIES[name].example}".rstrip(":")] for name in FAMILIES if name != "compose"}
ALL = [
    pytest.param(parse(text), id=text)
    for name in FAMILIES
    for text in dict.fromkeys(OWN.get(name, []) + EXAMPLES.get(name, []))
]
ALL += [pytest.param(shift, id=name) for name, shift in presets().items()]
SAME_SIZE = parse("letterbox:box=[0,4,28,24],size=[28,28]")  # the one example that leaves digits their size
# What changes labels, or which images there are, has tests of its own.
SHIFTS = [p for p in ALL if p.values[0].group != "sample"]


def pictures(shift, digits):
    """The digits; for a family of colours, each in three channels of its own brightness."""
    if shift.group != "colour":
        return digits
    return dataclasses.replace(digits, images=np.concatenate([np.float32(f) * digits.images for f in (1, 0.7, 0.4)], 1))


@pytest.fixture(scope="module")
def context(digits):
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32))
    return Context(digits.labels, lambda images: images.flatten(1) @ weights)


@pytest.mark.parametrize("shift", SHIFTS)
def test_shape_and_type_are_kept_and_the_input_is_not_touched(shift, digits, context):
    digits = pictures(shift, digits)
    before = digits.images.copy()
    shifted = catalog.shift(digits, shift, 0, context)
    assert shifted.images.shape[:2] == digits.images.shape[:2]
    assert (shifted.images.shape == digits.images.shape) == (shift.group != "framing" or shift == SAME_SIZE)
    assert shifted.images.dtype == np.float32
    assert np.array_equal(digits.images, before)
    assert np.array_equal(shifted.labels, digits.labels)


@pytest.mark.parametrize("shift", SHIFTS)
def test_values_stay_in_range_unless_the_family_says_otherwise(shift, digits, context):
    digits = pictures(shift, digits)
    shifted = catalog.shift(digits, shift, 0, context).images
    if getattr(shift, "clip", True):
        assert shifted.min() >= 0
        assert shifted.max() <= 1


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_same_seed_gives_the_same_images_and_another_seed_others_where_anything_is_drawn(shift, digits, context):
    digits = pictures(shift, digits)
    one, again, other = (catalog.shift(digits, shift, seed, context).images for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    parts = shift.parts if isinstance(shift, Compose) else [shift]
    drawn = any(
        part.scope == "per_image" or part.realize(digits.shape, np.random.default_rng(0)) != part for part in parts
    )
    assert np.array_equal(one, other) != drawn


@pytest.mark.parametrize("shift", SHIFTS)
def test_shifting_commutes_with_taking_the_first_images(shift, digits, context):
    digits = pictures(shift, digits)
    first = dataclasses.replace(digits, images=digits.images[:50], labels=digits.labels[:50])
    fewer = Context(context.labels[:50], context.logits)
    whole, part = catalog.shift(digits, shift, 3, context).images[:50], catalog.shift(first, shift, 3, fewer).images
    assert np.allclose(whole, part, atol=1e-6)


@pytest.mark.parametrize("shift", [p for p in ALL if p.values[0].information == "preserved"])
def test_undo_is_exact_where_information_is_said_to_be_preserved(shift, digits, context):
    digits = pictures(shift, digits)
    fixed = shift.realize(digits.shape, generator(shift, 0, "shared"))
    shifted = fixed.apply(digits.images, generator(shift, 0, "per_image"), context)
    undone = fixed.undo(shifted, generator(shift, 0, "per_image"))
    assert undone is not None
    assert np.abs(undone - digits.images).max() < 1e-4


@pytest.mark.parametrize("shift", ALL)
def test_a_shift_is_rebuilt_from_its_json(shift):
    assert from_json(json.loads(json.dumps(shift.to_json()))) == shift


@pytest.mark.parametrize("shift", [p for p in SHIFTS if p.values[0].family not in ("adversarial", "stripe")])
def test_pictures_of_another_size_with_three_channels_can_be_shifted_too(shift, rng):
    shape = (20, 20) if shift.family == "transpose" else (12, 20)
    shifted = catalog.shift(ImageSet(rng.random((3, 3, *shape)).astype(np.float32)), shift)
    assert shifted.images.shape[:2] == (3, 3)
    assert (shifted.images.shape[2:] == shape) == (shift.group != "framing")
    assert np.isfinite(shifted.images).all()


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


def test_other_words_for_a_family_lead_to_its_name():
    with pytest.raises(BadInput, match="Did you mean 'gain'"):
        make("brightness")
    words = [word for name in FAMILIES for word in FAMILIES[name].also_called]
    assert len(words) == len({*words} - {*FAMILIES})


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "compose"])
def test_the_example_of_a_family_is_one(name):
    assert parse(f"{name}:{FAMILIES[name].example}").family == name


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "compose"])
def test_a_huge_number_is_refused_or_takes_no_longer(name):
    shift = parse(f"{name}:{FAMILIES[name].example}")
    images = np.random.default_rng(0).random((2, 3, 28, 28), np.float32)
    for field in dataclasses.fields(shift):
        if type(getattr(shift, field.name)) in (int, float):
            with contextlib.suppress(BadInput):
                huge = dataclasses.replace(shift, **{field.name: type(getattr(shift, field.name))(1e9)})
                began = process_time()
                huge.apply(images, np.random.default_rng(0))
                assert process_time() - began < 5


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
        catalog.shift(digits, text)


def test_a_range_may_be_written_as_text():
    assert make("rotate", {"angle": "-30..30"}) == make("rotate", {"angle": {"low": -30, "high": 30}})
