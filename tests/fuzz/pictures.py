"""Encoded pictures, whole and lying, and how folders and Parquet files of them are read."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tests.mutation import Rng, damaged

from shiftassay.imagesets.picture_sets import open_pictures
from shiftassay.imagesets.read import read_image_set

KINDS = {"PNG": "a.png", "JPEG": "a.jpg", "WEBP": "a.webp", "TIFF": "a.tif", "GIF": "a.gif", "BMP": "a.bmp"}
SIDES = (1, 7, 1000, 13_000, 65_535, 1 << 20, (1 << 31) - 1)


def encoded(kind: str) -> bytes:
    """A picture turned by EXIF, where its kind knows that."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {} if kind in ("GIF", "BMP") else {"exif": exif}
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


def lying(kind: str, rng: Rng) -> bytes:
    """Of PNG: another size, depth or kind of colour, with a check sum that fits; else damaged more than once."""
    if kind != "PNG":
        return damaged(damaged(encoded(kind), rng), rng)
    width, height = (int(rng.choice(SIDES)) for _ in range(2))
    kinds = bytes([rng.choice([1, 2, 4, 8, 16]), rng.choice([0, 2, 3, 4, 6]), 0, 0, rng.integers(2)])
    header = b"IHDR" + struct.pack(">II", width, height) + kinds
    content = encoded(kind)
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def parquet() -> bytes:
    buffer = io.BytesIO()
    images = [{"bytes": encoded(kind), "path": name} for kind, name in KINDS.items() if kind not in ("GIF", "BMP")]
    pq.write_table(pa.table({"image": images, "label": [0, 1, 0, 1]}), buffer)
    return buffer.getvalue()


def read_folder_of(path: Path) -> int:
    """The pictures of the folder that a file is in."""
    return read_image_set(path.parent).images.nbytes


def read_file(path: Path) -> int:
    return read_image_set(path).images.nbytes


def read_labeled_by(path: Path) -> int:
    """The labels that a table gives to one picture beside it."""
    folder = path.parent / "set"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(encoded("PNG"))
    source = open_pictures(folder, path)
    assert source is not None
    return len(source)
