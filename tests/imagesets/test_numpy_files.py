"""`.npy` and `.npz`: what people save is read, what is damaged or malicious is refused before it costs anything."""

import io
import os
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.imagesets.numpy_files import read_npy, read_npz


def _npy(header: str, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text + content


def _header(shape: object, descr: str = "'|u1'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


LIES = {
    "10^15 elements": (_npy(_header((10**15,))), "holds less"),
    "10^15 of nothing": (_npy(_header((10**15,), "'|S0'")), "nothing in it"),
    "more than there is": (_npy(_header((5,)), b"1234"), "holds less"),
    "less than there is": (_npy(_header((3,)), b"1234"), "goes on after the array"),
    "two negative axes": (_npy(_header((-2, -2)), b"1234"), "shape which is none"),
    "a thousand axes": (_npy(_header((1,) * 1000), b"1"), "shape which is none"),
    "a 4 GB header": (b"\x93NUMPY\x02\x00" + b"\xff" * 4, "header is truncated or damaged"),
    "a header cut short": (_npy(_header((3,)))[:30], "header is truncated or damaged"),
    "no header": (b"\x93NUMPY\x01\x00", "header is truncated or damaged"),
    "an unknown version": (_npy(_header((3,)), b"123", (9, 9)), "not a NumPy array"),
    "code": (_npy("__import__('os').mkdir('harm')"), "makes no sense"),
    "an open bracket": (_npy("(" * 50), "makes no sense"),
    "deep nesting": (_npy("(" * 4000 + ")" * 4000), "makes no sense"),
    "unhashable keys": (_npy("{[]: 1}"), "makes no sense"),
    "bytes that are no text": (_npy("\0\0\0"), "makes no sense"),
    "a wrong type": (_npy(_header((3,), "'|q9'")), "makes no sense"),
    "a type that is an array": (_npy(_header((2,), "('|u1', (2,))"), b"1234"), "makes no sense|not an array of images"),
    "another file": (b"\x89PNG\r\n\x1a\n" + bytes(20), "not a NumPy array"),
    "an empty file": (b"", "empty"),
    "a size of 9,000 hexadecimal digits": (_npy(_header(f"(0x{'f' * 9000},)".replace("'", ""))), "shape which is none"),
    "a type of 9,000 letters": (_npy(_header((3,), f"[('{'x' * 9000}', '|u1')]"), b"12"), "holds less"),
    "an empty array": (_npy(_header((0, 28, 28))), "nothing in it"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    content, message = LIES[lie]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(BadInput, match=message) as error:
        read_npy(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 700
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("lie", LIES)
def test_a_header_inside_an_archive_is_not_believed(tmp_path: Path, lie: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", LIES[lie][0])
    with pytest.raises(BadInput, match=LIES[lie][1]):
        read_npz(path)


@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_no_flipped_byte_of_a_header_gives_anything_but_an_array_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=np.zeros((2, 3, 3), np.uint8), labels=np.arange(2))
    for name, whole, read in (
        ("a.npz", buffer.getvalue(), read_npz),
        ("a.npy", _npy(_header((4,)), b"1234"), read_npy),
    ):
        content = bytearray(whole)
        content[at % len(content)] = byte
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(content)
        with suppress(BadInput):
            read(path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["u1", ">u2", "<i8", "f2", ">f4", "f8", "?"])
def test_every_type_and_order_comes_back(tmp_path: Path, digits, kind: str, order: str) -> None:
    array = np.asarray(digits[0] % 2, kind, order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy").values, array)
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz").values, array)


@pytest.mark.parametrize("names", [("image", "label"), ("Images", "Y"), ("pixels", "target")])
def test_a_structured_array_is_split_into_its_fields(tmp_path: Path, digits, names: tuple[str, str]) -> None:
    images, labels = digits
    table = np.empty(len(images), [(names[0], "u1", (28, 28)), (names[1], "i8")])
    table[names[0]], table[names[1]] = images, labels
    np.save(tmp_path / "a.npy", table)
    raw = read_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(raw.values, images)
    np.testing.assert_array_equal(raw.labels, labels)


@pytest.mark.parametrize(
    "names",
    [("images", "labels"), ("x", "y"), ("data", "targets"), ("X_test", "y_test"), ("test_images", "test_labels"), ()],
)
@pytest.mark.parametrize("one_hot", [False, True])
def test_an_archive_says_which_array_is_which(tmp_path: Path, digits, names: tuple[str, ...], one_hot: bool) -> None:
    images, labels = digits
    if one_hot and names:
        labels = np.eye(10)[labels]
    np.savez(
        tmp_path / "a.npz", *(() if names else (images, labels)), **dict(zip(names, (images, labels), strict=False))
    )
    raw = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(raw.values, images)
    np.testing.assert_array_equal(raw.labels, labels)


def test_of_a_whole_data_set_the_test_part_is_read_and_said(tmp_path: Path, digits) -> None:
    images, labels = digits
    np.savez(tmp_path / "a.npz", x_train=images[:5], y_train=labels[:5], x_test=images, y_test=labels)
    raw = read_npz(tmp_path / "a.npz")
    assert len(raw.values) == len(raw.labels) == len(images)
    assert raw.notes == ("images in 'x_test', labels in 'y_test'",)


def test_pickles_beside_the_images_do_not_matter(tmp_path: Path, digits) -> None:
    np.savez(tmp_path / "a.npz", images=digits[0], made_by=np.array({"who": "me"}, object))
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz").values, digits[0])


def test_arrays_without_telling_names_are_refused_by_name(tmp_path: Path, digits) -> None:
    np.savez(tmp_path / "a.npz", before=digits[0], after=digits[0])
    with pytest.raises(BadInput, match="before, after"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("count", [20, 20_000])
def test_of_many_arrays_a_few_are_named(tmp_path: Path, count: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for place in range(count):
            archive.writestr(f"{'long' * 9}\x1b{place}.npy", _npy(_header((1, 2, 2)), b"1234"))
    with pytest.raises(BadInput, match=f"and {count - 8:,} more") as error:
        read_npz(tmp_path / "a.npz")
    assert len(str(error.value)) < 1000
    assert str(error.value).isprintable()


def test_arrays_that_are_not_wanted_are_not_read(tmp_path: Path, digits) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pictures.npy", _npy(_header((40, 28, 28)), digits[0].tobytes()))
        archive.writestr("damaged.npy", _npy(_header((1000,)), b"too few"))
        archive.writestr("objects.npy", _npy(_header((1,), "'|O'"), b"no pickle"))
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz").values, digits[0])


def test_arrays_saved_one_after_the_other_are_told_to_use_savez(tmp_path: Path, digits) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, digits[0])
        np.save(file, digits[1])
    with pytest.raises(BadInput, match=r"numpy\.savez"):
        read_npy(tmp_path / "a.npy")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, digits, share: float) -> None:
    for name, save, read in (("a.npy", np.save, read_npy), ("a.npz", np.savez_compressed, read_npz)):
        save(tmp_path / name, digits[0])
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: int(len(content) * share)])
        with pytest.raises(BadInput):
            read(tmp_path / name)


def test_an_archive_that_claims_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    path, claimed = tmp_path / "a.npz", 1 << 31
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        noise = np.random.default_rng(0).bytes(3 << 20)
        archive.writestr("images.npy", _npy(_header((claimed,)), noise))
    content = path.read_bytes()
    true = struct.pack("<I", len(_npy(_header((claimed,)))) + len(noise))
    path.write_bytes(content.replace(true, struct.pack("<I", claimed + len(_npy(_header((claimed,)))))))
    assert path.read_bytes() != content
    tracemalloc.start()
    with pytest.raises(BadInput):
        read_npz(path)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


class _Harm:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("harm",)


def test_pickled_objects_are_not_read_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "a.npy", np.array(_Harm(), object))
    np.savez(tmp_path / "a.npz", images=np.array(_Harm(), object))
    for read, name in ((read_npy, "a.npy"), (read_npz, "a.npz")):
        with pytest.raises(BadInput, match="runs whatever code is in them"):
            read(tmp_path / name)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("form", ["dict", "pair", "tuple", "list of images", "rows", "numbers"])
def test_what_people_pickle_is_understood(tmp_path: Path, digits, form: str) -> None:
    images, labels = digits
    pair = np.empty(2, object)
    pair[:] = images, labels
    stacked = np.empty(len(images), object)
    stacked[:] = list(images)
    rows = np.empty((len(images), 2), object)
    rows[:, 0], rows[:, 1] = list(images), labels
    scalar = np.empty((), object)
    scalar[()] = (images, labels)
    saved = {
        "dict": np.array({"images": images, "labels": labels}, object),
        "pair": pair,
        "tuple": scalar,
        "list of images": stacked,
        "rows": rows,
        "numbers": images.astype(object),
    }[form]
    np.save(tmp_path / "a.npy", saved)
    raw = read_npy(tmp_path / "a.npy", unpickle=True)
    np.testing.assert_array_equal(raw.values, images)
    if form in ("dict", "pair", "tuple", "rows"):
        np.testing.assert_array_equal(raw.labels, labels)


@pytest.mark.parametrize("content", ["text", {"images": [[1], [1, 2]]}, [np.zeros((2, 2)), np.zeros((3, 3))], None, {}])
def test_pickles_that_hold_no_images_are_refused(tmp_path: Path, content: object) -> None:
    saved = np.empty((), object)
    saved[()] = content
    np.save(tmp_path / "a.npy", saved)
    with pytest.raises(BadInput, match=r"a\.npy"):
        read_npy(tmp_path / "a.npy", unpickle=True)


def test_a_broken_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(_npy(_header((1,), "'|O'"), b"no pickle"))
    with pytest.raises(BadInput, match="can't be unpickled"):
        read_npy(tmp_path / "a.npy", unpickle=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", bytes(100), b"PK\x05\x06" + bytes(18)])
def test_a_zip_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.npz"):
        read_npz(tmp_path / "a.npz")
