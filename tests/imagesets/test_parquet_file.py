"""Parquet files of encoded pictures, as Hugging Face's `datasets` writes them."""

import io
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.imagesets.pictures import pixels

from shiftassay.errors import BadInput
from shiftassay.imagesets.picture_rows import Limits
from shiftassay.imagesets.read import read_image_set

NAMES = [f"p{n}.png" for n in range(40)]
FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog", "eel"], "_type": "ClassLabel"}}


def encoded(name: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels(name)).save(buffer, "PNG")
    return buffer.getvalue()


def write(path, columns: dict, features: dict | None = None):
    table = pa.table(columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, row_group_size=16)
    return path


@pytest.fixture
def hugging_face(tmp_path):
    images = [{"bytes": encoded(name), "path": name} for name in NAMES]
    return write(tmp_path / "a.parquet", {"image": images, "label": [n % 3 for n in range(40)]}, FEATURES)


def truth(names) -> np.ndarray:
    return np.stack([pixels(name) for name in names]).transpose(0, 3, 1, 2)


def test_pictures_labels_and_names_are_read(hugging_face):
    image_set = read_image_set(hugging_face)
    np.testing.assert_array_equal(np.rint(image_set.images * 255), truth(NAMES))
    assert image_set.names == tuple(NAMES)
    assert image_set.classes == ("cat", "dog", "eel")
    assert image_set.required_labels.tolist() == [n % 3 for n in range(40)]


def test_a_sample_is_read_from_all_row_groups(hugging_face):
    sample = read_image_set(hugging_face, limits=Limits(pictures=20))
    assert sample.names is not None
    np.testing.assert_array_equal(np.rint(sample.images * 255), truth(sample.names))
    places = [NAMES.index(name) for name in sample.names]
    assert list(sample.required_labels) == [place % 3 for place in places]
    assert min(places) < 16
    assert max(places) >= 32


def test_a_column_of_bytes_has_no_names(tmp_path):
    path = write(tmp_path / "a.parquet", {"picture": list(map(encoded, NAMES))})
    image_set = read_image_set(path)
    np.testing.assert_array_equal(np.rint(image_set.images * 255), truth(NAMES))
    assert image_set.names is None


def test_labels_by_name_are_numbered(tmp_path):
    path = write(tmp_path / "a.parquet", {"img": list(map(encoded, NAMES)), "label": ["dog", "cat"] * 20})
    image_set = read_image_set(path)
    assert image_set.classes == ("cat", "dog")
    assert image_set.required_labels.tolist() == [1, 0] * 20


def test_hidden_labels_are_none(tmp_path):
    path = write(tmp_path / "a.parquet", {"img": list(map(encoded, NAMES)), "label": [-1] * 40})
    assert read_image_set(path).labels is None


def test_rows_that_can_not_be_read_are_named(tmp_path):
    content = [b"no picture", None, *map(encoded, NAMES[2:])]
    image_set = read_image_set(write(tmp_path / "a.parquet", {"image": content}))
    assert len(image_set) == 38
    assert any("row 0 (no picture" in note and "row 1 (" in note for note in image_set.notes)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"a": [1, 2]}, "which column"),
        ({"a": [b"x"], "b": [b"y"]}, "which column"),
        ({"image": pa.array([], pa.binary())}, "no pictures"),
        ({"image": [b"x", b"y"], "label": [0, None]}, "whole numbers or names"),
        ({"image": [b"x", b"y"], "label": [0, -1]}, "whole numbers"),
    ],
)
def test_what_can_not_be_used_is_refused(tmp_path, columns, match):
    with pytest.raises(BadInput, match=match):
        read_image_set(write(tmp_path / "a.parquet", columns))


def test_a_label_without_a_name_is_refused(tmp_path):
    path = write(tmp_path / "a.parquet", {"image": [encoded("a")] * 2, "label": [0, 7]}, FEATURES)
    with pytest.raises(BadInput, match="label 7"):
        read_image_set(path)


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_damaged_file_is_refused(hugging_face, cut):
    hugging_face.write_bytes(hugging_face.read_bytes()[:cut])
    with pytest.raises(BadInput, match="no Parquet file"):
        read_image_set(hugging_face)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_image_set(tmp_path / "a.parquet")


def test_without_pyarrow_it_is_said_what_to_install(hugging_face, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"pip install 'shiftassay\[parquet\]'"):
        read_image_set(hugging_face)


def test_a_row_group_larger_than_memory_is_refused(hugging_face, monkeypatch):
    monkeypatch.setattr("shiftassay.imagesets.parquet_file.available_memory", lambda: 100)
    with pytest.raises(BadInput, match="smaller row groups"):
        read_image_set(hugging_face)
