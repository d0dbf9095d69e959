"""Memory is stated and checked before it is taken, and reading takes little more than what is read."""

import bz2
import gzip
import lzma
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.memory import in_fresh_process, peak_above_idle

from shiftassay.errors import BadInput
from shiftassay.imagesets.idx import write_idx
from shiftassay.imagesets.labels import read_labels
from shiftassay.imagesets.limits import LARGEST_RATIO, SMALL, available_memory, check_memory, check_ratio, enough_memory
from shiftassay.imagesets.matching import labels_by_content
from shiftassay.imagesets.read import read_image_set

MIB = 1 << 20


def _write(root: Path, place: str, content: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_the_machine_says_what_is_available(tmp_path: Path) -> None:
    assert available_memory(tmp_path) is None
    _write(tmp_path, "proc/meminfo", "MemTotal: 9000 kB\nMemFree: 5 kB\nMemAvailable: 4000 kB\n")
    assert available_memory(tmp_path) == 4000 << 10
    assert available_memory() is not None


@pytest.mark.parametrize(
    ("line", "group", "names"),
    [
        ("0::/job/step", "job", ("memory.max", "memory.current", "inactive_file")),
        ("0::/../other", "", ("memory.max", "memory.current", "inactive_file")),
        (
            "5:cpu:/\n4:memory:/job/step",
            "memory/job",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
        (
            "4:hugetlb,memory:/of/the/host",
            "memory",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_a_container_leaves_less(tmp_path: Path, line: str, group: str, names: tuple[str, str, str]) -> None:
    _write(tmp_path, "proc/meminfo", "MemAvailable: 900000 kB\n")
    _write(tmp_path, "proc/self/cgroup", f"{line}\n")
    folder = f"sys/fs/cgroup/{group}"
    most, now, cached = names
    _write(tmp_path, f"{folder}/{most}", "1000000\n")
    _write(tmp_path, f"{folder}/{now}", "700000\n")
    assert available_memory(tmp_path) == 300_000
    _write(tmp_path, f"{folder}/memory.stat", f"anon 1\n{cached} 50000\nactive_file 7\n")
    assert available_memory(tmp_path) == 350_000
    _write(tmp_path, f"{folder}/{now}", "2000000\n")
    assert available_memory(tmp_path) == 0
    _write(tmp_path, f"{folder}/{most}", "max\n")
    assert available_memory(tmp_path) == 900_000 << 10


def test_limits_are_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftassay.imagesets.limits.available_memory", lambda: 1000 * MIB)
    check_memory(100 * MIB, 100 * MIB, "a")
    with pytest.raises(
        BadInput, match=r"a: reading it takes 501\.0 MiB, 101\.0 MiB as stored .* may take 50% .* 1000\.0 MiB"
    ):
        check_memory(101 * MIB, 100 * MIB, "a")
    check_ratio(SMALL, 1, "a")
    check_ratio(SMALL + LARGEST_RATIO, SMALL // LARGEST_RATIO + 2, "a")
    with pytest.raises(
        BadInput, match=r"a: says that its 327\.7 KiB unpack to 64\.0 MiB\. Beyond .* more than 200 times"
    ):
        check_ratio(SMALL + LARGEST_RATIO, SMALL // LARGEST_RATIO, "a")
    with pytest.raises(BadInput, match="a: reading it takes more memory than there is"), enough_memory("a"):
        raise MemoryError


def _header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _bomb(path: Path) -> Path:
    """A file of a few hundred kilobytes that unpacks to 256 MiB, or one of holes that seems to hold 8 GiB."""
    n = (256 * MIB) // 784
    if path.suffix == ".npy":
        header = _header((8 * 1024 * MIB // 784, 28, 28))
        with path.open("wb") as file:
            file.write(header)
            file.truncate(len(header) + 8 * 1024 * MIB // 784 * 784)
        return path
    if path.suffix == ".npz":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("images.npy", _header((n, 28, 28)) + bytes(n * 784))
        return path
    path.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, n, 28, 28) + bytes(n * 784), 1))
    return path


BOMBS = {
    "a.npz": "more than 200 times the compressed size is refused",
    "a-idx3-ubyte.gz": "more than 200 times the compressed size is refused",
    "a.npy": "A file may take 50% of the memory that is available",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("limited", [False, True])
def test_bombs_are_refused_before_memory_is_taken(tmp_path: Path, name: str, limited: bool) -> None:
    message, peak = in_fresh_process(
        "tests.imagesets.test_limits:_refusal",
        str(_bomb(tmp_path / name)),
        address_space=1500 * MIB if limited else None,
    )
    if limited or name != "a.npy":  # a large machine has room for the holes
        assert BOMBS[name] in message
        assert peak < 16 * MIB


def _refusal(path: str) -> tuple[str, int]:
    def read() -> str:
        try:
            read_image_set(path)
        except BadInput as error:
            return str(error)
        return "read"

    return peak_above_idle(read)


def test_more_holes_than_any_machine_has_memory_are_refused(tmp_path: Path) -> None:
    header = _header((1 << 42,))
    for name, start, read in (("a.npy", header, read_labels), ("b.npy", _header((1 << 32, 32, 32)), read_image_set)):
        with (tmp_path / name).open("wb") as file:
            file.write(start)
            file.truncate(len(start) + (1 << 42))
        with pytest.raises(BadInput, match=r"reading it takes 20\.0 TiB, 4\.0 TiB as stored"):
            read(tmp_path / name)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_write_are_refused_at_once(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("images.npy", _header((32 * MIB,)) + bytes(32 * MIB))
    begun = time.process_time()
    with pytest.raises(BadInput, match=r"compressed by (bzip2|LZMA)\. Save it with numpy\.savez"):
        read_image_set(tmp_path / "a.npz")
    assert time.process_time() - begun < 0.5
    assert bz2.decompress(bz2.compress(b"a")) == lzma.decompress(lzma.compress(b"a"))  # both are there to be used


def test_an_archive_may_lie_about_both_its_sizes(tmp_path: Path) -> None:
    n = 80 * MIB
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("images.npy", _header((n,)) + bytes(n))
        packed = archive.infolist()[0].compress_size
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(struct.pack("<I", packed), struct.pack("<I", n)))
    with pytest.raises(BadInput, match="more than 200 times"):
        read_image_set(tmp_path / "a.npz")


def _savers(folder: Path) -> list[str]:
    """The same 24 MiB of float32 once read, in every way that takes another way through the readers."""
    n = 24 * MIB // 4 // 784
    images = np.random.default_rng(0).integers(0, 255, (n, 28, 28), dtype=np.uint8)
    saved = {
        "u1": images,
        "f8": images / 255,
        "i8": images.astype(np.int64),
        "fortran": np.asfortranarray(images / 255),
        "last": (images / 255).reshape(-1, 28, 28, 1).repeat(3, 3)[: n // 3],
    }
    for name, values in saved.items():
        np.save(folder / f"{name}.npy", values)
    table = np.empty(n, [("image", "f8", (28, 28)), ("label", "i8")])
    table["image"], table["label"] = saved["f8"], 0
    np.save(folder / "structured.npy", table)
    np.savez_compressed(folder / "deflated.npz", images, np.arange(n) % 10)
    np.savez(folder / "others.npz", pictures=saved["f8"], a=np.zeros(3), b=np.arange(n))
    write_idx(folder / "a.idx", saved["f8"])
    write_idx(folder / "b.idx.gz", images)
    mnist = read_image_set("mnist:test").images
    np.save(folder / "known.npy", np.concatenate([mnist, mnist])[:n])
    for name, place in (("first", 0), ("middle", 400)):
        columns = np.insert(images.reshape(n, -1)[:2000].astype(str), place, "7", axis=1)
        header = ",".join("label" if column == place else f"p{column}" for column in range(785))
        (folder / f"{name}.csv").write_text("\n".join([header, *(",".join(row) for row in columns)]) + "\n")
    return sorted(path.name for path in folder.iterdir())


def _peaks(paths: list[str]) -> list[tuple[str, int, int]]:
    labels_by_content(np.zeros((1, 1, 28, 28), np.float32))  # unpacks MNIST, once in a process
    peaks = []
    for path in paths:
        (size, _), peak = peak_above_idle(lambda path=path: ((s := read_image_set(path)).images.nbytes, len(s)))
        peaks.append((path, peak, size))
    return peaks


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system tells no peak")
def test_reading_takes_at_most_three_times_what_it_gives(tmp_path: Path) -> None:
    names = _savers(tmp_path)
    peaks = in_fresh_process("tests.imagesets.test_limits:_peaks", [str(tmp_path / name) for name in names])
    assert len(peaks) == len(names) == 13
    for path, peak, size in peaks:
        assert peak <= 3 * size + 24 * MIB, path
