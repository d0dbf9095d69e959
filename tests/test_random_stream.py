import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.random_stream import epoch_order, keep_mask, seed_for, words


def test_seeds_are_the_same_on_every_machine():
    assert seed_for(0, 1, "order") == 2236607937265562738


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 300))
def test_words_may_be_read_from_anywhere(key, start, count):
    assert np.array_equal(words(key, start, count), words(key, 0, start + count)[start:])


@given(st.integers(0, 2**63 - 1), st.integers(0, 500))
def test_an_order_holds_every_image_once(key, n):
    assert np.array_equal(np.sort(epoch_order(key, n)), np.arange(n))


@given(st.integers(0, 2**63 - 1), st.integers(0, 97), st.integers(1, 50), st.sampled_from([0.1, 0.5, 0.9]))
def test_a_mask_does_not_depend_on_where_a_batch_starts(key, first, count, p):
    assert np.array_equal(keep_mask(key, first, count, p), keep_mask(key, 0, first + count, p)[first:])


def test_masks_drop_the_share_they_should_and_neighbours_are_independent():
    kept = keep_mask(seed_for("test"), 0, 1_000_000, 0.3)
    assert abs(kept.mean() - 0.7) < 4 * np.sqrt(0.3 * 0.7 / 1e6)
    assert abs(np.corrcoef(kept[:-1], kept[1:])[0, 1]) < 4 / 1e3
