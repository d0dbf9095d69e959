"""Regions that are left out: boxes and masks, and the grey that stands there."""

import numpy as np
import pytest
from PIL import Image

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.left_out import leaving_out, left_out_of_both, pixels_of


@pytest.fixture
def pictures() -> ImageSet:
    return ImageSet(np.random.default_rng(1).random((5, 3, 6, 8), np.float32), name="pictures")


def test_a_box_and_its_mask_leave_out_the_same_pixels(pictures, tmp_path):
    mask = np.zeros((6, 8), bool)
    mask[1:3, 2:7] = True
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    for region in ((2, 1, 7, 3), "2,1,7,3", mask, tmp_path / "mask.png", str(tmp_path / "mask.png")):
        assert np.array_equal(pixels_of([region], (6, 8), "pictures"), mask)


def test_the_mean_grey_of_the_rest_stands_there_and_all_else_stays(pictures):
    without = leaving_out(pictures, [(0, 0, 8, 2)])
    assert np.array_equal(without.images[:, :, 2:], pictures.images[:, :, 2:])
    assert np.ptp(without.images[:, :, :2]) == 0
    assert without.images[0, 0, 0, 0] == pytest.approx(pictures.images[:, :, 2:].mean(), abs=0.5 / 255)
    assert "33.3% of each picture left out" in without.notes[-1]


def test_two_sets_are_left_the_same_pixels(pictures):
    shifted = leaving_out(
        leaving_out(ImageSet(1 - pictures.images), [(0, 0, 1, 6)], pictures), [(7, 0, 8, 6)], pictures
    )
    before, after = left_out_of_both(pictures, shifted)
    assert before.left_out is not None
    assert before.left_out.sum() == 12
    assert np.array_equal(before.images[..., [0, 7]], after.images[..., [0, 7]])


@pytest.mark.parametrize(
    ("region", "what"),
    [
        ((0, 0, 9, 2), r"the box \[0, 0, 9, 2\]: no region of pictures, whose pictures are 6 × 8"),
        ((3, 3, 3, 5), "no region"),
        (np.zeros((8, 6), bool), r"a mask of shape \(8, 6\)"),
        ("missing.png", "neither a box"),
        ((1, 2), "no region. Give a list of boxes"),
        ((0, 0, 8, 6), "all pixels are left out"),
    ],
)
def test_what_is_no_region_is_refused(pictures, region, what):
    with pytest.raises(BadInput, match=what):
        leaving_out(pictures, [region])
