"""One command at a time in a folder: the others wait and say for whom.

The lock is the operating system's own (flock) on a file in the folder, so it ends with the process that holds it,
however that ends, and holds between containers, and between hosts where the file system passes locks on. What stands
in the file is for people.
"""

import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.files import make_folder

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None

LOCK = ".lock"
PAUSE = 0.1  # seconds between two tries


class Waiting(UserWarning):
    """This command waits for another one; the message says for which."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder, which is created if it is missing.

    Warns once, with `Waiting`, if another command is at work in it. Not to be taken twice by one process: it would wait
    for itself. Raises `BadInput` for a folder that can't be written to.
    """
    descriptor = _taken(folder)
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                (folder / LOCK).unlink()  # while it is held: who waits sees that the file is another, and tries again
            os.close(descriptor)


@contextmanager
def all_locked(folders: Sequence[Path]) -> Iterator[None]:
    """Lock several folders, always in the same order, so that no deadlock can occur."""
    with ExitStack() as stack:
        for folder in sorted(set(folders)):
            stack.enter_context(locked(folder))
        yield


def _taken(folder: Path) -> int | None:
    warned = False
    try:
        make_folder(folder)
        while True:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            if _try(descriptor):
                if _is_current(descriptor, folder):
                    _sign(descriptor)
                    return descriptor
            elif not warned:
                text = (
                    f"{folder}: {_owner(descriptor)} is at work here. Waiting until that is done; Ctrl-C ends the wait."
                )
                warnings.warn(text, Waiting, stacklevel=4)
                warned = True
            os.close(descriptor)
            time.sleep(PAUSE)
    except _NoLocks:
        return None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise BadInput(f"{folder}: can't be written to ({reason}). Name another place.") from None


class _NoLocks(Exception):  # noqa: N818  # condition, not a failure
    """The file system has no locks."""


def _try(descriptor: int) -> bool:
    if fcntl is None:
        raise _NoLocks
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        os.close(descriptor)
        raise _NoLocks from None
    return True


def _is_current(descriptor: int, folder: Path) -> bool:
    """Whether the file that was locked is still the one that others will find."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / LOCK).stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    owner = {
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": time.time(),
    }
    with suppress(OSError):  # a full disk: the lock holds without its sign
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)


def _owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
        minutes = max(0.0, time.time() - owner["since"]) / 60
        age = (
            f"{minutes * 60:.0f} s"
            if minutes < 2
            else f"{minutes:.0f} min"
            if minutes < 120
            else f"{minutes / 60:.0f} h"
        )
        return f"{owner['command']!r} (process {owner['process']} on {owner['host']}, for {age})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another command"
