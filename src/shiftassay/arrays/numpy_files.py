"""`.npy` and `.npz`, read without trusting them: the header is checked against the file before memory is taken."""

import io
import math
import os
import warnings
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib import format as npy

from shiftassay.arrays.pickled import from_objects
from shiftassay.arrays.raw import RawSet
from shiftassay.arrays.split import by_name, split
from shiftassay.arrays.stream import DEFLATE_LIMIT, opened, read_claimed
from shiftassay.errors import BadInput

LONGEST_HEADER = 10_000  # NumPy's own limit, beyond which parsing a header is not safe
MOST_AXES = 32


def read_npy(path: Path, unpickle: bool = False) -> RawSet:
    """The array in an `.npy` file; structured arrays are split into their image and label fields.

    Raises `BadInput`; pickled objects are read only with `unpickle`, since that runs whatever code is in them.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        return _understood(_read_array(file, str(path), size, size, unpickle), str(path))


def read_npz(path: Path, unpickle: bool = False) -> RawSet:
    """The image and label arrays of an `.npz` archive; the others are not read where names tell which is which.

    Raises `BadInput`; pickled objects are read only with `unpickle`, since that runs whatever code is in them.
    """
    with opened(path) as file:
        held = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist() if not e.is_dir()}
                image, label = by_name(entries)
                wanted = [name for name in (image, label) if name is not None] if image is not None else list(entries)
                arrays = {}
                for name in wanted:
                    with archive.open(entries[name]) as entry:
                        where, size = f"{path}, array {name!r}", entries[name].file_size
                        stream = cast(io.BufferedIOBase, entry)
                        arrays[name] = _read_array(stream, where, size, held * DEFLATE_LIMIT, unpickle)
        except BadInput:
            raise
        except Exception as error:  # a damaged archive breaks zipfile in a dozen ways: struct, zlib, EOF, lzma, …
            raise BadInput(f"{path}: not a readable .npz archive ({error}). Save it again with numpy.savez.") from None
    if len(entries) == 1:
        return _understood(next(iter(arrays.values())), str(path))
    return split(arrays, str(path))


def _understood(array: np.ndarray, where: str) -> RawSet:
    if array.dtype == object:
        return from_objects(array, where)
    if array.dtype.names:
        return split({name: array[name] for name in array.dtype.names}, where)
    return RawSet(array)


def _read_array(file: io.BufferedIOBase, where: str, size: int, at_most: int, unpickle: bool) -> np.ndarray:
    """One array from a stream that is said to hold `size` bytes and can't hold more than `at_most`."""
    shape, fortran_order, dtype, offset = _read_header(file, where)
    if dtype.hasobject:
        if not unpickle:
            raise BadInput(
                f"{where}: holds pickled Python objects, and reading those runs whatever code is in them. Save it as a "
                "plain array, or, only if you trust whoever made the file, pass --unpickle."
            )
        return _unpickled(file, where)
    claimed = math.prod(shape) * dtype.itemsize
    if claimed == 0:
        raise BadInput(f"{where}: nothing in it (shape {shape} of {dtype}).")
    content = read_claimed(file, claimed, min(size - offset, at_most))
    if len(content) < claimed:
        raise BadInput(
            f"{where}: the header says {shape} of {dtype}, {claimed:,} bytes, but the file holds less. It is truncated or "
            "damaged: fetch or save it again."
        )
    if len(content) > claimed:
        raise BadInput(
            f"{where}: goes on after the array of shape {shape}. If several arrays were saved into it one after the "
            "other, save them with numpy.savez; else the file is damaged: fetch or save it again."
        )
    try:
        return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
    except ValueError as error:  # a type that is itself an array, which numpy.save never writes
        raise BadInput(f"{where}: not an array of images ({error}). Save it with numpy.save.") from None


def _read_header(file: io.BufferedIOBase, where: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type, and where the values start. Longer headers than NumPy would parse are not even read."""
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
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadInput(f"{where}: the header makes no sense ({said}). Save it with numpy.save.") from None
    if len(shape) > MOST_AXES or any(length < 0 for length in shape):
        raise BadInput(f"{where}: the header says shape {shape}, which is none. Fetch or save it again.")
    return shape, fortran_order, dtype, len(start) + len(count) + length


def _unpickled(file: io.BufferedIOBase, where: str) -> np.ndarray:
    file.seek(0)
    try:
        return np.asarray(npy.read_array(file, allow_pickle=True))
    except Exception as error:  # unpickling runs foreign code, which may raise anything
        raise BadInput(
            f"{where}: can't be unpickled ({type(error).__name__}: {error}). Save it as a plain array."
        ) from None
