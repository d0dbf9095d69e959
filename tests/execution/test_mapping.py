"""What is shared out among processes comes back as if one had done it all."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import Context
from functools import partial
from pathlib import Path

import pytest
import torch

from shiftassay.execution.mapping import mapped
from shiftassay.execution.threads import one_thread_each

ITEMS = list(range(40))
OPENED = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with one_thread_each():
        yield
    torch.set_num_threads(before)


def where(item: int) -> tuple[int, int]:
    time.sleep(0.005)
    return item * item, os.getpid()


def test_two_processes_share_the_work_and_its_order_is_kept() -> None:
    squares, processes = zip(*mapped(where, ITEMS), strict=True)
    assert list(squares) == [i * i for i in ITEMS]
    assert len(set(processes)) == 2
    assert os.getpid() in processes


def test_outside_of_one_thread_each_this_process_does_it_all() -> None:
    results = Context().run(mapped, where, ITEMS)
    assert {pid for _, pid in results} == {os.getpid()}


def test_nothing_is_forked_while_other_threads_run() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert {pid for _, pid in mapped(where, ITEMS)} == {os.getpid()}
    finally:
        stop.set()
        thread.join()


def within(item: int) -> set[int]:
    time.sleep(0.005)
    return {pid for _, pid in mapped(where, [item, item + 1])} | {os.getpid()}


def refuse(item: int, refused: Callable[[int], bool]) -> int:
    time.sleep(0.005)
    if refused(item):
        raise ValueError(f"no {item}")
    return item


def only_here(item: int, here: int) -> int:
    time.sleep(0.005)
    if os.getpid() != here:
        os._exit(1)
    return item


def unpicklable(item: int) -> Callable[[], int]:
    time.sleep(0.005)
    return lambda: item


def test_a_helper_does_not_ask_for_help() -> None:
    here = os.getpid()
    helped = [result for result in mapped(within, ITEMS) if here not in result]
    assert helped
    assert all(len(result) == 1 for result in helped)


def test_what_a_function_raises_is_raised_here() -> None:
    for items in (ITEMS, [17, *ITEMS]):
        with pytest.raises(ValueError, match="no 17"):
            mapped(partial(refuse, refused=(17).__eq__), items)


def test_what_a_helper_cannot_send_or_finish_is_done_here() -> None:
    assert mapped(partial(only_here, here=os.getpid()), ITEMS) == ITEMS
    assert [made() for made in mapped(unpicklable, ITEMS)] == ITEMS


def test_a_function_that_no_other_process_could_import_is_refused() -> None:
    def closure(item: int) -> int:
        return item

    for function in (closure, lambda item: item, partial(closure)):
        with pytest.raises(TypeError, match="can't be imported"):
            mapped(function, ITEMS)


def test_no_helper_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers: list[int] = []
    fork = os.fork

    def noted() -> int:
        pid = fork()
        helpers.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", noted)
    mapped(where, ITEMS)
    with pytest.raises(ValueError, match=r"^no \d+$"):
        mapped(partial(refuse, refused=(-1).__ne__), ITEMS)
    assert len(helpers) == 2
    for pid in helpers:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_without_processes_to_spare_this_one_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fork() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_fork)
    assert {pid for _, pid in mapped(where, ITEMS)} == {os.getpid()}


def test_no_pipe_stays() -> None:
    opened = sum(1 for _ in OPENED.iterdir()) if OPENED.exists() else 0
    for _ in range(5):
        mapped(where, ITEMS[:4])
    if opened:
        assert sum(1 for _ in OPENED.iterdir()) == opened


def test_items_are_counted_as_they_are_taken():
    alone: list[tuple[int, int]] = []
    mapped(abs, [-1, 2, -3], lambda done, of: alone.append((done, of)))
    assert alone == [(1, 3), (2, 3), (3, 3)]
    shared: list[tuple[int, int]] = []
    with one_thread_each():
        assert mapped(abs, range(100), lambda done, of: shared.append((done, of))) == list(range(100))
    assert shared == sorted(set(shared))
    assert all(1 <= done <= of == 100 for done, of in shared)
