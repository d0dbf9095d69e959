from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.jpeg import Jpeg
from shiftassay.shifts.parameters import Choice


def test_the_blocks_of_a_pixelated_picture_are_means(rng):
    images = rng.random((2, 1, 6, 7)).astype(np.float32)
    coarse = catalog.shift(ImageSet(images), "pixelate:factor=3").images
    assert coarse[:, :, 3:6, 0:3] == pytest.approx(
        np.repeat(np.repeat(images[:, :, 3:6, :3].mean((2, 3), keepdims=True), 3, 2), 3, 3)
    )
    assert coarse[:, 0, 0, 6] == pytest.approx(images[:, 0, 0:3, 6].mean(1))


def test_a_higher_jpeg_quality_loses_less(digits):
    losses = [np.abs(catalog.shift(digits, f"jpeg:quality={q}").images - digits.images).mean() for q in (5, 20, 60, 95)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.005


@pytest.mark.parametrize("factor", [2, 3, 4, 7])
def test_the_size_of_pixels_is_found(digits, factor):
    shrunk = np.stack([Image.fromarray(i[0]).reduce(factor) for i in digits.images])  # whole and partial blocks alike
    pairs = Pairs(digits.images, shrunk.repeat(factor, 1).repeat(factor, 2)[:, None, :28, :28])
    assert estimate_of(pairs, "pixelate").parameters == {"factor": factor}


@pytest.mark.parametrize("quality", [5, 20, 60, 90])
@pytest.mark.parametrize(("pictures", "subsampling"), [("digits", None), ("colors", "4:2:0"), ("colors", "4:4:4")])
def test_the_quality_of_jpegs_is_found(quality, pictures, subsampling, request):
    images, stored = request.getfixturevalue(pictures), Jpeg(quality, subsampling)
    assert estimate_of(shifted_pairs(getattr(images, "images", images), stored), "jpeg") == stored


def test_qualities_that_differ_between_images_are_found_and_followed(digits):
    pairs = shifted_pairs(digits.images, Jpeg(Choice((10, 50)), scope="per_image"))
    estimate = estimate_of(pairs, "jpeg", "per_image")
    assert estimate.parameters == {"quality": {"values": [10.0, 50.0]}}
    inferred = estimate.infer_draws(pairs)
    assert inferred is not None
    assert unexplained(inferred, pairs) == 0


def test_the_quality_of_a_jpeg_that_others_wrote_is_found(clothes):
    def stored(picture: np.ndarray) -> np.ndarray:
        file = BytesIO()
        Image.fromarray(np.uint8(255 * picture)).save(file, "JPEG", quality=33, optimize=True)
        return np.asarray(Image.open(file)) / np.float32(255)

    pairs = Pairs(clothes, np.stack([stored(picture[0]) for picture in clothes])[:, None])
    assert abs(estimate_of(pairs, "jpeg").parameters["quality"] - 33) <= 1
