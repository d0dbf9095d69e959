import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

from shiftassay.datasets import distorted
from shiftassay.datasets.distorted import DISTORTIONS, named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.warp import grid


@pytest.mark.parametrize("name", DISTORTIONS)
def test_images_are_distorted_each_in_its_own_way_and_the_same_every_time(name, digits, rng):
    once, again = (DISTORTIONS[name](digits.images, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(once, again)
    same = DISTORTIONS[name](np.repeat(digits.images[:1], 20, axis=0), rng)
    assert len({image.tobytes() for image in same}) == 20
    assert 0 <= once.min() < once.max() <= 1
    assert (once.max(axis=(1, 2, 3)) > 0.5).mean() > 0.95  # the digit is still there


@pytest.mark.parametrize(
    ("name", "side"), [("rotated", 28), ("rts", 42), ("projective", 28), ("elastic", 28), ("cluttered", 60)]
)
def test_sizes_are_the_papers(name, side, digits, rng):
    assert DISTORTIONS[name](digits.images[:3], rng).shape == (3, 1, side, side)


def test_a_quarter_turn_is_counter_clockwise(digits):
    turned = distorted._affine(digits.images[:5], 28, np.full(5, 90.0))
    assert np.abs(turned - np.rot90(digits.images[:5], axes=(2, 3))).max() < 1e-4


def test_scale_and_place_put_a_pixel_where_they_should():
    image = np.zeros((1, 1, 9, 9), np.float32)
    image[0, 0, 4, 6] = 1  # two to the right of the centre
    moved = distorted._affine(image, 13, np.zeros(1), np.full(1, 0.5), np.array([[3.0, -2.0]]))
    assert np.unravel_index(moved[0, 0].argmax(), (13, 13)) == (6 - 2, 6 + 1 + 3)


def test_homographies_take_corners_to_corners(rng):
    square = 13.5 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    corners = square + rng.normal(0, 3, (6, 4, 2))
    whole = np.concatenate([corners, np.ones((6, 4, 1))], -1) @ distorted._homography(corners, square).swapaxes(1, 2)
    assert np.allclose(whole[..., :2] / whole[..., 2:], square)


def test_splines_are_scipys(rng):
    points, spread = distorted._spline(28)
    moves = rng.normal(0, 1.5, (len(points), 2))
    expected = RBFInterpolator(points, moves, kernel="thin_plate_spline")(grid(28, 28).reshape(2, -1).T)
    assert np.allclose(spread @ moves, expected, atol=1e-6)


def test_clutter_hides_no_digit(digits, rng):
    canvas = distorted.cluttered(digits.images[:10], rng)
    for image, canvas_image in zip(digits.images[:10, 0], canvas[:, 0], strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(canvas_image, (28, 28))
        assert (windows >= image).all(axis=(2, 3)).any()


def test_a_name_is_a_data_set_and_a_distortion(monkeypatch, small):
    def load(name: str) -> Dataset:
        parts = (("train", small.train), ("test", small.test))
        return Dataset(name, *(ImageSet(s.images[:20], s.labels[:20], f"{name}:{part}") for part, s in parts))

    monkeypatch.setattr(distorted, "load_dataset", load)
    dataset = named_dataset("digits-rts")
    assert (dataset.name, dataset.train.shape, dataset.test.name) == ("digits-rts", (1, 42, 42), "digits-rts:test")
    assert not np.array_equal(dataset.train.images[0], dataset.test.images[0])


def test_an_unknown_name_is_refused():
    with pytest.raises(BadInput, match="unknown data set 'mnist-swirled'"):
        named_dataset("mnist-swirled")
