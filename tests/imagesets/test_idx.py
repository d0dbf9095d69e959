"""IDX: what is written is what is read, and nothing that lies is believed."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shiftassay.errors import BadInput
from shiftassay.imagesets.idx import TYPES, labels_beside, read_idx, write_idx

ANY_ARRAY = st.sampled_from(sorted(TYPES.values())).flatmap(
    lambda kind: arrays.arrays(np.dtype(kind), arrays.array_shapes(min_dims=1, max_dims=4, max_side=4))
)


@given(values=ANY_ARRAY, ending=st.sampled_from(["idx", "idx.gz"]))
def test_reading_undoes_writing(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"values.{ending}"
    write_idx(path, values)
    back = read_idx(path)
    assert back.dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, values)


def test_written_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    path = write_idx(tmp_path / "a.idx", np.array([[1, 2], [3, 258]], np.int16))
    assert path.read_bytes() == bytes.fromhex("00000b02 00000002 00000002 0001 0002 0003 0102")


def test_gzip_is_written_the_same_each_time_and_told_by_content(tmp_path: Path, digits) -> None:
    first = write_idx(tmp_path / "a-idx3-ubyte.gz", digits[0]).read_bytes()
    assert first == write_idx(tmp_path / "b-idx3-ubyte.gz", digits[0]).read_bytes()
    misnamed = tmp_path / "c-idx3-ubyte"
    misnamed.write_bytes(first)
    unpacked = tmp_path / "d-idx3-ubyte.gz"
    unpacked.write_bytes(gzip.decompress(first))
    np.testing.assert_array_equal(read_idx(misnamed), digits[0])
    np.testing.assert_array_equal(read_idx(unpacked), digits[0])


@pytest.mark.parametrize("ending", ["idx", "idx.gz"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, digits, ending: str, share: float) -> None:
    path = write_idx(tmp_path / f"a.{ending}", digits[0])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadInput, match=r"a\.idx"):
        read_idx(path)


DAMAGED = {
    "nothing": (b"", "empty"),
    "two bytes": (b"\0\0", "not an IDX file"),
    "a web page": (b"<html>not found</html>", "not an IDX file"),
    "an unknown type": (struct.pack(">HBB", 0, 0x07, 1) + bytes(9), "not an IDX file"),
    "no axes": (struct.pack(">HBB", 0, 8, 0), "0 axes"),
    "255 axes": (struct.pack(">HBB", 0, 8, 255) + struct.pack(">255I", *[1] * 255) + b"\0", "255 axes"),
    "half a header": (struct.pack(">HBB", 0, 8, 3) + bytes(4), "truncated"),
    "no images": (struct.pack(">HBBI", 0, 8, 1, 0), "nothing in it"),
    "no huge images": (struct.pack(">HBB4I", 0, 8, 4, 0, *[2**32 - 1] * 3), "nothing in it"),
    "2^96 images": (struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3), "the file holds less"),
    "a byte too many": (struct.pack(">HBBI", 0, 8, 1, 3) + b"abcd", "the file holds more"),
    "no gzip": (b"\x1f\x8b" + bytes(30), "gzip stream is broken"),
    "half a gzip": (gzip.compress(struct.pack(">HBBI", 0, 8, 1, 3), mtime=0)[:-9], "gzip stream is broken"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_is_no_idx_file_says_why(tmp_path: Path, damage: str) -> None:
    content, message = DAMAGED[damage]
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message) as error:
        read_idx(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("claimed", "content"),
    [
        (1 << 30, np.random.default_rng(0).bytes(1 << 20)),  # incompressible, so that 1 GiB could still be in a MiB
        (1 << 40, bytes(64 << 20)),  # more than could be in it, and a bomb if it were unpacked to find out
    ],
    ids=["noise", "zeros"],
)
def test_a_lying_gzipped_header_takes_no_memory(tmp_path: Path, claimed: int, content: bytes) -> None:
    path = tmp_path / "a-idx2-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBB2I", 0, 8, 2, 1 << 10, claimed >> 10) + content, 1))
    tracemalloc.start()
    with pytest.raises(BadInput, match="more than 200 times the compressed size is refused"):
        read_idx(path)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


def test_types_and_axes_that_idx_has_not_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no type uint16"):
        write_idx(tmp_path / "a.idx", np.zeros(3, np.uint16))
    with pytest.raises(BadInput, match="0 axes"):
        write_idx(tmp_path / "a.idx", np.array(1, np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_the_labels_of_an_idx_file_are_found_beside_it(tmp_path: Path) -> None:
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    labels.touch()
    assert labels_beside(tmp_path / "t10k-images-idx3-ubyte.gz") == labels
    assert labels_beside(tmp_path / "train-images-idx3-ubyte") is None
    assert labels_beside(labels) is None
