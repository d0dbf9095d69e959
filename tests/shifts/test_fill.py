"""What moves in from outside, against SciPy and OpenCV."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.ndimage import shift as moved_by_scipy

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import from_json, parse

SCIPY = {"edge": "nearest", "reflect": "mirror", "symmetric": "reflect", "wrap": "grid-wrap"}
OPENCV = {"edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "symmetric": cv2.BORDER_REFLECT}
ANGLE = 33


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).random((3, 3, 20, 25), np.float32)


def applied(text, images):
    return parse(text).apply(images, np.random.default_rng(0))


@pytest.mark.parametrize("fill", SCIPY)
@pytest.mark.parametrize(("dx", "dy"), [(5.25, -4.0), (-27.0, 3.5), (0.0, 41.0)])
def test_a_move_shows_what_scipy_shows(noise, fill, dx, dy):
    moved = applied(f"translate:dx={dx},dy={dy},fill={fill}", noise)
    np.testing.assert_allclose(moved, moved_by_scipy(noise, (0, 0, dy, dx), order=1, mode=SCIPY[fill]), atol=1e-6)


@pytest.mark.parametrize("fill", SCIPY)
def test_a_turn_shows_what_scipy_shows(noise, fill):
    h, w = noise.shape[2:]
    y, x = np.mgrid[:h, :w] - np.array([(h - 1) / 2, (w - 1) / 2])[:, None, None]
    cos, sin = np.cos(np.radians(ANGLE)), np.sin(np.radians(ANGLE))
    places = [sin * x + cos * y + (h - 1) / 2, cos * x - sin * y + (w - 1) / 2]
    turned = [[map_coordinates(plane, places, order=1, mode=SCIPY[fill]) for plane in image] for image in noise]
    np.testing.assert_allclose(applied(f"rotate:angle={ANGLE},fill={fill}", noise), turned, atol=1e-5)


@pytest.mark.parametrize("fill", OPENCV)
@pytest.mark.parametrize(
    "family", ["affine:matrix=[[0.8,0.2,3],[-0.1,1.1,-2]]", "scale:factor=0.6", "shear:factor=0.3"]
)
def test_affine_maps_show_what_opencv_shows(noise, fill, family):
    h, w = noise.shape[2:]
    matrix = {
        "affine": [[0.8, 0.2, 3], [-0.1, 1.1, -2]],
        "scale": [[0.6, 0, 0], [0, 0.6, 0]],
        "shear": [[1, 0.3, 0], [0, 1, 0]],
    }[family.partition(":")[0]]
    centre = np.array([(w - 1) / 2, (h - 1) / 2])
    linear, by = np.array(matrix)[:, :2], np.array(matrix, float)[:, 2]
    absolute = np.c_[linear, by + centre - linear @ centre]
    seen = [cv2.warpAffine(np.moveaxis(i, 0, 2), absolute, (w, h), borderMode=OPENCV[fill]) for i in noise]
    # OpenCV rounds places to a 32nd of a pixel.
    assert np.abs(applied(f"{family},fill={fill}", noise) - np.moveaxis(seen, 3, 1)).mean() < 0.01


def test_a_colour_moves_in_whatever_the_kernel(noise):
    turned = applied("rotate:angle=30,fill=[1,0.5,0]", noise)
    np.testing.assert_allclose(turned[:, :, 0, 0], [[1, 0.5, 0]] * 3, atol=1e-6)
    moved = applied("translate:dx=2,dy=0,fill=0.25", noise)
    assert (moved[..., :2] == 0.25).all()
    assert (moved[..., 2:] == noise[..., :-2]).all()


def test_a_fill_is_read_written_and_left_out_where_it_is_black():
    edge = parse("rotate:angle=10,fill=edge")
    assert edge.parameters == {"angle": 10.0, "fill": "edge"}
    assert from_json(edge.to_json()) == edge
    assert parse("rotate:angle=10,fill=black").parameters == {"angle": 10.0}
    assert "fill" not in str(parse("rotate:angle=10"))
    assert "fill = edge" in str(edge)


@pytest.mark.parametrize(
    ("text", "message"),
    [("rotate:angle=1,fill=green", "expected black or edge"), ("rotate:angle=1,fill=0..1", "expected a number")],
)
def test_other_fills_are_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parse(text)


def test_a_colour_of_another_number_of_channels_is_refused(noise):
    with pytest.raises(BadInput, match="fill: it has 2 values, the images have 3 channels"):
        applied("rotate:angle=5,fill=[1,0]", noise)
