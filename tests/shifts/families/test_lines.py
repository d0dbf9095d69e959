import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.family import FAMILIES

BLACK = ImageSet(np.zeros((500, 1, 28, 28), np.float32))


def test_a_dotted_line_is_on_for_two_columns_and_off_for_two():
    ink = catalog.shift(BLACK, "dotted_line").images[:, 0]
    on = ink.max((0, 1)) > 0
    assert on.tolist() == [c % 4 >= 2 and c < 27 for c in range(28)]
    assert (ink[:, :, on].max(1) > 0.7).all()  # no more than half a pixel from the line


def test_a_zigzag_swings_about_its_line():
    ink = catalog.shift(BLACK, "zigzag").images[:, 0]
    assert not ink[:, :, :1].any()
    assert not ink[:, :, 26:].any()
    rows = (ink * np.arange(28)[:, None]).sum(1)[:, 4:24] / np.maximum(ink.sum(1)[:, 4:24], 1e-6)
    inside = (ink[:, [0, -1]].max((1, 2)) == 0) & (ink.max(1)[:, 2:25] > 0).all(1)
    assert inside.sum() > 100
    turns = np.sign(np.diff(rows[inside], axis=1))
    assert 3 <= np.median((turns[:, 1:] * turns[:, :-1] < 0).sum(1)) <= 7


@pytest.mark.parametrize(("width", "dash"), [(2.3, 2), (4.0, 3), (1.5, 1)])
@pytest.mark.parametrize("pictures", ["digits", "clothes", "colors"])
def test_a_dotted_line_is_found(width, dash, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), f"dotted_line:width={width},dash={dash}")
    estimate = estimate_of(pairs, "dotted_line").parameters
    assert estimate["dash"] == dash
    assert estimate["width"] == pytest.approx(width, rel=0.03)


@pytest.mark.parametrize(("step", "height", "width"), [(2.0, 2.0, 2.3), (3.0, 1.0, 1.5), (4.0, 3.0, 3.0)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_a_zigzag_is_found(step, height, width, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), f"zigzag:step={step},height={height},width={width}")
    estimate = estimate_of(pairs, "zigzag").parameters
    assert estimate["step"] == pytest.approx(step, rel=0.03)
    assert estimate["height"] == pytest.approx(height, rel=0.05)
    assert estimate["width"] == pytest.approx(width, rel=0.05)


def test_a_dotted_line_and_a_zigzag_are_told_apart(digits):
    assert not FAMILIES["zigzag"].estimate(shifted_pairs(digits.images, "dotted_line"))
    assert not FAMILIES["dotted_line"].estimate(shifted_pairs(digits.images, "zigzag"))
