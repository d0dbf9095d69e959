import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalogue import make, shift
from shiftassay.shifts.families.fog import _refine, plasma_corner

BLACK = ImageSet(np.zeros((500, 1, 28, 28), np.float32))


def test_an_occlusion_lies_where_it_should(digits):
    hidden = shift(digits, "occlusion:top=5,left=8,height=10,width=6,fill=0.5").images
    assert (hidden[:, :, 5:15, 8:14] == 0.5).all()
    hidden[:, :, 5:15, 8:14] = digits.images[:, :, 5:15, 8:14]
    assert np.array_equal(hidden, digits.images)


def test_only_the_given_columns_are_inverted(digits):
    striped = shift(digits, "stripe:columns=[0,27]").images
    assert np.array_equal(striped[..., 1:27], digits.images[..., 1:27])
    assert np.array_equal(striped[..., [0, 27]], 1 - digits.images[..., [0, 27]])
    with pytest.raises(BadInput, match="no column 28"):
        shift(digits, "stripe:columns=[28]")
    with pytest.raises(BadInput, match="each once"):
        make("stripe", {"columns": [1, 1]})


def test_the_fraction_of_pixels_that_drop_out():
    white = ImageSet(np.ones((100, 1, 28, 28), np.float32))
    assert shift(white, "pixel_dropout:fraction=0.3").images.mean() == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(("coverage", "size"), [(0.05, 4.0), (0.3, 2.0), (0.6, 1.0)])
def test_hard_drops_cover_their_share(coverage, size):
    drops = shift(BLACK, make("spatter", {"coverage": coverage, "size": size, "softness": 0.0, "shade": 1.0})).images
    inside = drops[:, :, 8:-8, 8:-8]  # noise is stronger at the borders, which are repeated outwards
    assert inside.mean() == pytest.approx(coverage, rel=0.2)


def test_a_dotted_line_is_on_for_two_columns_and_off_for_two():
    ink = shift(BLACK, "dotted_line").images[:, 0]
    on = ink.max((0, 1)) > 0
    assert on.tolist() == [c % 4 >= 2 and c < 27 for c in range(28)]
    assert (ink[:, :, on].max(1) > 0.7).all()  # no more than half a pixel from the line


def test_a_zigzag_swings_about_its_line():
    ink = shift(BLACK, "zigzag").images[:, 0]
    assert not ink[:, :, :1].any()
    assert not ink[:, :, 26:].any()
    rows = (ink * np.arange(28)[:, None]).sum(1)[:, 4:24] / np.maximum(ink.sum(1)[:, 4:24], 1e-6)
    inside = (ink[:, [0, -1]].max((1, 2)) == 0) & (ink.max(1)[:, 2:25] > 0).all(1)
    assert inside.sum() > 100
    turns = np.sign(np.diff(rows[inside], axis=1))
    assert 3 <= np.median((turns[:, 1:] * turns[:, :-1] < 0).sum(1)) <= 7


def test_fog_is_a_fractal_between_0_and_1_that_decays_to_smoothness(rng):
    rough, smooth = (plasma_corner(300, 28, decay, rng) for decay in (2.0, 4.0))
    for plasma in (rough, smooth):
        assert plasma.min() >= 0
        assert plasma.max() <= 1
        assert plasma.mean() == pytest.approx(0.5, abs=0.1)
    assert np.abs(np.diff(rough)).mean() > 2 * np.abs(np.diff(smooth)).mean()


def test_fog_refined_only_where_it_is_seen_is_like_the_corner_of_a_whole_map(rng):
    whole = np.zeros((400, 1, 1), np.float32)
    for level in range(8):
        size = 2 ** (level + 1)
        whole = _refine(whole, 2.0**-level * (2 * rng.random((400, size, size), np.float32) - 1))
    whole -= whole.min((1, 2), keepdims=True)
    whole = (whole / whole.max((1, 2), keepdims=True))[:, :28, :28]
    corner = plasma_corner(400, 28, 2.0, rng)
    assert corner.mean() == pytest.approx(whole.mean(), abs=0.05)
    assert corner.std() == pytest.approx(whole.std(), rel=0.1)
    for axis in (1, 2):
        seen, expected = (np.abs(np.diff(p, axis=axis)).mean((0, 3 - axis)) for p in (corner, whole))
        assert seen == pytest.approx(expected, rel=0.15)


def test_fog_keeps_the_brightest_value_in_range_without_clipping(digits):
    foggy = shift(digits, "fog:amount=2").images
    peak = digits.images.max()
    assert foggy.max() <= peak + 1e-6
    assert foggy.min() >= 0
    contrast = 1 / 3  # peak / (peak + amount)
    assert np.cov(foggy.ravel(), digits.images.ravel())[0, 1] / digits.images.var() == pytest.approx(contrast, rel=0.1)


def test_the_edge_of_a_square_is_its_outline():
    square = np.zeros((1, 1, 28, 28), np.float32)
    square[0, 0, 8:20, 8:20] = 1
    edges = shift(ImageSet(square), "canny_edges").images[0, 0]
    assert not edges[10:18, 10:18].any()
    assert not edges[:6].any()
    assert edges[10:18, 6:10].sum(1) == pytest.approx(np.ones(8), abs=1)
    assert edges[14, 6:10].any()


def test_weak_edges_need_a_strong_neighbour():
    image = np.zeros((1, 1, 28, 28), np.float32)
    image[0, 0, :, 14:] = 0.1  # a slope of at most 0.4 · 0.1 · 4
    assert not shift(ImageSet(image), "canny_edges:low=0.05,high=0.5").images.any()
    assert shift(ImageSet(image), "canny_edges:low=0.05,high=0.1").images.any()
