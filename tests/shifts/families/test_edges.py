import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs, unexplained

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog


def test_the_edge_of_a_square_is_its_outline():
    square = np.zeros((1, 1, 28, 28), np.float32)
    square[0, 0, 8:20, 8:20] = 1
    edges = catalog.shift(ImageSet(square), "canny_edges").images[0, 0]
    assert not edges[10:18, 10:18].any()
    assert not edges[:6].any()
    assert edges[10:18, 6:10].sum(1) == pytest.approx(np.ones(8), abs=1)
    assert edges[14, 6:10].any()


def test_weak_edges_need_a_strong_neighbour():
    image = np.zeros((1, 1, 28, 28), np.float32)
    image[0, 0, :, 14:] = 0.1  # a slope of at most 0.4 · 0.1 · 4
    assert not catalog.shift(ImageSet(image), "canny_edges:low=0.05,high=0.5").images.any()
    assert catalog.shift(ImageSet(image), "canny_edges:low=0.05,high=0.1").images.any()


@pytest.mark.parametrize(("sd", "low", "high"), [(1.0, 0.1, 0.2), (0.7, 0.5, 1.0), (1.6, 0.3, 0.8)])
def test_edges_are_found(clothes, sd, low, high):
    pairs = shifted_pairs(clothes, f"canny_edges:sd={sd},low={low},high={high}")
    estimate = estimate_of(pairs, "canny_edges").parameters
    assert estimate["sd"] == pytest.approx(sd, rel=0.05)
    assert estimate["low"] == pytest.approx(low, rel=0.05)
    assert estimate["high"] == pytest.approx(high, rel=0.05)


def test_thresholds_of_edges_that_cannot_be_told_are_the_usual_ones(digits):
    pairs = shifted_pairs(digits.images[:50], "canny_edges:sd=1,low=0.12,high=0.25")
    estimate = estimate_of(pairs, "canny_edges")
    assert unexplained(estimate, pairs) < 1e-3
    assert estimate.parameters["low"] == 0.1
