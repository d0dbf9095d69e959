"""One signal ends a command within two seconds, whatever it is doing; a second changes nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module

import pytest

from shiftassay import interrupts

BEGIN = """
import sys, threading, time
from shiftassay import interrupts
interrupts.listen()
def ready():
    print("ready", flush=True)
"""
WORK = {
    "python": "ready()\nwhile True: pass",
    "sleep": "ready()\ntime.sleep(60)",
    "a long operation of PyTorch": "import torch\nx = torch.ones(6000, 6000)\nready()\ntorch.linalg.svd(x)",
    "a long operation of NumPy": "import numpy as np\nx = np.ones((6000, 6000))\nready()\nnp.linalg.svd(x)",
    "waiting for a pool": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(1) as pool:
    pool.submit(time.sleep, 60)
    ready()
""",
    "swallowing it": """
ready()
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
""",
    "a destructor": """
class Slow:
    def __del__(self):
        ready()
        time.sleep(60)
Slow()
time.sleep(60)
""",
    "waiting for a process": "import subprocess\nready()\nsubprocess.run(['sleep', '60'])",
}


def interrupted(work, number=signal.SIGINT, again=0, end="    interrupts.end()", begin=BEGIN, alone=False):
    """Exit code, seconds from the signal to the end, and stderr of a process that is sent a signal while at work."""
    body = "\n".join(f"    {line}" for line in work.splitlines())
    code = f"{begin}\ntry:\n{body}\nexcept KeyboardInterrupt:\n{end}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(number)
        began = time.monotonic()
        for _ in range(again):
            time.sleep(0.02)
            process.send_signal(number)
        code = process.wait(timeout=30)
        took = time.monotonic() - began
        if alone:
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)
        assert process.stderr
        # A child of the process may still hold the pipe.
        os.set_blocking(process.stderr.fileno(), False)
        return code, took, process.stderr.read() or ""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", WORK)
def test_one_signal_ends_the_process_in_time_with_one_line(work, number):
    code, seconds, output = interrupted(WORK[work], number)
    assert code == 130
    assert seconds <= 2
    assert output == f"{interrupts.LAST_WORDS}\n"


def test_helpers_end_with_the_command():
    work = """
import torch
from shiftassay.execution.mapping import mapped
from shiftassay.execution.threads import one_thread_each
torch.set_num_threads(2)
ready()
with one_thread_each():
    mapped(time.sleep, [0.1, 30, 30])
"""
    code, seconds, output = interrupted(work, alone=True)
    assert (code, output) == (130, f"{interrupts.LAST_WORDS}\n")
    assert seconds <= 2


def test_a_signal_while_python_ends_changes_nothing():
    late = "class Late:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGINT)\nlate = Late()"
    code = f"{BEGIN}\nimport atexit, os, signal\n{late}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_signal_after_the_work_ends_what_is_waited_for():
    work = "threading.Thread(target=time.sleep, args=(60,)).start()\nready()"
    code, seconds, output = interrupted(work)
    assert (code, output) == (0, "")
    assert seconds <= 2


def test_many_signals_are_as_one():
    code, seconds, output = interrupted(WORK["sleep"], again=20)
    assert (code, output) == (130, f"{interrupts.LAST_WORDS}\n")
    assert seconds <= 2


def test_a_second_signal_does_not_break_off_how_the_command_ends():
    end = "    time.sleep(0.5)\n    print('kept', file=sys.stderr, flush=True)\n    interrupts.end()"
    code, _, output = interrupted(WORK["sleep"], again=20, end=end)
    assert (code, output) == (130, f"kept\n{interrupts.LAST_WORDS}\n")


def test_a_command_in_the_background_of_a_script_heeds_it_too():
    """There, shells let it ignore SIGINT."""
    begin = f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{BEGIN}"
    code, seconds, output = interrupted(WORK["sleep"], begin=begin)
    assert (code, output) == (130, f"{interrupts.LAST_WORDS}\n")
    assert seconds <= 2


def test_a_forked_process_dies_of_a_signal_alone():
    work = """
import os, signal
pid = os.fork()
if not pid:
    interrupts.forget()
    time.sleep(60)
time.sleep(0.3)
os.kill(pid, signal.SIGINT)
assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGINT
assert not interrupts.interrupted()
ready()
time.sleep(60)
"""
    assert interrupted(work)[0] == 130


def test_the_watchdog_is_no_thread_that_holds_anything():
    start = "threading.Thread(target=time.sleep, args=(1,)).start()"
    code = f"{BEGIN}\nassert interrupts.only_thread()\n{start}\nassert not interrupts.only_thread()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_the_library_leaves_signals_as_they_are():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for room in ("app", "ending"):
        import_module(f"shiftassay.cli.{room}")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert interrupts._WATCHDOG not in [thread.name for thread in threading.enumerate()]
