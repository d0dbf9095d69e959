"""The geometry between pictures of two sizes, made by Pillow, OpenCV, torch and scikit-image from photographs."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.transform import resize as skimage_resize

from shiftassay.shifts.between_sizes import framing_between, shift_of
from shiftassay.shifts.framing import Framing

NAMES = ("astronaut", "chelsea", "coffee", "rocket")
Resize = Callable[[np.ndarray, tuple[int, int]], np.ndarray]


def photographs(height: int, width: int) -> list[np.ndarray]:
    """Six pictures of this size, in bytes."""
    rng = np.random.default_rng(height * width)
    pictures = []
    for place in range(6):
        try:
            photograph = getattr(data, NAMES[place % len(NAMES)])()
        except (OSError, ModuleNotFoundError) as error:  # some are downloaded on demand
            pytest.skip(f"a photograph of scikit-image is missing: {error}")
        factor = min(photograph.shape[0] / height, photograph.shape[1] / width)
        h, w = int(height * factor * 0.9), int(width * factor * 0.9)
        top, left = (int(rng.integers(n - k + 1)) for n, k in zip(photograph.shape, (h, w), strict=False))
        part = Image.fromarray(photograph[top : top + h, left : left + w])
        pictures.append(np.asarray(part.resize((width, height), Image.Resampling.LANCZOS)))
    return pictures


def as_images(pictures: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack(pictures).astype(np.float32) / 255
    return np.ascontiguousarray(np.moveaxis(stacked if stacked.ndim == 4 else stacked[..., None], 3, 1))


def pillow(kernel: str) -> Resize:
    return lambda picture, size: np.asarray(
        Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling[kernel.upper()])
    )


def opencv(flag: int) -> Resize:
    return lambda picture, size: cv2.resize(picture, size[::-1], interpolation=flag)


def by_torch(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = torch.from_numpy(np.moveaxis(picture, 2, 0).astype(np.float32))[None]
    made = torch.nn.functional.interpolate(image, size, mode="bicubic", align_corners=False, antialias=True)
    return np.moveaxis(made.clamp(0, 255).round().numpy()[0], 0, 2).astype(np.uint8)


def by_skimage(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.rint(255 * np.asarray(skimage_resize(picture, size, order=1, anti_aliasing=True))).astype(np.uint8)


def found(reference: list[np.ndarray], shifted: list[np.ndarray]) -> Framing:
    framing = framing_between(as_images(reference), as_images(shifted))
    assert framing is not None
    return framing


@pytest.mark.parametrize(
    ("resize", "kernel", "antialias"),
    [
        (pillow("bilinear"), "bilinear", True),
        (pillow("lanczos"), "lanczos", True),
        (pillow("box"), "box", True),
        (opencv(cv2.INTER_LINEAR), "bilinear", False),
        (opencv(cv2.INTER_CUBIC), "bicubic", False),
        (opencv(cv2.INTER_AREA), "area", True),
        (opencv(cv2.INTER_NEAREST), "nearest_floor", False),
        (by_torch, "bicubic", True),
    ],
)
def test_shorter_side_and_crop_at_the_centre(resize, kernel, antialias):
    reference = photographs(120, 181)
    framing = found(reference, [resize(p, (73, 110))[4:68, 23:87] for p in reference])
    assert (framing.resized, framing.place, framing.output) == ((73, 110), (-23, -4), (64, 64))
    assert (framing.kernel, framing.antialias) == (kernel, antialias)
    assert [part.family for part in shift_of(framing).components] == ["stretch", "crop"]


def test_the_gaussian_before_scikit_images_resize_is_told_from_pillows_kernels():
    reference = photographs(120, 181)
    framing = found(reference, [by_skimage(p, (40, 61)) for p in reference])
    assert (framing.resized, framing.kernel, framing.is_cropped) == ((40, 61), "gaussian", False)


AFTER: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bgr": lambda picture: picture[..., ::-1],
    "gamma": lambda picture: np.rint(255 * (picture / 255) ** 0.6),
    "noise": lambda picture: np.clip(picture + np.random.default_rng(0).normal(0, 12, picture.shape), 0, 255).round(),
    "negative": lambda picture: 255 - picture,
}


@pytest.mark.parametrize("after", AFTER)
def test_whatever_happens_to_colours_does_not_hide_the_stretch(after):
    reference = photographs(97, 130)
    framing = found(reference, [AFTER[after](pillow("bilinear")(p, (60, 64))) for p in reference])
    assert shift_of(framing).parameters == {
        "factors": [64 / 130, 60 / 97],
        "kernel": "bilinear",
        "antialias": True,
    }


def test_a_letterbox_is_found_with_its_colour():
    reference = photographs(97, 130)

    def boxed(picture: np.ndarray) -> np.ndarray:
        frame = np.full((80, 80, 3), (114, 114, 90), np.uint8)
        frame[10:70] = pillow("bicubic")(picture, (60, 80))
        return frame

    shift = shift_of(found(reference, [boxed(p) for p in reference]))
    assert shift.family == "letterbox"
    assert shift.parameters["box"] == [0, 10, 80, 70]
    assert shift.parameters["kernel"] == "bicubic"
    assert shift.parameters["fill"] == pytest.approx([114 / 255, 114 / 255, 90 / 255])


def test_a_crop_and_padding_are_found_to_the_pixel():
    reference = photographs(97, 130)
    crop = shift_of(found(reference, [p[11:91, 7:120] for p in reference]))
    padded = shift_of(found(reference, [np.pad(p, ((3, 5), (0, 9), (0, 0))) for p in reference]))
    assert crop.to_json() == {"family": "crop", "parameters": {"box": [7, 11, 120, 91]}, "scope": "shared"}
    assert (padded.parameters["box"], padded.parameters["size"]) == ([0, 3, 130, 100], [105, 139])


def test_a_square_cut_out_and_then_resized_is_told_from_a_resize_and_a_crop():
    reference = photographs(120, 181)
    framing = found(reference, [pillow("bilinear")(p[:, 30:150], (96, 96)) for p in reference])
    assert framing.cut == (30, 0, 150, 120)
    assert [part.family for part in shift_of(framing).components] == ["crop", "stretch"]


def test_digits_are_enlarged_and_framed(digits):
    pictures = [np.rint(255 * image[0]).astype(np.uint8) for image in digits.images[:8]]
    enlarged = shift_of(found(pictures, [pillow("bicubic")(p, (32, 32)) for p in pictures]))
    assert enlarged.parameters == {"factors": [32 / 28, 32 / 28], "kernel": "bicubic", "antialias": True}
    smaller = [np.pad(pillow("bilinear")(p, (20, 20)), 6) for p in pictures]
    framed = shift_of(found(pictures, smaller))
    assert (framed.parameters["box"], framed.parameters["size"]) == ([6, 6, 26, 26], [32, 32])


@pytest.mark.parametrize("fill", [0, 255])
def test_the_colour_around_a_picture_is_that_before_its_colours_changed(fill):
    reference = photographs(97, 130)
    negatives = [255 - np.pad(p, ((3, 5), (0, 9), (0, 0)), constant_values=fill) for p in reference]
    assert shift_of(found(reference, negatives)).parameters["fill"] == fill / 255


def test_pictures_that_do_not_belong_together_have_no_framing():
    reference = photographs(97, 130)
    shifted = [pillow("bilinear")(p, (64, 64)) for p in reference]
    assert framing_between(as_images(reference), as_images(shifted[1:] + shifted[:1])) is None
