import numpy as np
import pytest
from tests.shifts.estimates import estimate_of

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import make, parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.summary_statistics import feature_basis, summary_statistics
from shiftassay.shifts.families.bytes import BufferLayout, ByteWrap
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.identity import Identity


@pytest.fixture(scope="module")
def of_bytes(colors) -> np.ndarray:
    return np.rint(255 * colors).astype(np.uint8)


def as_images(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(
    ("change", "shift"),
    [
        (lambda x: x + np.uint8(60), ByteWrap(60)),
        (lambda x: x - np.uint8(200), ByteWrap(56)),
        (lambda x: x.view(np.int8), ByteWrap(0, -128)),
        (lambda x: x.astype(np.int8) + np.int8(-100), ByteWrap(-100, -128)),
    ],
)
def test_bytes_that_wrapped_are_found_and_undone_exactly(of_bytes, change, shift):
    changed = change(of_bytes)
    pairs = Pairs(as_images(of_bytes), as_images(changed))
    assert ByteWrap.estimate(pairs) == [shift]
    assert np.array_equal(shift.undo(pairs.shifted, np.random.default_rng(0)), pairs.reference)


def test_values_between_bytes_and_sums_that_did_not_wrap_are_no_wrap(of_bytes, clothes):
    dark = of_bytes // 2
    assert not ByteWrap.estimate(Pairs(as_images(dark), as_images(dark + 60)))
    assert not ByteWrap.estimate(Pairs(clothes, (clothes + 0.3) % 1))


def test_an_amount_is_the_same_modulo_256():
    assert ByteWrap(200).normal_form() == ByteWrap(-56)
    assert ByteWrap(256).normal_form() == Identity()


def test_how_far_bytes_wrapped_is_guessed_without_partners(digits):
    before, after = digits.images[::2], as_images(np.rint(255 * digits.images[1::2]).astype(np.uint8) + np.uint8(60))
    basis = feature_basis(after)
    samples = Samples(before, after, summary_statistics(before, basis), summary_statistics(after, basis), basis)
    assert ByteWrap.guesses(samples) == [ByteWrap(60)]


@pytest.mark.parametrize(
    ("written", "read", "change"),
    [
        ("hwc", "chw", lambda x: x.transpose(0, 2, 3, 1).reshape(x.shape)),
        ("chw", "hwc", lambda x: x.reshape(len(x), *x.shape[2:], 3).transpose(0, 3, 1, 2)),
        ("hwc", "whc", lambda x: x.transpose(0, 2, 3, 1).reshape(len(x), x.shape[3], -1, 3).transpose(0, 3, 2, 1)),
    ],
)
def test_a_buffer_read_in_another_layout_is_found_and_undone(colors, written, read, change):
    tall = np.ascontiguousarray(colors[:20, :, :, 4:28])
    pairs = Pairs(tall, np.ascontiguousarray(change(tall)))
    shift = BufferLayout(written, read)
    assert np.array_equal(shift.apply(tall, np.random.default_rng(0)), pairs.shifted)
    assert estimate_of(pairs, "buffer_layout") == shift


def test_exchanged_rows_and_columns_of_squares_are_a_transposition(colors, clothes):
    assert not FAMILIES["buffer_layout"].estimate(Pairs(colors, np.ascontiguousarray(colors.swapaxes(2, 3))))
    assert not FAMILIES["buffer_layout"].estimate(Pairs(clothes, np.ascontiguousarray(clothes.swapaxes(2, 3))))
    narrow = np.ascontiguousarray(clothes[..., 4:24])
    pairs = Pairs(narrow, narrow.reshape(-1, 20, 28).transpose(0, 2, 1)[:, None].copy())
    assert estimate_of(pairs, "buffer_layout") == parse("buffer_layout:written=hw,read=wh")


def test_orders_of_other_letters_are_refused():
    with pytest.raises(BadInput, match="two orders of h and w"):
        make("buffer_layout", {"written": "hwc", "read": "hw"})
