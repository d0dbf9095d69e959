import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalogue import make, shift
from shiftassay.shifts.warp import grid


def test_the_corners_of_a_perspective_go_where_they_are_sent():
    image = np.zeros((1, 1, 21, 31), np.float32)
    image[0, 0, [0, 0, -1, -1], [0, -1, -1, 0]] = [0.2, 0.4, 0.6, 0.8]
    seen = shift(ImageSet(image), make("perspective", {"corners": [[3, 2], [-4, 1], [-2, -5], [6, -3]]})).images[0, 0]
    assert [seen[2, 3], seen[1, 26], seen[15, 28], seen[17, 6]] == pytest.approx([0.2, 0.4, 0.6, 0.8], abs=1e-4)


def test_corners_that_move_together_translate(digits):
    moved = shift(digits, make("perspective", {"corners": [[2, 1]] * 4})).images
    assert np.abs(moved - shift(digits, "translate:dx=2,dy=1").images).max() < 1e-4


def test_a_picture_that_is_turned_inside_out_is_refused(digits):
    with pytest.raises(BadInput, match="cross"):
        shift(digits, make("perspective", {"corners": [[30, 0], [-30, 0], [0, 0], [0, 0]]}))


@pytest.mark.parametrize("smoothness", [1.0, 3.0, 8.0])
def test_the_amplitude_of_an_elastic_shift_is_the_sd_of_its_displacement(smoothness, rng):
    how = make("elastic", {"amplitude": 1.5, "smoothness": smoothness})
    fields = [how.realize((1, 28, 28), own).field for own in rng.spawn(300)]
    assert np.sqrt(np.mean(np.square(fields))) == pytest.approx(1.5, rel=0.06)


def test_an_elastic_field_says_where_each_pixel_is_fetched(digits, rng):
    how = make("elastic", {"amplitude": 2.0}).realize(digits.shape, rng)
    places = grid(28, 28) + np.reshape(how.field, (2, 28, 28)) + 13.5
    expected = map_coordinates(digits.images[0, 0], places[::-1], order=1, mode="grid-constant")
    assert np.abs(shift(digits, how).images[0, 0] - expected).max() < 1e-4


def test_an_elastic_shift_is_nearly_undone(digits):
    for scope in ("shared", "per_image"):
        how = make("elastic", {"amplitude": 1.0, "smoothness": 4.0}, scope)
        shifted = how.apply(digits.images, np.random.default_rng(5))
        undone = how.undo(shifted, np.random.default_rng(5))
        assert np.abs(undone - digits.images).mean() < 0.4 * np.abs(shifted - digits.images).mean()
