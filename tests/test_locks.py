import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from shiftassay.errors import BadInput
from shiftassay.locks import LOCK, Waiting, all_locked, locked

HOLD = """
import signal, sys, time
from pathlib import Path
from shiftassay.locks import locked
signal.signal(signal.SIGINT, signal.default_int_handler)
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
COUNT = """
import sys, warnings
from pathlib import Path
from shiftassay.locks import locked
warnings.simplefilter("ignore")
counter = Path(sys.argv[1], "counter")
for _ in range(60):
    with locked(Path(sys.argv[1])):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")


def holder(folder, seconds):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE)
    with process.stdout:
        assert process.stdout.readline() == b"held\n"
    return process


@needs_locks
def test_the_second_command_waits_and_says_for_whom(tmp_path):
    process = holder(tmp_path, 1.0)
    began = time.monotonic()
    with pytest.warns(Waiting) as caught, locked(tmp_path):
        assert time.monotonic() - began > 0.5
    assert process.wait() == 0
    assert len(caught) == 1
    assert re.search(rf"'-c .*' \(process {process.pid} on .*, for \d+ s\) is at work here", str(caught[0].message))


@needs_locks
def test_a_lock_whose_owner_was_killed_is_taken_over(tmp_path):
    process = holder(tmp_path, 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / LOCK).is_file()  # left behind, and of no effect
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        began = time.monotonic()
        with locked(tmp_path):
            assert time.monotonic() - began < 1
    assert not (tmp_path / LOCK).exists()


@needs_locks
def test_waiting_can_be_interrupted(tmp_path):
    process = holder(tmp_path, 60)
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(1)
    waiting.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in waiting.communicate(timeout=5)[1]
    process.kill()
    process.wait()


@needs_locks
def test_only_one_of_several_is_inside_at_a_time(tmp_path):
    (tmp_path / "counter").write_text("0")
    several = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in several] == [0, 0, 0]
    assert (tmp_path / "counter").read_text() == "180"
    assert list(tmp_path.iterdir()) == [tmp_path / "counter"]


def both(folders, queue):
    for _ in range(50):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with all_locked(folders):
                pass
    queue.put(os.getpid())


@needs_locks
def test_several_folders_are_never_waited_for_in_a_circle(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    two = [context.Process(target=both, args=(folders, queue)) for folders in ([one, other], [other, one, one])]
    for process in two:
        process.start()
    assert len({queue.get(timeout=60) for _ in two}) == 2
    for process in two:
        process.join()


def test_a_folder_that_can_not_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="can't be written to"), locked(tmp_path / "file" / "inside"):
        pass


def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(Path(tmp_path)):
        pass
