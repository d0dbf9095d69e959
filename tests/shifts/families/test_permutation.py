import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.line_permutation import ColumnPermutation, RowPermutation

NUMBERED = ImageSet(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4) / 16)


@pytest.mark.parametrize(
    ("family", "permutation", "expected"),
    [
        ("row_permutation", [2, 0, 1, 3], [8, 0, 4, 12]),
        ("column_permutation", [2, 0, 1, 3], [2, 6, 10, 14]),
        ("pixel_permutation", [5, *range(5), *range(6, 16)], [5, 3, 8, 12]),
    ],
)
def test_out_i_is_in_p_i(family, permutation, expected):
    moved = catalog.shift(NUMBERED, make(family, {"permutation": permutation})).images[0, 0] * 16
    assert moved[:, 0].tolist() == expected


def test_blocks_are_counted_row_by_row():
    permutation = make("block_permutation", {"block": 2, "permutation": [1, 2, 3, 0]})
    moved = catalog.shift(NUMBERED, permutation).images[0, 0] * 16
    assert moved.tolist() == [[2, 3, 8, 9], [6, 7, 12, 13], [10, 11, 0, 1], [14, 15, 4, 5]]


def test_what_is_no_permutation_of_the_images_is_refused(digits):
    with pytest.raises(BadInput, match="each place from 0 once"):
        make("row_permutation", {"permutation": [0, 0]})
    with pytest.raises(BadInput, match="4 places, the images have 28"):
        catalog.shift(digits, make("column_permutation", {"permutation": [0, 1, 3, 2]}))
    with pytest.raises(BadInput, match="blocks of 5"):
        catalog.shift(digits, "block_permutation:block=5")


@pytest.mark.parametrize(("family", "axis"), [(RowPermutation, 2), (ColumnPermutation, 3)])
def test_an_order_is_found_through_a_blur_that_makes_neighbours_alike(digits, rng, family, axis):
    order = rng.permutation(28)
    shifted = gaussian_filter(np.take(digits.images, order, axis), (0, 0, 1.2, 1.2), mode="nearest")
    (estimate, *_) = family.estimate(Pairs(digits.images, shifted, contrast=True))
    varies = digits.images.var((0, 1, 5 - axis))[order] > 1e-3
    assert np.array_equal(np.array(estimate.permutation)[varies], order[varies])
