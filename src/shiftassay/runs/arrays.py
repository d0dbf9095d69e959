"""Named arrays with JSON about them, as safetensors whose header holds the SHA-256 of both."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from shiftassay.files import write_whole
from shiftassay.imagesets.limits import check_memory
from shiftassay.records import JsonObject
from shiftassay.sealed import Damaged, digest_of_bytes

Arrays = Mapping[str, np.ndarray]


def write_arrays(path: Path, arrays: Arrays, about: JsonObject | None = None) -> None:
    """Write named arrays as safetensors, all or nothing.

    The header holds JSON about them, and the SHA-256 of both.
    """
    write_whole(path, packed(arrays, about))


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], JsonObject]:
    """Read what `write_arrays` wrote; `Damaged` if it is anything else."""
    with suppress(OSError):  # which is said below
        check_memory(2 * path.stat().st_size, 0, str(path))  # the file, and the arrays in it; too little is no damage
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(path, "missing") from None
    except OSError as error:
        raise Damaged(path, f"damaged ({error})") from None
    return unpacked(content, path)


def packed(arrays: Arrays, about: JsonObject | None = None) -> bytes:
    """The bytes that `write_arrays` writes: equal for equal arrays."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(about or {})
    # One entry: safetensors keeps several in any order, and equal arrays are to be equal files.
    return save(contiguous, {"about": json.dumps([text, _digest(contiguous, text)])})


def unpacked(content: bytes, path: Path) -> tuple[dict[str, np.ndarray], JsonObject]:
    """What `packed` was given; `Damaged` for anything else, which names the path."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        text, digest = json.loads(header["about"])
        arrays, about = load(content), json.loads(text)
        whole = digest == _digest(arrays, text)
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Damaged(path, f"damaged ({' '.join(str(error).split())[:200]})") from None
    if not whole:
        raise Damaged(path, "damaged: its content is not that of its SHA-256")
    return arrays, about


def _digest(arrays: Arrays, about: str) -> str:
    sha = hashlib.sha256(about.encode())
    for name, array in sorted(arrays.items()):
        sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha.update(digest_of_bytes(array.tobytes()).encode())
    return sha.hexdigest()
