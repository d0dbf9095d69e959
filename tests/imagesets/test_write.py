"""What is written is read back the same, and nothing is left half-written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.read import read_image_set
from shiftassay.imagesets.write import write_array, write_images

SHAPES = st.tuples(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(2, 6), st.integers(2, 6))


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(-4, 4, width=32)))
def test_reading_undoes_writing(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray) -> None:
    path = write_images(tmp_path_factory.getbasetemp() / "round-trip" / "a.npy", images)
    np.testing.assert_array_equal(read_image_set(path, labels="none").images, images)


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_beside_a_float_reference_any_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, images: np.ndarray
) -> None:
    path = write_images(tmp_path_factory.getbasetemp() / "round-trip" / "b.npy", images)
    reference = ImageSet(np.zeros_like(images[:1]), None, "clean.npy")
    np.testing.assert_array_equal(read_image_set(path, labels="none", reference=reference).images, images)


def test_grey_images_are_written_without_a_channel_axis(tmp_path: Path, colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    assert np.load(write_images(tmp_path / "grey.npy", images[:, :1])).shape == (6, 8, 10)
    assert np.load(write_images(tmp_path / "colour.npy", images)).shape == (6, 3, 8, 10)


def test_another_ending_is_refused(tmp_path: Path, colors: np.ndarray) -> None:
    with pytest.raises(BadInput, match=r"Name it a\.npy"):
        write_images(tmp_path / "a.csv", colors.astype(np.float32))


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(BadInput, match=r"a\.npy: can't be written"):
        write_array(tmp_path / "a.npy", np.zeros(3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
