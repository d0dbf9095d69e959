"""Labels: each way of writing them gives whole numbers from 0, everything else an error that says what was found."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.labels import MOST_CLASSES, check_range, read_labels, to_labels

LABELS = st.lists(st.integers(0, 100), min_size=1, max_size=20)


@given(LABELS, st.sampled_from(["u1", "<i8", ">i4", "f2", "f4", "f8", "f16", "u8"]), st.booleans())
def test_any_type_and_a_column_mean_the_same(labels: list[int], kind: str, column: bool) -> None:
    values = np.array(labels, kind)
    result = to_labels(values[:, None] if column else values, "labels")
    assert result.dtype == np.int64
    assert result.tolist() == labels


@given(LABELS, st.sampled_from(["u1", "f4", "?"]))
def test_one_hot_rows_mean_their_place(labels: list[int], kind: str) -> None:
    assert to_labels(np.eye(101, dtype=kind)[labels], "labels").tolist() == labels


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["cat", "dog"]), "found <U3"),
        (np.array([None, 1]), "found object"),
        (np.array([1 + 2j]), "found complex"),
        (np.array([0, -1]), "found -1 at place 1"),
        (np.array([0, 1.5]), r"found 1\.5 at place 1"),
        (np.array([np.nan, 1]), "found nan at place 0"),
        (np.array([0x7FA00000], np.uint32).view(np.float32), "found nan at place 0"),  # a NaN that signals
        (np.array([np.inf, 1]), "found inf"),
        (np.array([1e300]), "found 1e\\+300"),
        (np.array([np.finfo(np.longdouble).max]), "found (inf|1.8)"),
        (np.array([2**64 - 1], np.uint64), "found 1.8"),
        (np.array([MOST_CLASSES]), "below 1,000,000"),
        (np.array([[0.2, 0.8], [0.6, 0.4]]), r"shape \(2, 2\)"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.array(3), r"shape \(\)"),
        (np.array([], np.int64), r"shape \(0,\)"),
    ],
    ids=str,
)
def test_what_is_no_label_is_shown(values: np.ndarray, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        to_labels(values, "labels.npy")


def test_another_number_of_labels_than_images_is_refused() -> None:
    with pytest.raises(BadInput, match=r"labels\.npy: 3 labels for 4 images"):
        to_labels(np.arange(3), "labels.npy", 4)


def test_a_label_the_model_has_no_output_for_is_refused() -> None:
    check_range(np.arange(10), 10, "a")
    with pytest.raises(BadInput, match="label 10 at place 2"):
        check_range(np.array([0, 9, 10]), 10, "a")


def test_every_kind_of_file_gives_the_same_labels(tmp_path: Path, digits) -> None:
    images, labels = digits
    files = {
        name: tmp_path / name
        for name in ("a.npy", "a.NPZ", "b.npz", "c.npz", "a.csv", "b.csv", "c.csv", "d.csv", "a.txt")
    }
    np.save(files["a.npy"], labels)
    with files["a.NPZ"].open("wb") as file:
        np.savez(file, labels)
    np.savez(files["b.npz"], labels=labels)
    np.savez(files["c.npz"], x=images, y=labels)
    rows = "".join(f"{label}\n" for label in labels)
    files["a.csv"].write_text(rows)
    files["b.csv"].write_text("label\n" + rows)
    files["c.csv"].write_text(
        "ImageId,Label\n" + "".join(f"{place},{label}\n" for place, label in enumerate(labels, 1))
    )
    files["d.csv"].write_text(
        "".join(",".join("1" if k == label else "0" for k in range(10)) + "\n" for label in labels)
    )
    files["a.txt"].write_text(rows)
    for ending in ("", ".gz"):
        files[ending] = write_idx(tmp_path / f"t10k-labels-idx1-ubyte{ending}", labels)
    for name, path in files.items():
        assert read_labels(path).tolist() == labels.tolist(), name


def test_missing_and_unfit_files_of_labels_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "pickled.npy", np.array(["a", None], object))
    (tmp_path / "words.csv").write_text("cat\ndog\n")
    for name, message in (
        ("none.npy", "no such file"),
        (".", "a folder"),
        ("pickled.npy", "pickled"),
        ("words.csv", "'dog'"),
    ):
        with pytest.raises(BadInput, match=message):
            read_labels(tmp_path / name)
