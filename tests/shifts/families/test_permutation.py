from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make, parse
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.summary_statistics import feature_basis, summary_statistics
from shiftassay.shifts.families.line_permutation import ColumnPermutation, RowPermutation
from shiftassay.shifts.families.permutation import order_by_mean_picture

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


PERMUTATIONS = ["pixel_permutation", "row_permutation", "column_permutation", "block_permutation:block=7"]


@pytest.mark.parametrize("text", PERMUTATIONS)
def test_pairs_place_every_part_that_no_other_equals(digits, text):
    true = parse(text).realize((1, 28, 28), np.random.default_rng(5))
    pairs = Pairs(digits.images, true.apply(digits.images, np.random.default_rng(0)))
    (estimate,) = [e for e in type(true).estimate(pairs.first(50)) if e.scope == "shared" and e.variant == true.variant]
    settled = estimate.settle(pairs)
    parts = true.to_parts(digits.images).swapaxes(0, 1).reshape(len(true.permutation), -1)
    _, which, counts = np.unique(parts, axis=0, return_inverse=True, return_counts=True)
    alone = counts[which.ravel()][list(true.permutation)] == 1
    assert np.array_equal(np.array(settled.permutation)[alone], np.array(true.permutation)[alone])
    assert settled.unidentified == tuple(np.flatnonzero(~alone).tolist())
    assert settled.degrees_of_freedom == true.degrees_of_freedom
    assert np.array_equal(settled.apply(digits.images, np.random.default_rng(0)), pairs.shifted)


@pytest.mark.parametrize("then", ["gain:factor=0.6", "gaussian_noise:sd=0.15"])
def test_what_noise_or_rounding_hides_is_listed_and_the_rest_is_right(digits, then):
    true = parse("pixel_permutation").realize((1, 28, 28), np.random.default_rng(6))
    both = Compose((true, parse(then)))
    shifted = np.rint(255 * both.apply(digits.images, np.random.default_rng(0))) / np.float32(255)
    start = Compose((replace(true, permutation=tuple(range(784))), parse(then)))
    placed = start.settle(Pairs(digits.images, shifted)).parts[0]
    known = np.setdiff1d(np.arange(784), placed.unidentified)
    right = np.array(placed.permutation)[known] == np.array(true.permutation)[known]
    assert right.mean() >= 0.99
    inked = np.flatnonzero(((digits.images > 0.2).sum(0).ravel() >= 25)[list(true.permutation)])
    assert np.isin(inked, known).mean() > 0.95


@pytest.mark.parametrize(
    "text", ["row_permutation", "column_permutation", "block_permutation:block=4", "block_permutation:block=14"]
)
def test_samples_that_share_no_image_place_lines_and_blocks_or_say_that_they_do_not(text):
    images = load_dataset("mnist").test.images[:2000]
    true = parse(text).realize((1, 28, 28), np.random.default_rng(7))
    shifted = true.apply(images[1000:], np.random.default_rng(0))
    start = order_by_mean_picture_of(true, images[:1000], shifted)
    placed = start.settle_unpaired(images[:1000], shifted)
    known = np.setdiff1d(np.arange(len(true.permutation)), placed.unidentified)
    assert np.array_equal(np.array(placed.permutation)[known], np.array(true.permutation)[known])
    assert len(known) > 0.5 * len(true.permutation)


def order_by_mean_picture_of(shift, reference, shifted):
    basis = feature_basis(shifted)
    summaries = [summary_statistics(side, basis) for side in (reference, shifted)]
    return replace(shift, permutation=order_by_mean_picture(shift, Samples(reference, shifted, *summaries, basis)))
