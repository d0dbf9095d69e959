"""Resizes, crops and frames: equal to what Pillow, OpenCV and torch make."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.transform import resize

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import from_json, parse
from shiftassay.shifts.families.framing import Crop, Letterbox, Stretch
from shiftassay.shifts.framing import Framing

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Smooth colour pictures of 40 × 61 in bytes, channels last."""
    coarse = np.random.default_rng(3).integers(0, 256, (4, 10, 15, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((61, 40), Image.Resampling.BICUBIC)) for one in coarse])


def as_images(pictures: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pictures, 3, 1), np.float32) / 255


def as_pictures(images: np.ndarray) -> np.ndarray:
    return np.rint(np.moveaxis(images, 1, 3) * 255).astype(int)


@pytest.mark.parametrize("size", [(20, 30), (57, 13), (80, 122)])
@pytest.mark.parametrize("kernel", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_a_stretch_of_bytes_is_pillows_to_the_byte(pictures, kernel, size):
    made = [np.asarray(Image.fromarray(p).resize(size[::-1], Image.Resampling[kernel.upper()])) for p in pictures]
    stretch = Stretch((size[1] / 61, size[0] / 40), kernel)
    assert np.array_equal(as_pictures(stretch.apply(as_images(pictures), RNG)), np.stack(made))


@pytest.mark.parametrize(
    ("kernel", "antialias", "flag"),
    [
        ("bilinear", False, cv2.INTER_LINEAR),
        ("bicubic", False, cv2.INTER_CUBIC),
        ("area", True, cv2.INTER_AREA),
        ("nearest_floor", False, cv2.INTER_NEAREST),
    ],
)
def test_a_stretch_without_antialiasing_is_opencvs_up_to_rounding(pictures, kernel, antialias, flag):
    made = np.stack([cv2.resize(p, (30, 17), interpolation=flag) for p in pictures]).astype(int)
    stretched = as_pictures(Stretch((30 / 61, 17 / 40), kernel, antialias).apply(as_images(pictures), RNG))
    assert np.abs(stretched - made).max() <= 1


def test_a_stretch_after_a_gaussian_is_scikit_images(pictures):
    made = np.stack([np.asarray(resize(p, (17, 30), order=1, anti_aliasing=True)) for p in pictures])
    stretched = Stretch((30 / 61, 17 / 40), "gaussian").apply(as_images(pictures), RNG)
    assert np.abs(np.moveaxis(stretched, 1, 3) - made).max() <= 1 / 255


def test_a_stretch_of_floats_is_torchs(pictures):
    images = as_images(pictures) * 0.97 + 0.011
    made = torch.nn.functional.interpolate(
        torch.from_numpy(images), (19, 27), mode="bilinear", align_corners=False, antialias=True
    ).numpy()
    assert np.abs(Stretch((27 / 61, 19 / 40)).apply(images, RNG) - made).max() < 1e-5


def test_values_beyond_white_are_kept_where_the_images_have_them():
    images = np.linspace(-2, 3, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    assert Stretch((2.0, 2.0)).apply(images, RNG).max() == pytest.approx(3)


def test_a_stretch_is_stretched_back_to_the_size_that_it_had(pictures):
    stretch = Stretch((23 / 61, 17 / 40))
    assert stretch.undo(stretch.apply(as_images(pictures), RNG), RNG).shape == (4, 3, 40, 61)


def test_a_crop_is_pillows(pictures):
    made = [np.asarray(Image.fromarray(p).crop((5, 2, 40, 39))) for p in pictures]
    assert np.array_equal(as_pictures(Crop((5, 2, 40, 39)).apply(as_images(pictures), RNG)), np.stack(made))


def test_a_letterbox_is_the_picture_in_a_frame_of_one_colour(pictures):
    fill = (10, 20, 30)
    expected = []
    for picture in pictures:
        frame = Image.new("RGB", (32, 32), fill)
        frame.paste(Image.fromarray(picture).resize((32, 21)), (0, 5))
        expected.append(np.asarray(frame))
    shift = Letterbox((0, 5, 32, 26), (32, 32), tuple(v / 255 for v in fill), "bicubic")
    assert np.array_equal(as_pictures(shift.apply(as_images(pictures), RNG)), np.stack(expected))


def test_padding_is_undone_exactly(pictures):
    padded = Letterbox((3, 4, 64, 44), (50, 70), 0.5)
    images = as_images(pictures)
    assert np.array_equal(padded.undo(padded.apply(images, RNG), RNG), images)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stretch:factors=[0,1]", "above 0"),
        ("stretch:factors=[0.5,0.5],kernel=lanczos,antialias=false", "lanczos always smooths"),
        ("crop:box=[4,0,4,9]", "is empty"),
        ("crop:box=[-1,0,4,9]", "begins outside"),
        ("letterbox:box=[0,0,30,9],size=[28,28]", "reaches beyond the frame of 28 × 28"),
    ],
)
def test_what_makes_no_picture_is_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parse(text)


def test_a_box_beyond_the_picture_and_colours_of_other_channels_are_refused(pictures):
    with pytest.raises(BadInput, match="beyond the picture of 40 × 61"):
        Crop((0, 0, 62, 4)).apply(as_images(pictures), RNG)
    with pytest.raises(BadInput, match="fill has 2 values, the images have 3 channels"):
        Letterbox((0, 0, 9, 9), (9, 12), (0.0, 1.0)).apply(as_images(pictures), RNG)
    with pytest.raises(BadInput, match="nothing is left of 40 × 61"):
        Stretch((0.001, 1.0)).apply(as_images(pictures), RNG)


def test_sets_of_one_size_never_try_them(pictures):
    from shiftassay.shifts.estimation.pairs import Pairs

    pairs = Pairs(as_images(pictures), as_images(pictures[::-1]))
    assert [family.estimate(pairs) for family in (Stretch, Crop, Letterbox)] == [[], [], []]


def test_each_takes_the_framings_that_it_makes_alone():
    whole = (0, 0, 61, 40)
    stretch = Framing((40, 61), whole, (20, 20), (0, 0), (20, 20), "area")
    crop = Framing((40, 61), whole, (40, 61), (-4, -3), (30, 30))
    padding = Framing((40, 61), whole, (40, 61), (4, 3), (50, 80))
    assert Stretch.of_framing(stretch) == Stretch((20 / 61, 0.5), "area")
    assert Crop.of_framing(crop) == Crop((4, 3, 34, 33))
    assert Letterbox.of_framing(padding) == Letterbox((4, 3, 65, 43), (50, 80))
    assert [Stretch.of_framing(crop), Crop.of_framing(padding), Letterbox.of_framing(stretch)] == [None] * 3


def test_a_fill_is_read_back_from_json():
    shift = Letterbox((0, 5, 32, 26), (32, 32), (0.25, 0.5, 1.0))
    assert from_json(shift.to_json()) == shift
