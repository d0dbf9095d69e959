import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.shifts import catalog
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.occlusion import Occlusion
from shiftassay.shifts.parameters import Choice, Uniform


def test_an_occlusion_lies_where_it_should(digits):
    hidden = catalog.shift(digits, "occlusion:top=5,left=8,height=10,width=6,fill=0.5").images
    assert (hidden[:, :, 5:15, 8:14] == 0.5).all()
    hidden[:, :, 5:15, 8:14] = digits.images[:, :, 5:15, 8:14]
    assert np.array_equal(hidden, digits.images)


@pytest.mark.parametrize("fill", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("sides", [(8, 9, 10, 6), (12, 8, 5, 12), (6, 6, 16, 16)])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_one_rectangle_is_found_exactly(sides, fill, pictures, request):
    images = request.getfixturevalue(pictures)
    pairs = shifted_pairs(getattr(images, "images", images), Occlusion(*sides, fill=fill))
    estimate = estimate_of(pairs, "occlusion")
    assert isinstance(estimate, Occlusion)
    assert (estimate.top, estimate.left, estimate.height, estimate.width) == sides
    assert estimate.fill == pytest.approx(fill, abs=0.003)
    assert estimate.scope == "shared"


@pytest.mark.parametrize("fill", [0.0, 0.5, 1.0])
def test_a_rectangle_is_found_whatever_happened_besides(fill, digits, rng):
    covered = Occlusion(8, 9, 10, 6, fill=fill).apply(digits.images, rng)
    noisy = np.clip(covered + rng.normal(0, 0.15, covered.shape), 0, 1).astype(np.float32)
    blurred = Occlusion(8, 9, 10, 6, fill=fill).apply(gaussian_filter(digits.images, (0, 0, 1.2, 1.2)), rng)
    for shifted in (noisy, blurred):
        estimate = estimate_of(Pairs(digits.images, shifted), "occlusion")
        assert isinstance(estimate, Occlusion)
        assert (estimate.top, estimate.left, estimate.height, estimate.width) == (8, 9, 10, 6)
        assert estimate.fill == pytest.approx(fill, abs=0.02)


@pytest.mark.parametrize("fill", [0.0, 0.15, 1.0])
def test_a_rectangle_is_found_over_strong_noise(fill, digits, rng):
    noisy = np.clip(digits.images + rng.normal(0, 0.6, digits.images.shape), 0, 1).astype(np.float32)
    pairs = Pairs(digits.images, Occlusion(8, 9, 10, 6, fill=fill).apply(noisy, rng))
    found = [(e.top, e.left, e.height, e.width) for e in Occlusion.estimate(pairs) if e.scope == "shared"]
    assert (8, 9, 10, 6) in found


def test_a_black_rectangle_over_black_borders_is_the_smallest_that_explains_the_images(digits):
    pairs = shifted_pairs(digits.images, Occlusion(0, 0, 14, 28))
    estimate = estimate_of(pairs, "occlusion")
    ink = digits.images[:, 0, :14].any(0)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert isinstance(estimate, Occlusion)
    assert (estimate.top, estimate.left) == (rows[0], columns[0])
    assert (estimate.height, estimate.width) == (14 - rows[0], columns[-1] + 1 - columns[0])
    assert unexplained(estimate, pairs) == 0


@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_rectangles_of_one_size_are_found_and_followed(digits, fill):
    shift = Occlusion(Uniform(0.0, 20.0), Choice((4, 12)), 8, 9, fill, scope="per_image")
    pairs = shifted_pairs(digits.images, shift)
    estimate = estimate_of(pairs, "occlusion", "per_image")
    assert isinstance(estimate, Occlusion)
    assert (estimate.height, estimate.width) == (8, 9)
    assert estimate.left == Choice((4, 12))
    assert isinstance(estimate.top, Uniform)
    assert abs(estimate.top.low) <= 1
    assert abs(estimate.top.high - 20) <= 1
    inferred = estimate.infer_draws(pairs)
    assert inferred is not None
    assert unexplained(inferred, pairs) < 1e-4


def test_rectangles_of_many_sizes_that_hang_over_the_border_are_followed(colors):
    shift = Occlusion(
        Uniform(-4.0, 30.0), Uniform(-4.0, 30.0), 10, Uniform(6.0, 12.0), Uniform(0.2, 0.9), scope="per_image"
    )
    pairs = shifted_pairs(colors, shift)
    estimate = estimate_of(pairs, "occlusion", "per_image")
    assert isinstance(estimate, Occlusion)
    assert estimate.height == 10
    assert estimate.width == Uniform(6.0, 12.0)
    inferred = estimate.infer_draws(pairs)
    assert inferred is not None
    assert unexplained(inferred, pairs) < 1e-3
