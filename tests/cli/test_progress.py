"""Progress of what takes long: a live line on a terminal, a plain one now and then elsewhere."""

import io
import os
import pty
import subprocess
import sys
import threading

import numpy as np
import pytest
import rich.console

import shiftassay
from shiftassay.cli import progress, terminal
from shiftassay.cli.progress import SELDOM, watching


@pytest.fixture
def clock(monkeypatch):
    """The time that progress sees, which a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_elsewhere_than_on_a_terminal_a_line_is_written_now_and_then(clock, capfd):
    with watching() as watch:
        for second in range(26):
            clock[0] = float(second)
            watch("reading pictures", second, 26 if second < 20 else 0)
    assert capfd.readouterr().err.splitlines() == ["10 s: reading pictures, 10 of 26", "20 s: reading pictures"]
    assert SELDOM == 10


def test_what_is_done_soon_is_not_told(clock, capfd):
    with watching() as watch:
        watch("reading pictures", 5, 5)
    assert capfd.readouterr().err == ""


def test_quiet_hides_progress(clock, capfd):
    terminal.hide_progress(True)
    try:
        with watching() as watch:
            clock[0] = 60.0
            watch("reading pictures", 5, 500)
    finally:
        terminal.hide_progress(False)
    assert capfd.readouterr().err == ""


def on_terminal(command, folder):
    """What a command writes to a terminal on stderr, and to a pipe on stdout."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait() == 0
    return seen.decode(), out


def test_on_a_terminal_the_stage_its_count_and_the_time_left_are_shown(clock, monkeypatch):
    file = io.StringIO()
    console = rich.console.Console(file=file, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(rich.console, "Console", lambda **_: console)
    seconds = [0.0]
    monkeypatch.setattr(console, "get_time", lambda: seconds[0])
    threads = threading.active_count()
    with watching() as watch:
        for done in range(4):
            seconds[0] = 10.0 * done
            watch("trying single shifts", done, 6)
        watch("making the shift again", 0, 0)
        assert threading.active_count() == threads  # else a search would not fork helpers
    shown = file.getvalue()
    assert "3 of 6, 0:00:30 left" in shown
    assert "0 of" not in shown.partition("making the shift again")[2]


@pytest.mark.torture
def test_a_diagnosis_shows_its_stages_on_a_terminal_and_takes_the_line_away(tmp_path):
    digits = shiftassay.load_dataset("mnist").test.first(60)
    np.save(tmp_path / "a.npy", digits.images)
    np.save(tmp_path / "b.npy", 0.5 * digits.images)
    command = [sys.executable, "-m", "shiftassay.cli", "diagnose", "a.npy", "b.npy"]
    seen, out = on_terminal(command, tmp_path)
    assert "finding which image became which" in seen
    assert "trying single shifts" in seen
    assert out.startswith("Verdict: gain")
    assert seen.rindex("\x1b[2K") > seen.rindex("measuring what was found")  # the line is erased after all stages
