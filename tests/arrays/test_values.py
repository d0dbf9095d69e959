"""The unit of the values: from the type, from the reference, or read off the range, and always said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shiftassay.arrays.image_set import ImageSet
from shiftassay.arrays.values import to_unit
from shiftassay.errors import BadInput

BYTES = arrays.arrays(np.uint8, (2, 1, 3, 3))


def _reference(unit: float, integer: bool) -> ImageSet:
    return ImageSet(np.zeros((1, 1, 3, 3), np.float32), None, "clean.npy", unit, integer)


@pytest.mark.parametrize(("kind", "white"), [("u1", 255), ("<u2", 65535), (">u2", 65535), ("?", 1)])
@pytest.mark.parametrize("reference", [None, _reference(1.0, False), _reference(255.0, True)])
def test_types_of_cameras_are_divided_by_their_maximum(kind: str, white: int, reference: ImageSet | None) -> None:
    values, unit, said = to_unit(np.array([[[[0, white]]]]).astype(kind), "a", reference)
    assert values.dtype == np.float32
    assert values.ravel().tolist() == [0, 1]
    assert unit == white
    assert "maximum of its type" in said


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
    found, unit, said = to_unit(values.astype(kind), "b", _reference(1.0, False))
    np.testing.assert_array_equal(found, values)
    assert unit == 1
    assert "as in clean.npy" in said
    np.testing.assert_array_equal(
        to_unit(values.astype(kind), "b", _reference(255.0, False))[0], values / np.float32(255)
    )


def test_values_outside_0_to_1_are_kept() -> None:
    values, unit, _ = to_unit(np.array([[[[-0.5, 1.5, 2.8]]]]), "a")
    np.testing.assert_allclose(values.ravel(), [-0.5, 1.5, 2.8])
    assert unit == 1


def test_integers_do_not_overshoot_a_unit_as_floats_do() -> None:
    assert to_unit(np.array([[[[0, 3]]]]), "a")[1] == 255
    assert to_unit(np.array([[[[0.0, 3.0]]]]), "a")[1] == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_the_first_image_with_nan_or_infinity_is_named(bad: float, kind: str) -> None:
    values = np.zeros((5, 1, 2, 2), kind)
    values[[2, 4], 0, 1, 1] = bad
    with pytest.raises(BadInput, match=r"a\.npy: 2 of 5 images hold NaN or infinity, the first is image 2"):
        to_unit(values, "a.npy")


def test_values_that_no_pixel_has_are_refused_not_made_infinite() -> None:
    with pytest.raises(BadInput, match="up to 1e\\+300"):
        to_unit(np.full((1, 1, 2, 2), -1e300), "a.npy")


@pytest.mark.parametrize("kind", ["U3", "O", "c8", "M8[s]"])
def test_what_is_no_number_is_refused(kind: str) -> None:
    with pytest.raises(BadInput, match="not numbers"):
        to_unit(np.zeros((1, 1, 2, 2), kind), "a.npy")
