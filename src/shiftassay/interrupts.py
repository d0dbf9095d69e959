"""An interrupt ends a command: at once where Python runs, and soon where it does not.

Python acts on a signal between two of its own instructions. A long operation of PyTorch or BLAS, or a wait for a pool
of threads, is one instruction. So a thread of its own waits for the signal too, and ends the process when the first
one has not in time. What is stored is written whole or not at all, so that nothing is half done then.
"""

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

EXIT_CODE = 130
PATIENCE = 1.5  # seconds that a command has to end by itself
LAST_WORDS = "shiftassay: interrupted. What is finished is kept; the same command goes on from there."

SHOW_CURSOR = b"\x1b[?25h"

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WATCHDOG = "shiftassay-watchdog"
_saying = threading.Lock()
_seen = False


def listen() -> None:
    """Make SIGINT and SIGTERM raise `KeyboardInterrupt`, and end the process soon after.

    It ends within `PATIENCE` seconds of the first signal. For the main thread of a process that is a command. Shells
    let commands in the background of a script ignore SIGINT, but one that is sent on purpose should end them.
    """
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    atexit.register(_finish)
    if os.name == "nt":  # where signals can't be written to a pipe
        return
    waiting, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(waiting,), name=_WATCHDOG, daemon=True).start()


def interrupted() -> bool:
    """Whether a signal came that ends the command."""
    return _seen


def forget() -> None:
    """In a forked process: restore the default handling of signals, instead of the parent's."""
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def only_thread() -> bool:
    """Whether Python runs no thread but the main one, and the one here, which holds nothing.

    >>> only_thread() or threading.active_count() > 1
    True
    """
    return all(thread is threading.main_thread() or thread.name == _WATCHDOG for thread in threading.enumerate())


def end() -> NoReturn:
    """Print the closing message, once, and end the process without waiting for what still runs."""
    if _saying.acquire(blocking=False):
        with suppress(OSError):  # nobody may be listening any more
            if os.isatty(1):
                os.write(1, SHOW_CURSOR)  # a live line hides it, and may not have ended
            os.write(2, f"{LAST_WORDS}\n".encode())
    os._exit(EXIT_CODE)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise for the first signal only, so that a second does not interrupt the cleanup."""
    global _seen
    if not _seen:
        _seen = True
        raise KeyboardInterrupt


def _finish() -> None:
    """Ignore signals once the command is done.

    While Python shuts down, a signal would end the process as if the command were not done.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _watch(waiting: int) -> None:
    while not set(_SIGNALS) & set(os.read(waiting, 1)):  # other signals may be handled by a library
        pass
    time.sleep(PATIENCE)
    end()


def _unraisable(problem: "sys.UnraisableHookArgs") -> None:
    """Ignore an interrupt in a destructor, where nothing can be raised.

    The watchdog ends the process.
    """
    if not isinstance(problem.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(problem)
