"""Mapping a function over arguments: in this process, and on local workers where cores are idle.

Functions are importable, or `functools.partial` of such, and arguments and results can be pickled: so any back end
could take them.
"""

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from shiftassay import interrupts
from shiftassay.execution.threads import all_busy, idle_threads

T = TypeVar("T")
U = TypeVar("U")

HELPERS = 3  # processes at most: what they share out is not long
MOST = 30_000  # items: a pipe holds no more turns

Count = Callable[[int, int], None]
"""Called with how many items are through, and of how many."""


def mapped(function: Callable[[T], U], items: Iterable[T], count: Count | None = None) -> list[U]:
    """The function of every item, in their order, computed on several cores.

    Within `one_thread_each`, on as many cores as PyTorch had threads. Forked processes help, so that nothing has to be
    sent to them; only what is returned has to be picklable. What a helper could not do is done here, which also raises
    what it raised. This process does it all elsewhere than on Linux, and where Python runs other threads, as a notebook
    does: those must not be forked away from what they hold.

    `count`, if given, is called in this process alone. Items that helpers have taken count as through.

    Raises `TypeError` for a function that no other process could import.

    >>> from shiftassay.execution.threads import one_thread_each
    >>> with one_thread_each():
    ...     mapped(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    _check_importable(function)
    items = list(items)
    helpers = min(HELPERS, idle_threads(), len(items) - 1)
    if helpers < 1 or len(items) > MOST or sys.platform != "linux" or not interrupts.only_thread():
        return [function(item) for item in _counted(items, count)]
    turns = _turns(len(items))
    helping: list[tuple[int, int]] = []
    results: dict[int, U] = {}
    try:
        with suppress(OSError):  # no process or memory to spare
            helping.extend(_helped(function, items, turns) for _ in range(helpers))
        for i in _taken(turns):
            results[i] = function(items[i])
            if count is not None:
                count(i + 1, len(items))
        while helping:
            results |= _received(helping[-1][1])
            _ended(*helping.pop())
    finally:
        for helper, result in helping:  # if this process failed, or was interrupted, no other need go on
            _ended(helper, result)
        os.close(turns)
    return [results[i] if i in results else function(item) for i, item in enumerate(items)]


def _counted(items: list[T], count: Count | None) -> Iterator[T]:
    """The items; each is counted when the next is asked for."""
    for number, item in enumerate(items, 1):
        yield item
        if count is not None:
            count(number, len(items))


def _check_importable(function: Callable[..., Any]) -> None:
    """Raise `TypeError` for a closure: it works in a forked process, but in no other."""
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__qualname__", "")
    if "<locals>" in name or "<lambda>" in name:
        raise TypeError(
            f"mapped: {name} can't be imported by a worker. Use a function of a module, or a partial of one."
        )


def _turns(count: int) -> int:
    """A pipe from which each process takes the index of its next item."""
    turns, fill = os.pipe()
    os.write(fill, b"".join(i.to_bytes(2) for i in range(count)))
    os.close(fill)
    return turns


def _taken(turns: int) -> Iterator[int]:
    """The indices that this process takes, until none remains."""
    while index := os.read(turns, 2):
        yield int.from_bytes(index)


def _helped(function: Callable[[T], Any], items: list[T], turns: int) -> tuple[int, int]:
    """A process that maps the items it takes from the turns, and the pipe for its results."""
    result, send = os.pipe()
    first = os.getpid()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: PyTorch's and BLAS's are idle
            pid = os.fork()
    except OSError:
        os.close(result)
        os.close(send)
        raise
    if pid:
        os.close(send)
        return pid, result
    try:
        interrupts.forget()
        os.close(result)  # or it would wait to be read for ever if the first process were killed
        all_busy()
        results: dict[int, Any] = {}
        with suppress(Exception):  # the first process does it again, and raises it
            for i in _taken(turns):
                if os.getppid() != first:  # it was killed, and nobody waits for this
                    break
                results[i] = function(items[i])
        with os.fdopen(send, "wb") as stream:
            stream.write(pickle.dumps(results))
    finally:
        os._exit(0)  # at once: what runs at exit is the first process's to run


def _received(result: int) -> dict[int, Any]:
    """The results of a helper, if it could send them."""
    results: dict[int, Any] = {}
    with os.fdopen(result, "rb", closefd=False) as stream, suppress(Exception):  # a killed helper may send anything
        results = pickle.load(stream)  # noqa: S301  # from a process that this one forked, through a pipe of its own
    return results


def _ended(pid: int, result: int) -> None:
    """End a helper, whatever it does, and close its pipe."""
    os.close(result)
    with suppress(ProcessLookupError, ChildProcessError):  # nobody waits where children are ignored
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
