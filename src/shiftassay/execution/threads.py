"""Threads: within many small array operations they cost more than they gain.

Processes side by side do not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from threadpoolctl import threadpool_limits

from shiftassay.execution.cores import available_cores

_idle: ContextVar[int] = ContextVar("idle", default=0)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """A context, or decorator, in which PyTorch and BLAS use one thread for each operation.

    The threads that PyTorch had before are free for `mapped`, as far as there are cores for them.

    >>> with one_thread_each():
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    token = _idle.set(max(min(before, available_cores()) - 1, _idle.get()))
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        _idle.reset(token)
        torch.set_num_threads(before)


def make_thread_pool() -> None:
    """Have PyTorch make its pool of threads now, before threads of ours use it.

    In a forked process it is made anew at the first use. Two threads that use it first, at the same time, may find
    none: "Invalid thread pool!".
    """
    torch.set_num_threads(torch.get_num_threads())


def idle_threads() -> int:
    """How many threads are free for workers, because operations use one each."""
    return _idle.get()


def all_busy() -> None:
    """In a worker: no threads are free."""
    _idle.set(0)
