"""`.npy` and `.npz`, read safely: the header is checked against the file before allocation."""

import io
import math
import os
import warnings
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib import format as npy

from shiftassay.errors import BadInput
from shiftassay.imagesets.limits import check_memory, check_ratio
from shiftassay.imagesets.manifest import check_listed
from shiftassay.imagesets.pickled import from_objects
from shiftassay.imagesets.raw import RawSet
from shiftassay.imagesets.split import by_name, chosen, split
from shiftassay.imagesets.stream import opened, read_claimed
from shiftassay.words.lists import first_of
from shiftassay.words.numbers import in_bytes
from shiftassay.words.text import short

LONGEST_HEADER = 10_000  # NumPy's own limit, beyond which parsing a header is not safe
MOST_AXES = 32
LONGEST_AXIS = (1 << 63) - 1
MOST_ARRAYS = 1000  # whose headers are read where names don't tell which holds the images
COMPRESSED = {zipfile.ZIP_STORED: False, zipfile.ZIP_DEFLATED: True}  # all that NumPy writes
FOREIGN = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}


def read_npy(path: Path, unpickle: bool = False) -> RawSet:
    """The array in an `.npy` file; structured arrays are split into their image and label fields.

    Raises `BadInput`; pickled objects are read only with `unpickle`, since that runs whatever code is in them.
    """
    check_listed(path.parent, path.name)
    with opened(path) as file:
        return _understood(_read_array(file, str(path), os.fstat(file.fileno()).st_size, unpickle), str(path))


def read_npz(path: Path, unpickle: bool = False) -> RawSet:
    """The image and label arrays of an `.npz` archive.

    Of other arrays at most the header is read, where names don't decide. Raises `BadInput`; pickled objects are read
    only with `unpickle`, since that runs whatever code is in them.
    """
    with opened(path) as file:
        held = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist() if not e.is_dir()}
                image, label = _chosen(archive, entries, path)
                arrays = {
                    name: _read_entry(archive, entries[name], f"{path}, array '{short(name)}'", held, unpickle)
                    for name in dict.fromkeys((image, label))
                    if name is not None
                }
        except (BadInput, MemoryError):
            raise
        except Exception as error:  # a damaged archive breaks zipfile in a dozen ways: struct, zlib, EOF, encryption, …
            reason = short(error) or type(error).__name__
            raise BadInput(f"{path}: not a readable .npz archive ({reason}). Save it again with numpy.savez.") from None
    if len(entries) == 1:
        return _understood(arrays[image], str(path))
    return split(arrays, str(path))


def _chosen(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], path: Path) -> tuple[str, str | None]:
    """The names of the images and the labels.

    Where names don't decide, by the arrays' axes, from their headers alone.
    """
    if len(entries) > 1 and by_name(entries)[0] is None:
        if len(entries) > MOST_ARRAYS:
            raise BadInput(
                f"{path}: {len(entries):,} arrays, none of them named 'images': {first_of(entries)}. "
                "Save all images as one array."
            )
        axes = {}
        for name, entry in entries.items():
            where = f"{path}, array '{short(name)}'"
            with _entry(archive, entry, where) as stream:
                axes[name] = len(_read_header(stream, where)[0])
        return chosen(axes, str(path))
    return chosen(dict.fromkeys(entries, 0), str(path))


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str, held: int, unpickle: bool) -> np.ndarray:
    with _entry(archive, entry, where) as stream:
        packed = min(entry.compress_size, held) if COMPRESSED[entry.compress_type] else None
        return _read_array(stream, where, entry.file_size, unpickle, packed)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> io.BufferedIOBase:
    if entry.compress_type not in COMPRESSED:
        method = FOREIGN.get(entry.compress_type, f"method {entry.compress_type}")
        raise BadInput(f"{where}: compressed by {method}. Save it with numpy.savez or savez_compressed.")
    return cast(io.BufferedIOBase, archive.open(entry))


def _understood(array: np.ndarray, where: str) -> RawSet:
    if array.dtype == object:
        return from_objects(array, where)
    if array.dtype.names:
        return split({name: array[name] for name in array.dtype.names}, where)
    return RawSet(array)


def _read_array(
    file: io.BufferedIOBase, where: str, size: int, unpickle: bool, packed: int | None = None
) -> np.ndarray:
    """One array from a stream that claims to hold `size` bytes.

    They were unpacked from `packed` bytes if the stream is compressed.
    """
    shape, fortran_order, dtype, offset = _read_header(file, where)
    if dtype.hasobject:
        if not unpickle:
            raise BadInput(
                f"{where}: holds pickled Python objects, and reading those runs whatever code is in them. Save it as a "
                "plain array, or, only if you trust whoever made the file, pass --unpickle."
            )
        if packed is not None:
            check_ratio(size, packed, where)
        check_memory(size, 0, where)
        return _unpickled(file, where)
    count, claimed = math.prod(shape), math.prod(shape) * dtype.itemsize
    if claimed == 0:
        raise BadInput(f"{where}: nothing in it (shape {shape} of {short(dtype)}).")
    content = bytearray()
    if claimed <= size - offset:
        if packed is not None:
            check_ratio(claimed, packed, where)
        check_memory(claimed, claimed if dtype.names else count, where)
        content = read_claimed(file, claimed, claimed)
    if len(content) < claimed:
        raise BadInput(
            f"{where}: the header says {shape} of {short(dtype)}, {in_bytes(claimed)}, but the file holds less. "
            "It is truncated or damaged: fetch or save it again."
        )
    if len(content) > claimed:
        raise BadInput(
            f"{where}: goes on after the array of shape {shape}. If several arrays were saved into it one after the "
            "other, save them with numpy.savez; else the file is damaged: fetch or save it again."
        )
    try:
        return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
    except ValueError as error:  # a type that is itself an array, which numpy.save never writes
        raise BadInput(f"{where}: not an array of images ({short(error)}). Save it with numpy.save.") from None


def _read_header(file: io.BufferedIOBase, where: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type, and the offset of the values.

    Headers longer than NumPy would parse are not read.
    """
    start = file.read(8)
    if not start:
        raise BadInput(f"{where}: empty. Save it with numpy.save.")
    version = tuple(start[6:8])
    if start[:6] != npy.MAGIC_PREFIX or version not in ((1, 0), (2, 0), (3, 0)):
        raise BadInput(f"{where}: not a NumPy array: it starts with {start.hex(' ')}. Save it with numpy.save.")
    count = file.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(count, "little")
    text = file.read(length) if length <= LONGEST_HEADER else b""
    if length == 0 or len(text) < length:
        raise BadInput(f"{where}: the header is truncated or damaged. Fetch or save it again.")
    parse = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # files of Python 2 are read, with a warning that helps nobody here
            shape, fortran_order, dtype = parse(io.BytesIO(count + text))
    except Exception as error:  # the text is someone else's: it can break the parser in any way, recursion included
        reason = short(str(error).splitlines()[0]) if str(error) else type(error).__name__
        raise BadInput(f"{where}: the header makes no sense ({reason}). Save it with numpy.save.") from None
    if len(shape) > MOST_AXES or not all(0 <= axis <= LONGEST_AXIS for axis in shape):
        raise BadInput(f"{where}: the header says a shape which is none of an array. Fetch or save it again.")
    shape = tuple(map(int, shape))  # True is a number to Python
    return shape, fortran_order, dtype, len(start) + len(count) + length


def _unpickled(file: io.BufferedIOBase, where: str) -> np.ndarray:
    file.seek(0)
    try:
        return np.asarray(npy.read_array(file, allow_pickle=True))
    except Exception as error:  # unpickling runs foreign code, which may raise anything
        raise BadInput(
            f"{where}: can't be unpickled ({type(error).__name__}: {short(error)}). Save it as a plain array."
        ) from None
