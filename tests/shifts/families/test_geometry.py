import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter, rotate
from scipy.ndimage import shift as moved_by

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES


def one_pixel(row, column, size=(9, 11)):
    image = np.zeros((1, 1, *size), np.float32)
    image[0, 0, row, column] = 1
    return ImageSet(image)


def test_a_quarter_turn_is_counter_clockwise_on_the_screen(digits):
    turned = catalog.shift(digits, "rotate:angle=90").images
    assert np.abs(turned - np.rot90(digits.images, 1, axes=(2, 3))).max() < 1e-4


# The maps from the output's (y, x) about the centre to the input's, written down by hand.
TO_INPUT = {
    **{
        f"rotate:angle={a}": [
            [np.cos(np.radians(a)), np.sin(np.radians(a))],
            [-np.sin(np.radians(a)), np.cos(np.radians(a))],
        ]
        for a in (15, -37.5, 160)
    },
    "scale:factor=0.7": [[1 / 0.7, 0], [0, 1 / 0.7]],
    "shear:factor=0.4": [[1, 0], [-0.4, 1]],  # x_in = x_out − 0.4 y
    "affine:matrix=[[1,0.4,0],[0,1.25,0]]": [[0.8, 0], [-0.32, 1]],
}


@pytest.mark.parametrize("shift", TO_INPUT)
@pytest.mark.parametrize("size", [(28, 28), (9, 14)])
def test_linear_maps_agree_with_scipys_bilinear_resampling(shift, size, rng):
    images = rng.random((3, 1, *size)).astype(np.float32)
    moved = catalog.shift(ImageSet(images), shift).images
    to_input, center = np.array(TO_INPUT[shift]), (np.array(size) - 1) / 2
    for image, result in zip(images[:, 0], moved[:, 0], strict=True):
        expected = affine_transform(image, to_input, center - to_input @ center, order=1, mode="grid-constant")
        assert np.abs(result - expected).max() < 1e-4


def test_fresh_angles_differ_and_fill_their_range():
    bar = np.zeros((400, 1, 29, 29), np.float32)
    bar[:, :, 14, 14:] = 1  # a hand that points right
    turned = catalog.shift(ImageSet(bar), "rotate:angle=-90..90,scope=per_image").images[:, 0]
    y, x = np.mgrid[14:-15:-1, -14:15]
    angles = np.degrees(np.arctan2((turned * y).sum((1, 2)), (turned * x).sum((1, 2))))
    assert angles.min() > -91
    assert angles.max() < 91
    assert np.std(angles) == pytest.approx(180 / np.sqrt(12), rel=0.1)


def test_a_random_sign_turns_half_of_the_images_each_way(digits):
    left, right = (catalog.shift(digits, f"rotate:angle={a}").images for a in (20, -20))
    turned = catalog.shift(digits, "rotate:angle=-20|20,scope=per_image").images
    to_left = np.abs(turned - left).max((1, 2, 3)) < 1e-6
    to_right = np.abs(turned - right).max((1, 2, 3)) < 1e-6
    assert (to_left != to_right).all()
    assert 70 < to_left.sum() < 130


def test_signs_on_two_axes_are_independent():
    moved = catalog.shift(
        ImageSet(np.repeat(one_pixel(4, 5).images, 400, 0)), "translate:dx=-1|1,dy=-1|1,scope=per_image"
    ).images[:, 0]
    shares = [(moved[:, 4 + dy, 5 + dx] == 1).mean() for dy in (-1, 1) for dx in (-1, 1)]
    assert sum(shares) == 1
    assert min(shares) > 0.18


@pytest.mark.parametrize("family", ["translate", "roll"])
def test_x_is_to_the_right_and_y_down(family):
    moved = catalog.shift(one_pixel(3, 4), make(family, {"dx": 2, "dy": 1})).images
    assert np.array_equal(moved, one_pixel(4, 6).images)


def test_what_leaves_is_lost_by_a_translation_and_comes_back_by_a_roll():
    assert not catalog.shift(one_pixel(0, 10), "translate:dx=1,dy=-1").images.any()
    assert np.array_equal(catalog.shift(one_pixel(0, 10), "roll:dx=1,dy=-1").images, one_pixel(8, 0).images)


def test_half_a_pixel_is_shared_by_two():
    moved = catalog.shift(one_pixel(3, 4), "translate:dx=0.5").images[0, 0]
    assert moved[3, 4] == moved[3, 5] == 0.5
    assert moved.sum() == 1


def test_an_affine_map_of_three_columns_moves_by_its_third():
    matrix = [[1, 0, 2], [0, 1, 1]]
    assert (
        np.abs(catalog.shift(one_pixel(3, 4), make("affine", {"matrix": matrix})).images - one_pixel(4, 6).images).max()
        < 1e-5
    )


def test_a_map_that_flattens_the_picture_is_refused():
    with pytest.raises(BadInput, match="flattens"):
        make("affine", {"matrix": [[1, 1, 0], [1, 1, 0]]})
    with pytest.raises(BadInput, match="above 0"):
        make("scale", {"factor": 0})


@pytest.fixture(scope="module")
def clouds():
    """Pictures that reach the border, as photographs do."""
    gray = gaussian_filter(np.random.default_rng(3).random((80, 28, 28)), (0, 1.5, 1.5))
    return ((gray - gray.min()) / np.ptp(gray)).astype(np.float32)


def scipy_turns(image):
    return rotate(image, 20, reshape=False, order=1)


def pillow_turns(image):
    return np.asarray(Image.fromarray(np.uint8(image * 255)).rotate(20, Image.Resampling.BILINEAR)) / 255


@pytest.mark.parametrize("turn", [scipy_turns, pillow_turns])
def test_an_angle_is_found_however_the_edge_of_the_picture_is_cut(turn, clouds):
    turned = np.stack([turn(image) for image in clouds]).astype(np.float32)
    (estimate,) = FAMILIES["rotate"].estimate(Pairs(clouds[:, None], turned[:, None]))
    assert estimate.parameters["angle"] == pytest.approx(20, abs=0.1)


def test_a_translation_is_found_however_the_edge_of_the_picture_is_cut(clouds):
    moved = np.stack([moved_by(image, (3, -2), order=1) for image in clouds]).astype(np.float32)
    (estimate,) = FAMILIES["translate"].estimate(Pairs(clouds[:, None], moved[:, None]))
    assert (estimate.parameters["dx"], estimate.parameters["dy"]) == pytest.approx((-2, 3), abs=0.2)
