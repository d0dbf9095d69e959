"""Damage and lies, drawn from a generator.

Damage knows nothing of a format: bits flip, pieces are lost, doubled, exchanged. A lie keeps the format and changes
what it says: sizes, counts, types, keys.
"""

import gzip
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator

NUMBERS = (
    *("-1", "0", "1", "2", "255", "256", "65536", "4294967295", "4294967296"),
    *("9223372036854775807", "-9223372036854775808"),
    *("18446744073709551616", "1" + "0" * 40, "1e308", "-1e308", "1e-320", "1e400", "0.5"),
    *("-0.0", "nan", "inf", "-inf", "NaN"),
    *("true", "True", "null", "None", "''", '"a"', "[]", "{}", "()", "0x7f", "1_000"),
    *("1e", "١", "", "-", "3.0.0", "7" * 5000),
)
TEXTS = (
    *("", "a", "none", "../../x", "/etc/passwd", "\x00", "\x1b[2J", "\ud800", "[/b]", "<script>", "{{ 7 * 7 }}"),
    *("é" * 50, "x" * 100_000),
    *("mlp", "stn", "images", "nan", "1e999", "%s%n", "\n\n# h", "|", "`", "$x^2$", "\u202e", "a" * 300),
)
TYPES = (
    *("|u1", "<u2", ">u2", "<i4", "<i8", ">i8", "<u8", "<f2", "<f4", ">f4", "<f8", "<f16", "|b1"),
    *("|O", "<U5", "|S3", "<c8", "|V7", "<M8[s]", "<m8"),
)
DEEP = "brackets in brackets"
LENGTHS = (0, 1, 2, 3, 4, 8, 28, 29, 255, 256, 784, 2**16, 2**31 - 1, 2**31, 2**32 - 1)


def damaged(content: bytes, rng: Rng) -> bytes:
    """The content after an accident, seldom after more."""
    for _ in range(rng.geometric(0.7)):
        content = ACCIDENTS[rng.integers(len(ACCIDENTS))](content, rng)
    return content


def _flipped(content: bytes, rng: Rng) -> bytes:
    some = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        if some:
            some[_place(some, rng)] ^= 1 << int(rng.integers(8))
    return bytes(some)


def _set(content: bytes, rng: Rng) -> bytes:
    at = _place(content, rng)
    return content[:at] + bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF, 10, 32, 48])]) + content[at + 1 :]


def _truncated(content: bytes, rng: Rng) -> bytes:
    return content[: _place(content, rng)]


def _without(content: bytes, rng: Rng) -> bytes:
    start, stop = _range(content, rng)
    return content[:start] + content[stop:]


def _inserted(content: bytes, rng: Rng) -> bytes:
    at, size = _place(content, rng), int(rng.integers(1, 64))
    what = rng.bytes(size) if rng.random() < 0.5 else bytes([rng.integers(256)]) * size
    return content[:at] + what + content[at:]


def _doubled(content: bytes, rng: Rng) -> bytes:
    start, stop = _range(content, rng)
    return content[:stop] + content[start:]


def _exchanged(content: bytes, rng: Rng) -> bytes:
    a, b = _range(content, rng)
    c = int(rng.integers(b, len(content) + 1))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _zeroed(content: bytes, rng: Rng) -> bytes:
    start, stop = _range(content, rng)
    return content[:start] + bytes(stop - start) + content[stop:]


def _counted(content: bytes, rng: Rng) -> bytes:
    """Some bytes become a number, as it may stand in a header."""
    kind = str(rng.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"]))
    size = struct.calcsize(kind)
    number = int(rng.choice(LENGTHS)) if size > 2 else int(rng.integers(2**16))
    number = 2**63 - 1 if size == 8 and rng.random() < 0.3 else number
    at = _place(content, rng)
    return content[:at] + struct.pack(kind, number) + content[at + size :]


def _renumbered(content: bytes, rng: Rng) -> bytes:
    """A number that is written out becomes another."""
    text = content[:100_000].decode("latin-1")
    numbers = list(re.finditer(r"-?\d+(\.\d+)?", text))
    if not numbers:
        return content
    one = numbers[int(len(numbers) * rng.random() ** 2)]
    other = _one(NUMBERS, rng).encode()
    return content[: one.start()] + other + content[one.end() :]


ACCIDENTS = (
    *(_flipped, _flipped, _set, _truncated, _without, _inserted, _doubled, _exchanged, _zeroed),
    *(_counted, _counted, _renumbered),
)


def npy(rng: Rng) -> bytes:
    """An array as numpy.save writes it, of which the header may lie in any way."""
    shape = tuple(int(_one(LENGTHS, rng)) for _ in range(rng.integers(0, 6)))
    if rng.random() < 0.7:
        shape = _one(((6, 7, 7), (2, 1, 7, 7), (3, 7, 7, 3), (4, 49), (6,), (6, 1), (1, 1, 1)), rng)
    kind = _one(TYPES[:13] if rng.random() < 0.8 else TYPES, rng)
    descr = repr(kind)
    if rng.random() < 0.15:
        descr = f"[('images', {descr}, (2, 2)), ('{_one(TEXTS, rng)[:9]}', '<i8')]"
    text = f"{{'descr': {descr}, 'fortran_order': {_one(('True', 'False', 'False', '2'), rng)}, 'shape': {shape}}}"
    if rng.random() < 0.2:
        text = _renumbered(text.encode("latin-1", "replace"), rng).decode("latin-1")
    if rng.random() < 0.05:
        text = _one(("(" * 3000, "[" * 200, "{" + "'a':{" * 100, "-" * 5000 + "1", text * 20, ""), rng)
    header = (text + "\n").encode("latin-1", "replace")[:65_000]
    size = len(header) if rng.random() < 0.9 else int(rng.integers(2**16))
    count = min(int(np.prod(shape, dtype=object)), 2000) if rng.random() < 0.8 else int(rng.integers(100))
    if kind in TYPES[:12] and rng.random() < 0.8:
        with np.errstate(over="ignore", invalid="ignore"):
            values = (rng.random(count) * _one((1, 3, 16, 255, 65535, 1e5, 1e9, -1), rng)).astype(kind).tobytes()
    else:
        values = rng.bytes(count * int(re.findall(r"\d+", f"{kind}8")[0]))
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", size) + header + values


def npz(rng: Rng) -> bytes:
    """An archive of lying arrays, whose own table may be damaged."""
    buffer = io.BytesIO()
    names = (
        "images",
        "labels",
        "x",
        "y",
        "x_test",
        "arr_0",
        "arr_1",
        "a",
        "a/b",
        "../up",
        "é" * 20,
        "\x1b[2J",
        "n" * 3000,
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        for _ in range(rng.integers(0, 5)):
            method = int(_one((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2), rng))
            entry = zipfile.ZipInfo(_one(names, rng) + _one((".npy", ".npy", ""), rng))
            if entry.filename not in archive.namelist():
                archive.writestr(entry, npy(rng), method)
    return buffer.getvalue() if rng.random() < 0.5 else damaged(buffer.getvalue(), rng)


def idx(rng: Rng) -> bytes:
    """An IDX file whose header may lie."""
    axes = int(_one((1, 2, 3, 3, 3, 4, 4, 0, 5, 8, 9, 255), rng))
    sizes = [int(_one(LENGTHS, rng)) if rng.random() < 0.15 else int(rng.integers(1, 5)) for _ in range(axes)]
    kind = int(_one((8, 8, 9, 0x0B, 0x0C, 0x0D, 0x0E, 7, 0, 255), rng))
    width = {8: 1, 9: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}.get(kind, 1)
    size = min(int(np.prod(sizes, dtype=object)) * width, 20_000) + (
        int(rng.integers(-3, 4)) if rng.random() < 0.3 else 0
    )
    return struct.pack(f">HBB{axes}I", 0, kind, axes, *sizes) + rng.bytes(max(0, size))


def idx_gz(rng: Rng) -> bytes:
    """The same, gzipped, before or after it is damaged."""
    content = gzip.compress(idx(rng), mtime=0)
    return damaged(content, rng) if rng.random() < 0.4 else content


def csv(rng: Rng) -> bytes:
    """Rows of what may be numbers, more or less of one length."""
    mark, width = _one((",", ";", "\t", ", ", "|"), rng), int(_one((1, 2, 4, 5, 9, 10, 17), rng))
    rows = []
    for _ in range(rng.integers(0, 12)):
        cells = [
            str(rng.integers(0, 256)) for _ in range(width + (int(rng.integers(-1, 2)) if rng.random() < 0.05 else 0))
        ]
        for at in range(len(cells)):
            if rng.random() < 0.02:
                cells[at] = _one(NUMBERS, rng)
            elif rng.random() < 0.02:
                cells[at] = f'"{cells[at]}' + _one(("", '"'), rng)
        rows.append(mark.join(cells))
    if rng.random() < 0.4:
        header = [_one(("label", "p", "id", "", "0", "1", *TEXTS[:7]), rng) for _ in range(width)]
        rows.insert(0, mark.join(header))
    text = _one(("\n", "\n", "\r\n", "\r", "\n\n"), rng).join(rows)
    return text.encode(_one(("utf-8", "utf-8", "utf-8-sig", "utf-16"), rng), "surrogatepass")


def changed(tree: Any, rng: Rng) -> Any:
    """JSON in which one to three places say something else, are gone, or are there twice."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.integers(1, 4)):
        tree = _changed_once(tree, rng)
    return tree


def _changed_once(tree: Any, rng: Rng) -> Any:
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(tree)
    if not places or rng.random() < 0.03:
        return anything(rng)
    parent, key = places[rng.integers(len(places))]
    other, other_key = places[rng.integers(len(places))]
    what = rng.random()
    if what < 0.15:
        del parent[key]
    elif what < 0.25 and isinstance(parent, list):
        parent.extend(parent[:50])
    elif what < 0.35:
        parent[key] = json.loads(json.dumps(other[other_key]))
    elif what < 0.4 and isinstance(parent, dict):
        parent[_one(TEXTS, rng)] = anything(rng)
    else:
        parent[key] = anything(rng)
    return tree


def anything(rng: Rng) -> Any:
    """A value of JSON that nobody expects."""
    choice: tuple[Callable[[], Any], ...] = (
        lambda: _one((0, 1, -1, 2, 255, 2**31, 2**63, 2**64, -(2**63), 10**40), rng),
        lambda: _one((0.0, -0.0, 0.5, 1e308, -1e308, 5e-324), rng),
        lambda: _one((None, True, False), rng),
        lambda: _one(TEXTS, rng),
        lambda: _one(([], {}, [[]], {"": {}}, [0] * 100, {"a": 1}, ["a", 1], [None]), rng),
        lambda: DEEP,
    )
    return choice[rng.integers(len(choice))]()


def text_of(tree: Any) -> bytes:
    """JSON as it is written, nested more deeply in places than Python would."""
    return deepened(json.dumps(tree).encode("utf-8", "surrogatepass"))


def deepened(text: bytes) -> bytes:
    """Text of JSON with brackets in brackets where a tree only named them."""
    return text.replace(json.dumps(DEEP).encode(), b"[" * 3000 + b"]" * 3000)


def safetensors(content: bytes, rng: Rng) -> bytes:
    """A file of safetensors whose header is changed, with its own length or another."""
    size = int.from_bytes(content[:8], "little")
    header = text_of(changed(json.loads(content[8 : 8 + size]), rng))
    claimed = len(header) if rng.random() < 0.8 else int(_one((*LENGTHS, 2**63 - 1, 2**64 - 1), rng))
    return struct.pack("<Q", claimed) + header + content[8 + size :]


def toml(text: str, rng: Rng) -> bytes:
    """A study file of which lines are lost, doubled, exchanged, or say something else."""
    lines = text.splitlines()
    for _ in range(rng.integers(1, 5)):
        at, other = (int(rng.integers(len(lines))) for _ in range(2))
        what = rng.random()
        if what < 0.15:
            del lines[at]
        elif what < 0.25:
            lines.insert(at, lines[other])
        elif what < 0.35:
            lines[at], lines[other] = lines[other], lines[at]
        elif "=" in lines[at]:
            value = _one(
                (*NUMBERS, *map(json.dumps, TEXTS), "{a = 1}", "[" * 300 + "]" * 300, "1979-05-27", "'''"), rng
            )
            lines[at] = f"{lines[at].split('=')[0]}= {value}"
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _one(choice: Any, rng: Rng) -> Any:
    return choice[rng.integers(len(choice))]


def _place(content: bytes | bytearray, rng: Rng) -> int:
    """Headers are at the beginning, tables of archives at the end: there, more often."""
    size = max(1, len(content))
    where = rng.random()
    if where < 0.4:
        return int(rng.integers(min(size, 128)))
    return size - 1 - int(rng.integers(min(size, 128))) if where < 0.6 else int(rng.integers(size))


def _range(content: bytes, rng: Rng) -> tuple[int, int]:
    start = min(_place(content, rng), len(content))
    return start, min(len(content), start + int(2 ** rng.uniform(0, 10)))
