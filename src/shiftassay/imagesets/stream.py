"""Opening and reading files that may be missing, damaged or false in what they claim.

No traceback, and no memory for what is only claimed.
"""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shiftassay.errors import BadInput, missing_file
from shiftassay.imagesets.limits import enough_memory

CHUNK = 1 << 22


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file, open for reading.

    Raises `BadInput` for any error of the system, on opening or while it is read.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise missing_file(path) from None
    except OSError as error:
        raise _refused(path, error) from None
    except ValueError:  # a null byte in it, or letters that the system's names can't have
        raise BadInput(f"{path}: no name that a file can have. Check what was typed.") from None
    if stat.S_ISDIR(mode):
        raise BadInput(f"{path}: a folder, where a file was expected. Name the file in it.")
    if not stat.S_ISREG(mode):  # a pipe would wait for ever
        raise BadInput(f"{path}: not a regular file. Save it to one first.")
    try:
        with path.open("rb") as file, enough_memory(str(path)):
            yield file
    except OSError as error:
        raise _refused(path, error) from None


def is_file(path: Path | str) -> bool:
    """Whether there is such a file.

    False, too, for a name that is too long or in a folder that can't be searched.
    """
    with suppress(OSError, ValueError):
        return stat.S_ISREG(Path(path).stat().st_mode)
    return False


def is_folder(path: Path | str) -> bool:
    """Whether there is such a folder, likewise."""
    with suppress(OSError, ValueError):
        return stat.S_ISDIR(Path(path).stat().st_mode)
    return False


def read_claimed(file: io.BufferedIOBase, claimed: int, at_most: int) -> bytearray:
    """The next `claimed` bytes, to be checked by their length.

    Fewer if the stream ends before, one more if it goes on. Nothing is read if more is claimed than `at_most`, what the
    file can hold. Memory grows with what arrives, since `read(claimed)` would take all of it at once, and a compressed
    stream can be much shorter than it could be.
    """
    content = bytearray()
    if claimed > at_most:
        return content
    while len(content) <= claimed and (chunk := file.read(min(CHUNK, claimed + 1 - len(content)))):
        content += chunk
    return content


def _refused(path: Path, error: OSError) -> BadInput:
    return BadInput(f"{path}: can't be read ({error.strerror or error}). Check its permissions and place.")
