"""Many small array operations: threads inside each of them cost more than they bring, and far more on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within it, or in a function decorated with it, PyTorch and BLAS take one thread for each operation.

    >>> with one_thread_each():
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(before)
