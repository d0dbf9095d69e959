"""IDX, the file format of MNIST and its relatives.

Two zero bytes, a type, the number of axes, their sizes, the values.
"""

import gzip
import io
import math
import os
import re
import struct
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.imagesets.limits import check_memory, check_ratio
from shiftassay.imagesets.stream import is_file, opened, read_claimed
from shiftassay.words.numbers import in_bytes

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8  # images have at most four; NumPy gives up beyond 64
NAME = re.compile(r"[-.]idx(\d+([-.]\w+)?)?(\.gz)?$", re.IGNORECASE)
GZIP = b"\x1f\x8b"


def looks_like_idx(path: Path) -> bool:
    """Whether the name is usual for IDX files.

    These are `train-images-idx3-ubyte`, `….idx`, gzipped or not.

    >>> [looks_like_idx(Path(name)) for name in ("t10k-images.idx3-ubyte", "a.idx.gz", "my-idx-results.npy")]
    [True, True, False]
    """
    return NAME.search(path.name) is not None and path.suffix.lower() not in (".npy", ".npz", ".csv")


def labels_beside(path: Path) -> Path | None:
    """The file of labels beside a file of images, by MNIST's naming; None if there is none.

    Either may be gzipped.
    """
    name = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    here = (path.with_name(name), path.with_name(f"{name}.gz"))
    return next((file for file in here if is_file(file) and "images" in path.name), None)


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, in the byte order of this machine.

    Whether the file is gzipped is decided by its content, not its name. Raises `BadInput` if the header is not IDX or
    claims more than the file can hold or may take; memory is taken only for what is there.
    """
    with opened(path) as file:
        zipped = file.read(2) == GZIP  # browsers unpack .gz and keep the name, or the other way round
        file.seek(0)
        held = os.fstat(file.fileno()).st_size
        try:
            with gzip.GzipFile(fileobj=file) if zipped else nullcontext(file) as content:
                return _read(content, path, held, zipped)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(f"{path}: the gzip stream is broken ({error}). Fetch the file again.") from None


def write_idx(path: Path, values: np.ndarray) -> Path:
    """Write an array as IDX, atomically; gzipped if the name ends in .gz.

    Gzip's header holds no name and no time, so that the bytes are the same each time. Raises `BadInput` for a type or a
    number of axes that IDX has not.
    """
    code = next((code for code, kind in TYPES.items() if np.dtype(kind) == values.dtype.newbyteorder(">")), None)
    if code is None:
        raise BadInput(f"{path}: IDX has no type {values.dtype}. Convert to one of {', '.join(TYPES.values())}.")
    if not 1 <= values.ndim <= MOST_AXES:
        raise BadInput(f"{path}: {values.ndim} axes. IDX is read and written here with 1 to {MOST_AXES}.")
    header = struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape)
    content = header + values.astype(TYPES[code]).tobytes()
    return write_whole(path, gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)


def _read(file: io.BufferedIOBase, path: Path, held: int, zipped: bool) -> np.ndarray:
    start = file.read(4)
    if not start:
        raise BadInput(f"{path}: empty. Fetch the file again.")
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES:
        raise BadInput(f"{path}: not an IDX file (it starts with {start.hex(' ')}, IDX with 00 00, a type, axes).")
    if not 1 <= start[3] <= MOST_AXES:
        raise BadInput(f"{path}: the header says {start[3]} axes, images have 3 or 4, labels 1. Fetch the file again.")
    axes = file.read(4 * start[3])
    if len(axes) < 4 * start[3]:
        raise BadInput(f"{path}: truncated inside the header. Fetch the file again.")
    shape = struct.unpack(f">{start[3]}I", axes)
    kind = np.dtype(TYPES[start[2]])
    size = math.prod(shape) * kind.itemsize
    if zipped:
        check_ratio(size, held, str(path))
    if zipped or size <= held:
        check_memory(size, math.prod(shape), str(path))
    content = read_claimed(file, size, size if zipped else held)
    if len(content) != size:
        but = f"the file holds {'more' if len(content) > size else 'less'}"
        raise BadInput(f"{path}: the header says {shape}, {in_bytes(size)}, but {but}. Fetch the file again.")
    if not size:
        raise BadInput(f"{path}: nothing in it (shape {shape}).")
    values = np.frombuffer(content, kind).reshape(shape)
    return values if kind.isnative else values.byteswap(inplace=True).view(kind.newbyteorder("="))
