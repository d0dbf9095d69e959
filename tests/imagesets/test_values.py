"""The unit of the values: from the type, from the reference, or read off the range, and always said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.values import to_unit

BYTES = arrays.arrays(np.uint8, (2, 1, 3, 3))


def _reference(unit: float, integer: bool) -> ImageSet:
    return ImageSet(np.zeros((1, 1, 3, 3), np.float32), None, "clean.npy", float(unit), integer)


@pytest.mark.parametrize(("kind", "white"), [("u1", 255), ("<u2", 65535), (">u2", 65535), ("?", 1)])
@pytest.mark.parametrize("reference", [None, _reference(1.0, False), _reference(255.0, True)])
def test_types_of_cameras_are_divided_by_their_maximum(kind: str, white: int, reference: ImageSet | None) -> None:
    values, unit, note = to_unit(np.array([[[[0, white]]]]).astype(kind), "a", reference)
    assert values.dtype == np.float32
    assert values.ravel().tolist() == [0, 1]
    assert unit == white
    assert "maximum of its type" in note


@given(BYTES, st.sampled_from(["f4", "f8", ">f4", "i4", "i8"]))
def test_0_to_255_beside_bytes_is_the_same_set(values: np.ndarray, kind: str) -> None:
    values[0, 0, 0, 0] = 200
    expected = to_unit(values, "a")[0]
    np.testing.assert_array_equal(to_unit(values.astype(kind), "b", _reference(255.0, True))[0], expected)
    np.testing.assert_array_equal(to_unit(values.astype(kind), "b")[0], expected)


@given(BYTES)
def test_0_to_1_beside_bytes_is_the_same_set(values: np.ndarray) -> None:
    np.testing.assert_allclose(
        to_unit(values / 255, "b", _reference(255.0, True))[0], to_unit(values, "a")[0], rtol=0, atol=1e-7
    )


@given(BYTES, st.sampled_from(["f4", "f8", "i8"]))
def test_beside_floats_nothing_is_rescaled(values: np.ndarray, kind: str) -> None:
    converted, unit, note = to_unit(values.astype(kind), "b", _reference(1.0, False))
    np.testing.assert_array_equal(converted, values)
    assert unit == 1
    assert "as in clean.npy" in note
    np.testing.assert_array_equal(
        to_unit(values.astype(kind), "b", _reference(255.0, False))[0], values / np.float32(255)
    )


def test_values_outside_0_to_1_are_kept() -> None:
    values, unit, _ = to_unit(np.array([[[[-0.5, 1.5, 2.8]]]]), "a")
    np.testing.assert_allclose(values.ravel(), [-0.5, 1.5, 2.8])
    assert unit == 1


@pytest.mark.parametrize(
    ("low", "high", "kind", "unit"),
    [
        (0, 1, "f8", 1),
        (0, 4, "f8", 1),  # a contrast of 4
        (0, 16, "f8", 16),  # 8 × 8 digits
        (0, 16, "i8", 16),
        (0, 3, "i8", 3),
        (0, 1, "i8", 1),
        (0, 64, "f4", 64),
        (-2.1, 12, "f4", 1),  # normalized
        (-64, 3, "f4", 1),
        (-65, 3, "f4", 255),
        (-128, 127, "i1", 255),
        (0, 100, "i1", 255),
        (0, 1000, "f4", 255),  # noise and contrast overshoot
        (0, 256, "i4", 65535),
        (0, 32767, "i2", 65535),
        (0, 262_140, "f4", 65535),
        (0, 262_141, "f4", 262_141),
        (0, 510_000, "f8", 510_000),
        (0, 100_000, "i8", 100_000),
        (0, 100_000, "i4", 100_000),
        (-100_000, 5, "i8", 100_000),
        (0, 2**32, "u8", 2**32),
    ],
)
def test_a_unit_is_found_in_which_nothing_is_lost_and_said(low: float, high: float, kind: str, unit: float) -> None:
    values = np.linspace(low, high, 48).reshape(3, 1, 4, 4).astype(kind)
    converted, chosen, note = to_unit(values, "a")
    assert chosen == unit
    np.testing.assert_allclose(converted, values / unit, rtol=1e-6)
    assert len(np.unique(converted)) == len(np.unique(values))
    assert f"divided by {unit:g} " in note or (unit == 1 and "taken as they are" in note)
    assert ("white is" in note) == (unit not in (1, 255, 65535))


@pytest.mark.parametrize("factor", [1, 255, 2000, 65535, 510_000, 1e6])
def test_whatever_the_factor_no_float_set_becomes_black(digits, factor: float) -> None:
    values = (digits[0][:, None] / 255 * factor).astype(np.float32)
    converted = to_unit(values, "a")[0]
    assert converted.max() >= 1 / 64
    assert len(np.unique(converted)) == 256 == len(np.unique(values))


@pytest.mark.parametrize(
    ("high", "kind", "unit", "expected"),
    [
        (1, "f8", 255, 1),
        (3, "f8", 255, 1),
        (200, "f8", 255, 255),
        (1, "i8", 255, 1),
        (3, "i8", 255, 255),
        (300, "i2", 255, 255),  # overshoots in a wider type
        (65535, "f8", 255, 65535),
        (10**6, "i8", 255, 255),
        (1.2, "f8", 16, 1),
        (16, "f8", 16, 16),
        (200, "f8", 16, 255),
        (10**5, "i8", 10**5, 10**5),
    ],
)
def test_beside_integers_the_range_tells_which_unit_was_saved(
    high: float, kind: str, unit: float, expected: float
) -> None:
    values = np.linspace(0, high, 48).reshape(3, 1, 4, 4).astype(kind)
    converted, chosen, _ = to_unit(values, "b", _reference(unit, True))
    assert chosen == expected
    np.testing.assert_allclose(converted, values / expected, rtol=1e-6)


def test_beside_digits_of_0_to_16_the_same_digits_are_the_same_set() -> None:
    values = np.arange(1, 17.0).reshape(1, 1, 4, 4)
    reference = ImageSet(to_unit(values, "a")[0], None, "clean.npy", 16.0, False)
    np.testing.assert_array_equal(to_unit(16 - values, "b", reference)[0], 1 - reference.images)


@pytest.mark.parametrize(
    ("high", "kind", "note"),
    [
        (1, "u1", "all but black: if they are masks"),
        (1, "u2", "all but black: if they are masks"),
        (255, "u2", "all fit in 8 bits"),
        (16, "u1", "if 16 is white, divide by it"),
        (4095, "u2", "if 4095 is white, divide by it"),
        (1 / 255, "f8", "were they divided twice"),
    ],
)
def test_another_white_that_may_have_been_meant_is_said(high: float, kind: str, note: str) -> None:
    assert note in to_unit(np.linspace(0, high, 32).reshape(2, 1, 4, 4).astype(kind), "a")[2]


@pytest.mark.parametrize(("high", "kind"), [(255, "u1"), (100, "u1"), (65535, "u2"), (1, "f8"), (255, "f8")])
def test_of_usual_ranges_nothing_is_doubted(high: float, kind: str) -> None:
    assert ";" not in to_unit(np.linspace(0, high, 32).reshape(2, 1, 4, 4).astype(kind), "a")[2]


def test_a_few_values_far_above_all_others_are_said() -> None:
    values = np.random.default_rng(0).random((4, 1, 8, 8))
    values[2, 0, 3, 3] = 1e7
    assert "if a few are outliers" in to_unit(values, "a")[2]


def test_of_one_value_a_set_is_whatever_it_is() -> None:
    for value in (0.0, 0.1307, 1e6, -3.0):
        converted, unit, _ = to_unit(np.full((2, 1, 3, 3), value), "a")
        np.testing.assert_allclose(converted * unit, value, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_the_first_image_with_nan_or_infinity_is_named(bad: float, kind: str) -> None:
    values = np.zeros((5, 1, 2, 2), kind)
    values[[2, 4], 0, 1, 1] = bad
    with pytest.raises(BadInput, match=r"a\.npy: 2 of 5 images hold NaN or infinity, the first is image 2"):
        to_unit(values, "a.npy")


@pytest.mark.parametrize("reference", [None, _reference(255.0, True), _reference(1.0, False)])
@pytest.mark.parametrize("high", [1e300, -1e300, 1e39, 1e-40])
def test_values_that_no_pixel_has_are_refused_not_made_infinite_or_black(
    high: float, reference: ImageSet | None
) -> None:
    with pytest.raises(BadInput, match=r"a\.npy: holds values from .*, which are no pixels in any unit\. Divide"):
        to_unit(np.linspace(0, high, 8).reshape(1, 2, 2, 2), "a.npy", reference)


def test_a_nan_that_signals_is_a_nan() -> None:
    for kind in (">f4", "<f4"):
        values = np.array([0, 0x7FA00000], np.uint32).astype(kind.replace("f", "u")).view(kind)
        with pytest.raises(BadInput, match="1 of 2 images hold NaN"):
            to_unit(values.reshape(2, 1, 1, 1), "a.npy")


@pytest.mark.skipif(np.longdouble is np.float64, reason="this machine has no extended precision")
@pytest.mark.parametrize("value", ["1e4000", "-1e4000", "1e-4000"])
def test_of_extended_precision_nothing_is_lost_either(value: str) -> None:
    with pytest.raises(BadInput, match="no pixels"):
        to_unit(np.array([[[[0, np.longdouble(value)]]]]), "a.npy")
    np.testing.assert_allclose(to_unit(np.linspace(0, 1, 8, dtype="g").reshape(2, 1, 2, 2), "a")[0].max(), 1)


@pytest.mark.parametrize("kind", ["f4", "f8", "i8"])
def test_beyond_2_to_the_32_no_unit_is_guessed(kind: str) -> None:
    values = np.array([[[[0, 2**33]]]]).astype(kind)
    for reference in (None, _reference(255.0, True)):
        with pytest.raises(BadInput, match="which are no pixels"):
            to_unit(values, "a.npy", reference)
    assert to_unit(values, "a.npy", _reference(1.0, False))[0].max() == 2**33


@pytest.mark.parametrize("reference", [None, _reference(255.0, True), _reference(1.0, False)])
@pytest.mark.parametrize("offset", [1e9, -1e9, 1e6, 2e5])
def test_differences_that_float32_cannot_hold_are_refused(digits, offset: float, reference: ImageSet | None) -> None:
    values = offset + digits[0][:, None] / 255
    with pytest.raises(BadInput, match=r"a\.npy: 40 of 40 images differ from one value by less than single precision"):
        to_unit(values, "a.npy", reference)


def test_an_offset_of_each_image_loses_its_differences_too(digits) -> None:
    with pytest.raises(BadInput, match="less than single precision"):
        to_unit(digits[0][:, None] / 255 + 1e6 * np.arange(1, 41)[:, None, None, None], "a.npy")


def test_whole_numbers_that_float32_holds_are_not_refused(digits) -> None:
    values = digits[0][:, None].astype(np.int64) + 10**6
    converted, unit, _ = to_unit(values, "a")
    assert len(np.unique(np.rint(converted * np.float64(unit)))) == len(np.unique(values))
    with pytest.raises(BadInput, match="less than single precision"):
        to_unit(values + 10**9, "a")


def test_images_of_one_value_but_for_rounding_are_read() -> None:
    values = 0.1307 * (1 + 1e-16 * np.random.default_rng(0).normal(size=(3, 1, 8, 8)))
    np.testing.assert_allclose(to_unit(values, "a")[0], 0.1307, rtol=1e-6)
    values[0] = np.linspace(0, 1, 64).reshape(8, 8)
    values[1] = 0.5 + 1e-9 * values[0]  # one image of little contrast is no reason to refuse the others
    assert to_unit(values, "a")[1] == 1


def test_images_come_back_in_one_piece_of_memory(digits) -> None:
    for values in (digits[0][:, None], np.moveaxis(digits[0].reshape(10, 28, 28, 4), 3, 1), digits[0][:, None, ::-1]):
        assert to_unit(values, "a")[0].flags.c_contiguous


@pytest.mark.parametrize("kind", ["U3", "O", "c8", "M8[s]"])
def test_what_is_no_number_is_refused(kind: str) -> None:
    with pytest.raises(BadInput, match="not numbers"):
        to_unit(np.zeros((1, 1, 2, 2), kind), "a.npy")
