"""What moved in from outside is found, on pictures that other code moved."""

import cv2
import numpy as np
import pytest
from PIL import Image

from shiftassay import ImageSet, diagnose
from shiftassay.diagnosis.paired.fills import evident_fill
from shiftassay.shifts.estimation.pairs import Pairs

SIDE = 32
FAMILIES = ["rotate", "scale", "translate", "shear"]


@pytest.fixture(scope="module")
def pictures():
    """Colour pictures that reach the border: smooth random fields with edges."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(60):
        field = cv2.GaussianBlur(rng.random((SIDE, SIDE, 3)), (0, 0), 2.5)
        field = (field - field.min((0, 1))) / np.ptp(field, (0, 1))
        left, top = rng.integers(0, SIDE // 2, 2)
        field[top : top + 10, left : left + 12] = rng.random(3)
        made.append(np.rint(255 * (0.1 + 0.8 * field)))
    return np.array(made, np.uint8)


def warped(pictures, matrix, **border):
    return np.stack([cv2.warpAffine(picture, matrix, (SIDE, SIDE), **border) for picture in pictures])


def turn(angle):
    return cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), angle, 1)


MADE = {
    "edge": lambda p: warped(p, turn(14), borderMode=cv2.BORDER_REPLICATE),
    "reflect": lambda p: warped(p, turn(-9), borderMode=cv2.BORDER_REFLECT_101),
    "symmetric": lambda p: warped(p, np.float32([[1, 0, 3.4], [0, 1, -2]]), borderMode=cv2.BORDER_REFLECT),
    "wrap": lambda p: warped(p, np.float32([[0.8, 0, 3.1], [0, 0.8, 3.1]]), borderMode=cv2.BORDER_WRAP),
    1.0: lambda p: np.stack(
        [np.asarray(Image.fromarray(i).rotate(15, Image.Resampling.BILINEAR, fillcolor=(255,) * 3)) for i in p]
    ),
    (124 / 255, 116 / 255, 104 / 255): lambda p: warped(p, turn(15), borderValue=(124, 116, 104)),
    "black": lambda p: warped(p, turn(15)),
}


def as_images(pictures):
    return np.moveaxis(pictures, 3, 1).astype(np.float32) / 255


@pytest.mark.parametrize("fill", MADE, ids=str)
def test_what_moved_in_is_evident(pictures, fill):
    pairs = Pairs(as_images(pictures), as_images(MADE[fill](pictures)))
    found = evident_fill(FAMILIES, pairs)
    assert found == (fill if isinstance(fill, str) else pytest.approx(fill, abs=1e-6))


@pytest.mark.torture
@pytest.mark.parametrize(("fill", "angle"), [("edge", 14), ("reflect", -9)])
def test_a_turned_picture_is_named_with_what_moved_in(pictures, fill, angle):
    verdict = diagnose(ImageSet(as_images(pictures)), ImageSet(as_images(MADE[fill](pictures)))).verdict
    assert verdict.family == "rotate"
    assert verdict.parameters["fill"] == fill
    assert verdict.parameters["angle"] == pytest.approx(angle, abs=0.05)


@pytest.mark.torture
def test_noise_may_follow_a_picture_that_moved(pictures):
    moved = as_images(MADE["edge"](pictures))
    noisy = moved + np.random.default_rng(1).normal(0, 0.04, moved.shape).astype(np.float32)
    verdict = diagnose(ImageSet(as_images(pictures)), ImageSet(noisy)).verdict
    rotate, noise = verdict.parameters["parts"]
    assert (rotate["family"], noise["family"]) == ("rotate", "gaussian_noise")
    assert rotate["parameters"]["fill"] == "edge"
