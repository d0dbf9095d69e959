"""Every shape in which people save images means the same images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.imagesets.layout import check_same_shape, to_nchw

SIDES = st.integers(5, 12)


@given(n=st.integers(1, 5), h=SIDES, w=SIDES)
def test_grey_images_may_have_their_channel_first_last_or_not_at_all(n: int, h: int, w: int) -> None:
    images = np.arange(n * h * w).reshape(n, 1, h, w)
    for saved in (images, images[:, 0], np.moveaxis(images, 1, 3)):
        np.testing.assert_array_equal(to_nchw(saved, "a"), images)


@given(n=st.integers(1, 5), c=st.sampled_from([3, 4]), h=SIDES, w=SIDES)
def test_colours_may_stand_first_or_last(n: int, c: int, h: int, w: int) -> None:
    images = np.arange(n * c * h * w).reshape(n, c, h, w)
    np.testing.assert_array_equal(to_nchw(images, "a"), images)
    np.testing.assert_array_equal(to_nchw(np.moveaxis(images, 1, 3), "a"), images)


@given(n=st.integers(1, 5), c=st.integers(1, 6), h=SIDES, w=SIDES)
def test_a_reference_decides_any_number_of_channels_and_any_row(n: int, c: int, h: int, w: int) -> None:
    images = np.arange(n * c * h * w).reshape(n, c, h, w)
    for saved in (images, images.reshape(n, -1)):
        np.testing.assert_array_equal(to_nchw(saved, "a", (c, h, w)), images)
    if (h, w, c) != (c, h, w):
        np.testing.assert_array_equal(to_nchw(np.moveaxis(images, 1, 3), "a", (c, h, w)), images)


@given(n=st.integers(1, 5), side=st.integers(1, 12))
def test_rows_of_a_square_number_are_square_images(n: int, side: int) -> None:
    assert to_nchw(np.zeros((n, side * side)), "a").shape == (n, 1, side, side)


@pytest.mark.parametrize("shape", [(), (784,), (5, 785), (5, 3072), (5, 2, 28, 28), (5, 28, 28, 2), (5, 1, 1, 28, 28)])
def test_other_shapes_are_refused_with_what_was_found(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=r"a\.npy: .*(785|3072|found)"):
        to_nchw(np.zeros(shape), "a.npy")


def test_rows_that_do_not_fit_the_reference_say_so() -> None:
    with pytest.raises(BadInput, match="the reference's images have 784"):
        to_nchw(np.zeros((5, 785)), "a.npy", (1, 28, 28))


def test_another_size_than_the_reference_is_refused_in_words() -> None:
    check_same_shape((1, 28, 28), (1, 28, 28), "t1.npy", "clean.npy")
    with pytest.raises(BadInput, match=r"t1\.npy: expected 28 × 28 images like clean\.npy, found 32 × 32 × 3"):
        check_same_shape((3, 32, 32), (1, 28, 28), "t1.npy", "clean.npy")
