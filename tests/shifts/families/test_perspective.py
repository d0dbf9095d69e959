import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make


def test_the_corners_of_a_perspective_go_where_they_are_sent():
    image = np.zeros((1, 1, 21, 31), np.float32)
    image[0, 0, [0, 0, -1, -1], [0, -1, -1, 0]] = [0.2, 0.4, 0.6, 0.8]
    shifted = catalog.shift(
        ImageSet(image), make("perspective", {"corners": [[3, 2], [-4, 1], [-2, -5], [6, -3]]})
    ).images[0, 0]
    assert [shifted[2, 3], shifted[1, 26], shifted[15, 28], shifted[17, 6]] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8], abs=1e-4
    )


def test_corners_that_move_together_translate(digits):
    moved = catalog.shift(digits, make("perspective", {"corners": [[2, 1]] * 4})).images
    assert np.abs(moved - catalog.shift(digits, "translate:dx=2,dy=1").images).max() < 1e-4


def test_a_picture_that_is_turned_inside_out_is_refused(digits):
    with pytest.raises(BadInput, match="cross"):
        catalog.shift(digits, make("perspective", {"corners": [[30, 0], [-30, 0], [0, 0], [0, 0]]}))
