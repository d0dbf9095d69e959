"""Durable, atomic writing of files, with disk space reserved in advance.

Whoever reads a file, whenever, never sees half of one. A file is written beside its place under a name that no other
writer on any machine has, brought to the disk, moved into place, and its folder is brought to the disk as well: after
a power cut there is the old file or the new one, and a file that was written later is never there without those that
were written before it.
"""

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from shiftassay.errors import BadInput

PARTIAL = ".partial"
STRAY_SECONDS = 3600.0  # no write takes so long: a partial file that is older was left by a process that is gone


def write_whole(path: Path, content: bytes) -> Path:
    """Write beside the path, move into place, and sync both to the disk.

    Raises `BadInput` where that fails.
    """
    beside = _beside(path)
    try:
        make_folder(path.parent)
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise BadInput(f"{path}: can't be written ({_reason(error)}). {_advice(error)}") from None
    sweep(path.parent, path.name)
    return path


@contextmanager
def reserve(folder: Path, size: int) -> Iterator[None]:
    """Reserve `size` bytes in a folder, which is made if need be, until this context ends.

    Raises `BadInput` before anything is done if the folder can't be written to, or has no such room.
    """
    with ExitStack() as held:
        try:
            make_folder(folder)
            # It has no name, and is gone with this process however that ends.
            file = held.enter_context(TemporaryFile(dir=folder))
            _allocate(file.fileno(), size)
        except (OSError, ValueError) as error:
            needed = f"no room for {size / 1e6:,.1f} MB" if _is_full(error) else _reason(error)
            raise BadInput(f"{folder}: can't be written to ({needed}). {_advice(error)}") from None
        yield


def sweep(folder: Path, name: str = "*", older_than: float = STRAY_SECONDS) -> list[Path]:
    """Remove and return the partial files that killed writers left behind.

    Only those at least `older_than` seconds old.
    """
    swept = []
    now = time.time()
    with suppress(OSError):
        for path in folder.glob(f".{_globbed(name)}.*{PARTIAL}"):
            with suppress(OSError):
                if now - path.lstat().st_mtime >= older_than:
                    path.unlink()
                    swept.append(path)
    return swept


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, each synced to the disk before the next.

    Raises `OSError`.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
        if missing[-1] == folder:
            break
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there, before anything is written after it."""
    if path.exists():
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _beside(path: Path) -> Path:
    # The random part is what makes it unique: process numbers repeat among containers and among hosts on one volume.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{PARTIAL}")


def _globbed(name: str) -> str:
    return name if name == "*" else "".join(f"[{mark}]" if mark in "*?[" else mark for mark in name)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, max(1, size))
    else:
        os.truncate(descriptor, size)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # there a folder can't be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _advice(error: Exception) -> str:
    if _is_full(error):
        return "Make room, then type the same command again; or name another place."
    return "Name another place."


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
