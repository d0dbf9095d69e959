"""Data sets of four IDX files are found wherever people keep them, and what is missing or does not fit is said."""

from pathlib import Path

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets import dataset as module
from shiftassay.imagesets.dataset import known_datasets, load_dataset
from shiftassay.imagesets.idx import write_idx


def _write(folder: Path, digits, prefix: str = "", ending: str = "", mark: str = "-", test: str = "t10k") -> None:
    images, labels = digits
    folder.mkdir(parents=True, exist_ok=True)
    for part, few in (("train", slice(0, 30)), (test, slice(30, 40))):
        write_idx(folder / f"{prefix}{part}-images{mark}idx3-ubyte{ending}", images[few])
        write_idx(folder / f"{prefix}{part}-labels{mark}idx1-ubyte{ending}", labels[few])


def _is_read(name: str, digits) -> bool:
    images, labels = digits
    dataset = load_dataset(name)
    np.testing.assert_array_equal(dataset.train.images[:, 0], images[:30] / np.float32(255))
    np.testing.assert_array_equal(dataset.test.labels, labels[30:])
    assert (dataset.train.name, dataset.test.name) == (f"{name}:train", f"{name}:test")
    return True


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("place", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("mark", ["-", "."])
def test_a_folder_is_read_in_every_layout(tmp_path: Path, digits, ending: str, place: str, mark: str) -> None:
    _write(tmp_path / place, digits, ending=ending, mark=mark)
    assert _is_read(str(tmp_path), digits)


def test_gzipped_and_plain_files_side_by_side_are_one_set(tmp_path: Path, digits) -> None:
    _write(tmp_path, digits, mark=".")
    _write(tmp_path, digits, ending=".gz", mark=".")
    (tmp_path / "t10k-images-idx3-ubyte").mkdir()  # as in Kaggle's MNIST
    assert _is_read(str(tmp_path), digits)


def test_of_several_sets_one_is_named(tmp_path: Path, digits) -> None:
    other = digits[0][::-1], digits[1][::-1]
    _write(tmp_path / "EMNIST" / "raw", digits, "emnist-digits-", test="test")
    _write(tmp_path / "EMNIST" / "raw", other, "emnist-letters-", test="test")
    assert _is_read(f"{tmp_path}:digits", digits)
    assert _is_read(f"{tmp_path}/EMNIST/raw:emnist-letters", other)
    with pytest.raises(BadInput, match=rf"{tmp_path}:emnist-digits, {tmp_path}:emnist-letters"):
        load_dataset(str(tmp_path))
    for wrong in ("igits", "balanced"):
        with pytest.raises(BadInput, match=f"of '{wrong}'"):
            load_dataset(f"{tmp_path}:{wrong}")


def test_of_several_torchvision_folders_one_is_named(tmp_path: Path, digits) -> None:
    other = digits[0][::-1], digits[1][::-1]
    _write(tmp_path / "MNIST" / "raw", digits)
    _write(tmp_path / "FashionMNIST" / "raw", other)
    assert _is_read(f"{tmp_path}:mnist", digits)
    assert _is_read(f"{tmp_path}:FashionMNIST", other)
    with pytest.raises(BadInput, match=f"{tmp_path}:FashionMNIST, {tmp_path}:MNIST"):
        load_dataset(str(tmp_path))


def test_a_name_that_is_no_data_set_gets_the_nearest_that_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Did you mean 'mnist'"):
        load_dataset("mnits")
    for name in (str(tmp_path / "none"), "x" * 5000, ":", ""):
        with pytest.raises(BadInput, match="unknown data set"):
            load_dataset(name)
    (tmp_path / "file.npy").touch()
    with pytest.raises(BadInput, match="a file, where a data set's folder was expected"):
        load_dataset(str(tmp_path / "file.npy"))


def test_an_empty_folder_is_told_what_belongs_into_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected train-images-idx3-ubyte"):
        load_dataset(str(tmp_path))


def test_a_missing_file_is_named(tmp_path: Path, digits) -> None:
    _write(tmp_path, digits)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(BadInput, match="no test labels beside"):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("train-labels-idx1-ubyte", np.zeros(29, np.uint8), "29 labels for 30 images"),
        ("train-labels-idx1-ubyte", np.full(30, -1, np.int16), "found -1"),
        ("t10k-images-idx3-ubyte", np.zeros((10, 27, 28), np.uint8), "expected 28 × 28"),
        ("t10k-images-idx3-ubyte", np.zeros(10, np.uint8), "expected images as"),
        ("train-images-idx3-ubyte", np.full((30, 28, 28), np.nan, np.float32), "NaN"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, digits, name: str, values: np.ndarray, message: str) -> None:
    _write(tmp_path, digits)
    write_idx(tmp_path / name, values)
    with pytest.raises(BadInput, match=message):
        load_dataset(str(tmp_path))


def test_float_images_are_not_divided_by_255(tmp_path: Path, digits) -> None:
    _write(tmp_path, digits)
    for name, few in (("train-images-idx3-ubyte", slice(0, 30)), ("t10k-images-idx3-ubyte", slice(30, 40))):
        write_idx(tmp_path / name, digits[0][few] / np.float32(255))
    assert _is_read(str(tmp_path), digits)


def test_installed_sets_are_found_by_name_or_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits
) -> None:
    monkeypatch.setitem(module.INSTALLED, "fashion-mnist", tmp_path / "fashion")
    assert known_datasets()["fashion-mnist"] == "not installed"
    with pytest.raises(BadInput, match="dataset-fashion-mnist"):
        load_dataset("fashion-mnist")
    _write(tmp_path / "fashion", digits, ending=".gz")
    assert _is_read("fashion-mnist", digits)
