"""Any file to an image set: the same images however they were saved, the right labels, errors that help."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.read import read_folder, read_image_set

FORMS = {
    "n h w": lambda x: x,
    "rows": lambda x: x.reshape(len(x), -1),
    "channel first": lambda x: x[:, None],
    "channel last": lambda x: x[..., None],
    "Fortran order": np.asfortranarray,
    "int64": lambda x: x.astype(np.int64),
    "big-endian": lambda x: x.astype(">f4"),
    "float64, 0 to 255": lambda x: x.astype(float),
    "float64, 0 to 1": lambda x: x / 255,
    "uint16": lambda x: x.astype(np.uint16) * 257,
}
SAVERS = {
    ".npy": np.save,
    ".NPY": lambda path, array: path.write_bytes(_bytes(np.save, array)),
    ".npz": lambda path, array: np.savez(path, images=array),
    ".csv": lambda path, array: np.savetxt(path, array.reshape(len(array), -1), delimiter=",", fmt="%.9g"),
}


def _bytes(save, array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", SAVERS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [None, "bytes"])
def test_however_saved_the_images_and_their_labels_are_the_same(
    tmp_path: Path, digits, form: str, ending: str, kind: str | None
) -> None:
    images, labels = digits
    expected = images[:, None] / np.float32(255)
    reference = ImageSet(expected, labels.astype(np.int64), "clean.npy", 255.0, True) if kind else None
    path = tmp_path / f"a{ending}"
    SAVERS[ending](path, FORMS[form](images))
    image_set = read_image_set(path, reference=reference)
    np.testing.assert_allclose(image_set.images, expected, rtol=0, atol=1e-6)
    assert image_set.images.flags.c_contiguous
    assert image_set.labels.tolist() == labels.tolist()
    assert any("found by matching every image with the MNIST test set" in note for note in image_set.notes)
    assert "read as 40 images of 28 × 28" in image_set.notes[0]


@pytest.mark.parametrize("last", [False, True])
def test_colour_images_are_read_channels_first_or_last(tmp_path: Path, colors: np.ndarray, last: bool) -> None:
    np.save(tmp_path / "a.npy", np.moveaxis(colors, 1, 3) if last else colors)
    image_set = read_image_set(tmp_path / "a.npy")
    np.testing.assert_array_equal(image_set.images, colors / np.float32(255))
    assert image_set.shape == (3, 8, 10)
    assert image_set.labels is None
    assert image_set.notes[-1] == "a.npy: no labels found"


def test_labels_come_in_the_promised_order(tmp_path: Path, digits) -> None:
    images, labels = digits
    given, inside, beside = ((labels + k) % 10 for k in (1, 2, 3))
    np.savez(tmp_path / "with.npz", images=images, labels=inside)
    np.save(tmp_path / "without.npy", images)
    np.save(tmp_path / "given.npy", given)

    def read(name: str, **options) -> tuple[list[int] | None, str]:
        image_set = read_image_set(tmp_path / name, **options)
        return None if image_set.labels is None else image_set.labels.tolist(), image_set.notes[-1]

    assert read("without.npy") == (
        labels.tolist(),
        "without.npy: labels found by matching every image with the MNIST test set",
    )
    np.save(tmp_path / "labels.npy", beside)
    note = (
        f"without.npy: labels from labels.npy beside it; but its images are MNIST's, and {len(labels)} have other "
        "labels there: is the order another?"
    )
    assert read("without.npy") == (beside.tolist(), note)
    np.save(tmp_path / "labels.npy", labels)
    assert read("without.npy") == (labels.tolist(), "without.npy: labels from labels.npy beside it")
    assert read("with.npz") == (inside.tolist(), "with.npz: labels from the file itself")
    assert read("with.npz", labels=tmp_path / "given.npy") == (given.tolist(), "with.npz: labels given, from given.npy")
    for none in ("none", Path("none")):  # the command line passes paths
        assert read("with.npz", labels=none)[0] is None


def test_a_reference_lends_its_labels_by_content_before_by_order(tmp_path: Path, colors: np.ndarray) -> None:
    reference = ImageSet(colors / np.float32(255), np.arange(6), "clean.npy", 255.0, True)
    np.save(tmp_path / "reordered.npy", colors[::-1])
    np.save(tmp_path / "inverted.npy", 255 - colors)
    np.save(tmp_path / "fewer.npy", 255 - colors[:5])
    reordered, inverted, fewer = (
        read_image_set(tmp_path / f"{name}.npy", reference=reference) for name in ("reordered", "inverted", "fewer")
    )
    assert reordered.labels.tolist() == [5, 4, 3, 2, 1, 0]
    assert inverted.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert "assuming the same order" in inverted.notes[-1]
    assert fewer.labels is None


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_images_find_their_labels_beside_them(tmp_path: Path, colors: np.ndarray, ending: str) -> None:
    path = write_idx(tmp_path / f"t10k-images-idx3-ubyte{ending}", colors[:, 0])
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.arange(6, dtype=np.uint8))
    image_set = read_image_set(path)
    assert image_set.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert image_set.notes[-1].endswith("labels from t10k-labels-idx1-ubyte.gz beside it")


def test_named_sets_have_parts_and_take_given_labels(tmp_path: Path) -> None:
    assert len(read_image_set("mnist")) == len(read_image_set("mnist:test")) == 10_000
    assert read_image_set("mnist:test", labels=Path("none")).labels is None
    np.save(tmp_path / "labels.npy", np.zeros(10_000, int))
    assert read_image_set("mnist:test", labels=tmp_path / "labels.npy").labels.max() == 0
    with pytest.raises(BadInput, match="mnist:tset: no such part"):
        read_image_set("mnist:tset")


def test_a_named_set_of_another_size_than_the_reference_is_refused(colors: np.ndarray) -> None:
    with pytest.raises(BadInput, match="expected 8 × 10 × 3 images like clean, found 28 × 28"):
        read_image_set("mnist:test", reference=ImageSet(colors.astype(np.float32), None, "clean"))


@pytest.mark.parametrize("ending", ["npy", "npz", "csv", "idx", "idx.gz", "png"])
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"folder.{ending}").mkdir()
    (tmp_path / f"empty.{ending}").touch()
    (tmp_path / f"loop.{ending}").symlink_to(f"loop.{ending}")
    os.mkfifo(tmp_path / f"pipe.{ending}")
    for name, message in (
        ("missing", "no such file"),
        ("folder", "no pictures in this folder"),
        ("empty", "empty|no rows|not a readable|don't know the format"),
        ("loop", "can't be read"),
        ("pipe", "not a regular file"),
        ("x" * 300, "can't be read"),
    ):
        with pytest.raises(BadInput, match=message) as error:
            read_image_set(tmp_path / f"{name}.{ending}")
        assert str(tmp_path / f"{name}.{ending}") in str(error.value)


@pytest.mark.parametrize(
    "name", ["a\0b.npy", "x" * 100_000 + ".npy", "\ud800.csv", "a" * 250 + ".idx", "", "\0", "a/" * 3000]
)
def test_names_that_no_file_can_have_are_refused_shortly(tmp_path: Path, name: str) -> None:
    for read in (
        lambda: read_image_set(tmp_path / name),
        lambda: read_image_set(name),
        lambda: read_image_set("mnist:test", labels=name),
        lambda: read_folder(Path(name) / "none"),
        lambda: load_dataset(name),
    ):
        with pytest.raises(BadInput) as error:
            read()
        assert len(str(error.value).encode()) <= 2048


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path, digits) -> None:
    path = tmp_path / f"{'x' * 231}-images-idx3-ubyte.idx"
    write_idx(tmp_path / "a.idx", digits[0]).rename(path)  # gzipped labels beside it would have too long a name
    np.testing.assert_array_equal(read_image_set(path).labels, digits[1])


def test_control_characters_of_a_name_reach_no_note(tmp_path: Path, digits) -> None:
    path = tmp_path / "a\x1b[2J\n.npy"
    np.save(path, digits[0])
    np.save(tmp_path / "b\x07.npy", digits[1])
    image_set = read_image_set(path, labels=tmp_path / "b\x07.npy")
    assert image_set.name == r"a\x1b[2J\n.npy"
    assert all(note.isprintable() for note in image_set.notes)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path, digits) -> None:
    np.save(tmp_path / "a.npy", digits[0])
    (tmp_path / "a.npy").chmod(0)
    with pytest.raises(BadInput, match="Permission denied"):
        read_image_set(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 28, 28)), "nothing in it"),
        (np.zeros(784), "expected images as"),
        (np.float32(3), "expected images as"),
        (np.full((3, 28, 28), np.nan), "3 of 3 images hold NaN"),
        (np.array([["a", "b", "c", "d"]]), "not numbers"),
        (np.zeros((2, 28, 28), complex), "not numbers"),
        (np.zeros((4, 32, 32)), "expected 28 × 28 images like clean.npy, found 32 × 32"),
        (np.zeros((4, 3, 28, 28)), "found 28 × 28 × 3"),
        (np.zeros((4, 785)), "the reference's images have 784"),
    ],
)
def test_arrays_that_are_no_images_like_the_reference_are_refused(
    tmp_path: Path, digits, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "t1.npy", array)
    reference = ImageSet(digits[0][:, None] / np.float32(255), None, "clean.npy", 255.0, True)
    with pytest.raises(BadInput, match=message) as error:
        read_image_set(tmp_path / "t1.npy", reference=reference)
    assert "t1.npy" in str(error.value)


def test_labels_of_another_length_are_refused_wherever_they_come_from(tmp_path: Path, digits) -> None:
    images, labels = digits
    np.savez(tmp_path / "inside.npz", images=images, labels=labels[:-1])
    np.save(tmp_path / "a.npy", images)
    np.save(tmp_path / "labels.npy", labels[:-1])
    np.save(tmp_path / "given.npy", labels[:5])
    for name, given, message in (
        ("inside.npz", None, r"inside\.npz: 39 labels for 40"),
        ("a.npy", None, r"labels\.npy: 39 labels for 40"),
        ("a.npy", tmp_path / "given.npy", r"given\.npy: 5 labels for 40"),
    ):
        with pytest.raises(BadInput, match=message):
            read_image_set(tmp_path / name, labels=given)


def test_a_folder_gives_its_reference_and_its_variants(tmp_path: Path, digits) -> None:
    images, labels = digits
    np.save(tmp_path / "clean.npy", images)
    np.save(tmp_path / "t1.npy", 255 - images.astype(float))
    np.savez(tmp_path / "t2.npz", x=images[::-1])
    np.savetxt(tmp_path / "t3.csv", images.reshape(-1, 784) / 255, delimiter=",")
    for name in ("._clean.npy", "readme.txt", "test_labels.csv", "Targets.npy"):
        (tmp_path / name).write_text("not images")
    clean, shifted = read_folder(tmp_path)
    assert (clean.name, [s.name for s in shifted]) == ("clean.npy", ["t1.npy", "t2.npz", "t3.csv"])
    assert [s.labels.tolist() for s in shifted] == [labels.tolist(), labels[::-1].tolist(), labels.tolist()]
    np.testing.assert_allclose(shifted[0].images, 1 - clean.images, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "found no image files"),
        (["clean.npy"], "at least one variant"),
        (["t1.npy", "t2.npy"], "found t1.npy, t2.npy"),
        (["clean.npy", "reference.npy"], "expected one of"),
        (["clean.npy", "t1.npy", "t1.NPY"], "several image files are called 't1'"),
    ],
)
def test_a_folder_that_is_none_of_variants_is_told_why(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match=message):
        read_folder(tmp_path)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("missing", "file"):
        with pytest.raises(BadInput, match="no folder of variants that can be read"):
            read_folder(tmp_path / name)
