import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftassay.report.finding import Figure
from shiftassay.report.picture_grid import FEWER, LARGEST, grid, is_grid
from shiftassay.runs.store import write_arrays


def rows(signed=(), **images) -> Figure:
    return Figure("image_rows", {"rows": images, "signed": signed, "range": (0.0, 1.0)}, "")


def picture(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


def test_small_pictures_keep_every_pixel(digits):
    shown = grid(rows(reference=digits.images[:3]), Path())
    assert shown.sharp
    for address, image in zip(shown.rows[0].pictures, digits.images, strict=False):
        np.testing.assert_array_equal(picture(address), np.rint(255 * image[0]))


def test_colors_stay_in_their_order():
    red = np.zeros((1, 3, 5, 4), np.float32)
    red[:, 0] = 1
    shown = picture(grid(rows(a=red), Path()).rows[0].pictures[0])
    assert shown.shape == (5, 4, 3)
    assert shown[0, 0].tolist() == [255, 0, 0]


def test_large_pictures_are_fewer_and_smaller(rng):
    shown = grid(rows(a=rng.random((10, 3, 300, 200)).astype(np.float32)), Path())
    assert len(shown.rows[0].pictures) == FEWER
    assert max(picture(shown.rows[0].pictures[0]).shape) == LARGEST
    assert sum(map(len, shown.rows[0].pictures)) < 60_000


def test_differences_are_blue_where_darker_and_red_where_brighter():
    sides = np.concatenate([np.full((1, 1, 4, 2), -1.0), np.full((1, 1, 4, 2), 1.0)], 3).astype(np.float32)
    shown = picture(grid(rows(("left",), left=sides), Path()).rows[0].pictures[0]).astype(int)
    assert shown[0, 0, 2] > shown[0, 0, 0]
    assert shown[0, 3, 0] > shown[0, 3, 2]


def test_values_that_are_no_numbers_are_black():
    image = np.full((1, 1, 2, 2), np.nan, np.float32)
    assert picture(grid(rows(a=image), Path()).rows[0].pictures[0]).max() == 0


@pytest.mark.parametrize("many", [1, 2])
def test_so_many_of_the_kept_images_are_shown(many, tmp_path):
    write_arrays(tmp_path / "kept.safetensors", {"a": np.zeros((3, 1, 4, 4), np.float32)})
    shown = grid(Figure("samples", {"file": "kept.safetensors", "names": ["a"], "many": many}, ""), tmp_path)
    assert shown.columns == many


def test_charts_are_no_grids():
    assert not is_grid(Figure("dots", {"rows": [], "chance": None}, ""))
