"""Sets of two sizes, or of grey and colour: how one became the other is found, and the rest diagnosed at one size."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from shiftassay import diagnose
from shiftassay.diagnosis.channels import with_same_channels
from shiftassay.diagnosis.inputs import check_sets
from shiftassay.diagnosis.one_size import at_one_size
from shiftassay.diagnosis.pictures import pictures
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet


@pytest.fixture(scope="module")
def scenes() -> np.ndarray:
    """Sixty colour pictures of 48 × 72 in bytes, channels last."""
    rng = np.random.default_rng(5)
    coarse = gaussian_filter(rng.standard_normal((60, 48, 72, 3)), (0, 3, 3, 0)) * 8
    fine = gaussian_filter(rng.standard_normal((60, 48, 72, 3)), (0, 0.7, 0.7, 0))
    return np.clip(127 + 50 * (coarse + fine), 0, 255).astype(np.uint8)


def channels_first(pictures: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pictures, 3, 1))


def resized_and_cropped(picture: np.ndarray) -> np.ndarray:
    """The shorter side to 36 pixels, then 32 × 32 at the centre, by Pillow."""
    return np.asarray(Image.fromarray(picture).resize((54, 36), Image.Resampling.BILINEAR).crop((11, 2, 43, 34)))


def as_set(images: np.ndarray, name: str, **fields) -> ImageSet:
    return ImageSet((images / 255).astype(np.float32), None, name, **fields)


@pytest.fixture(scope="module")
def cropped(scenes) -> np.ndarray:
    return np.stack([resized_and_cropped(picture) for picture in scenes])


def test_the_resize_and_the_crop_are_the_verdict(scenes, cropped):
    diagnosis = diagnose(channels_first(scenes), channels_first(cropped))
    parts = diagnosis.verdict.parts
    assert [part.family for part in parts] == ["stretch", "crop"]
    assert parts[0].parameters["factors"] == [54 / 72, 36 / 48]
    assert parts[1].parameters == {"box": [11, 2, 43, 34]}
    assert "were resized to 36 on the shorter side (bilinear, antialiased) and cropped to 32 × 32 at the centre" in (
        diagnosis.explanation
    )
    assert any("shown to a model at that size" in note for note in diagnosis.notes)


def test_what_else_changed_follows_the_framing(scenes, cropped):
    darker = np.rint(255 * (cropped / 255) ** 1.7).astype(np.uint8)
    diagnosis = diagnose(channels_first(scenes), channels_first(darker))
    assert [part.family for part in diagnosis.verdict.parts] == ["stretch", "crop", "gamma"]
    assert diagnosis.verdict.parts[2].parameters["exponent"] == pytest.approx(1.7, abs=0.02)
    again = Diagnosis.from_json(json.loads(json.dumps(diagnosis.to_json())))
    assert again.framing == diagnosis.framing
    assert str(again.beside_framing) == str(diagnosis.beside_framing)
    shown = pictures(as_set(channels_first(scenes), "reference"), as_set(channels_first(darker), "shifted"), diagnosis)
    assert shown.residual is not None
    assert np.abs(shown.residual).max() < 3 / 255


def test_another_implementation_of_the_kernel_is_the_framing_alone(scenes):
    shifted = np.stack([cv2.resize(picture, (40, 30)) for picture in scenes])
    diagnosis = diagnose(channels_first(scenes), channels_first(shifted))
    assert diagnosis.verdict.family == "stretch"
    assert diagnosis.verdict.parameters["antialias"] is False
    assert any("other implementations of the same kernel" in note for note in diagnosis.notes)


def test_pictures_in_another_order_are_paired_by_content_or_by_name(scenes, cropped):
    order = np.random.default_rng(2).permutation(60)
    names = tuple(f"{place:02}.png" for place in range(60))
    before = as_set(channels_first(scenes), "reference")
    after = as_set(channels_first(cropped[order]), "shifted")
    for sets in (
        (before, after),
        (
            ImageSet(before.images, names=names),
            ImageSet(after.images, names=tuple(names[place] for place in order)),
        ),
    ):
        framing = at_one_size(*sets).framing
        assert framing is not None
        assert (framing.resized, framing.place) == ((36, 54), (-11, -2))


def test_pictures_that_do_not_belong_together_are_refused_with_both_sizes(scenes, rng):
    strangers = np.clip(127 + 40 * gaussian_filter(rng.standard_normal((60, 3, 32, 32)), (0, 0, 1, 1)) * 3, 0, 255)
    with pytest.raises(BadInput, match="are 32 × 32, those of reference 48 × 72, and no resize, crop"):
        at_one_size(as_set(channels_first(scenes), "reference"), as_set(strangers, "strangers"))


def test_sets_of_one_size_are_left_alone(scenes):
    before = as_set(channels_first(scenes), "reference")
    one = at_one_size(before, before)
    assert one.reference is before
    assert (one.framing, one.notes, one.sentence) == (None, (), "")


def test_one_of_three_equal_channels_is_compared_with_grey(scenes):
    gray = scenes[..., :1]
    sides = as_set(channels_first(gray), "grey"), as_set(channels_first(np.repeat(gray, 3, 3)), "copies")
    before, after, notes = with_same_channels(*sides)
    assert np.array_equal(before.images, after.images)
    assert "its three channels are equal" in notes[0]


def test_a_grey_reference_is_repeated_beside_colour(scenes):
    before, after, notes = with_same_channels(
        as_set(channels_first(scenes[..., :1]), "grey"), as_set(channels_first(scenes), "colour")
    )
    assert before.shape == after.shape == (3, 48, 72)
    assert "repeated three times" in notes[0]


def test_colour_beside_grey_becomes_pillows_luma(scenes):
    gray = np.stack([np.asarray(Image.fromarray(picture).convert("L")) for picture in scenes])[:, None]
    before, after, notes = with_same_channels(as_set(channels_first(scenes), "colour"), as_set(gray, "grey"))
    assert np.abs(before.images - after.images).max() < 1.01 / 255
    assert "BT.601" in notes[0]


@pytest.mark.parametrize("alpha", [255, 100])
def test_alpha_is_left_out_or_laid_on_white(scenes, alpha):
    rgba = np.concatenate([scenes, np.full((*scenes.shape[:3], 1), alpha, np.uint8)], 3)
    on_white = []
    for picture in rgba:
        white = Image.new("RGBA", (72, 48), "white")
        white.alpha_composite(Image.fromarray(picture))
        on_white.append(np.asarray(white.convert("RGB")))
    _, after, notes = with_same_channels(
        as_set(channels_first(scenes), "colour"), as_set(channels_first(rgba), "with alpha")
    )
    assert np.abs(255 * np.moveaxis(after.images, 1, 3) - np.stack(on_white)).max() < 1.6
    assert ("opaque everywhere" if alpha == 255 else "laid on white") in notes[0]


def test_what_can_not_be_two_sizes_still_asks_for_one(scenes, cropped):
    with pytest.raises(BadInput, match="Only a diagnosis takes both as they are"):
        check_sets(channels_first(scenes), channels_first(cropped))
