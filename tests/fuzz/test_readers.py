"""Every reader of files reads damaged or lying ones or says what is wrong, in time and in little memory.

Each reader gets 100 inputs with fixed seeds in `make test` and 500 in `make test-all`. `SHIFTASSAY_FUZZ=20000` gives
each that many in the latter's place, `SHIFTASSAY_FUZZ_FROM=500` others:

    SHIFTASSAY_FUZZ=20000 pytest -m torture tests/fuzz
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fuzz.series import READERS, Reader, run
from tests.memory import in_fresh_process

from shiftassay.errors import BadInput

COUNT = int(os.environ.get("SHIFTASSAY_FUZZ", "500"))
FEW = 100
FIRST = int(os.environ.get("SHIFTASSAY_FUZZ_FROM", "0"))
SECONDS = 5
MIB = 1 << 20
ROOM = 8 << 30  # of addresses: what takes more than this fails rather than the machine


@pytest.mark.parametrize("count", [FEW, pytest.param(COUNT, marks=pytest.mark.torture)])
@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_says_what_is_wrong(tmp_path: Path, name: str, count: int) -> None:
    (tmp_path / "inside").mkdir()
    outcome = in_fresh_process(
        "tests.fuzz.series:run",
        name,
        str(tmp_path / "inside"),
        FIRST,
        count,
        address_space=ROOM,
        timeout=60 + 2 * count,
    )
    assert outcome["faults"] == [], f"{outcome['all_faults']} of {count} inputs"
    assert outcome["read"] + outcome["refused"] == count
    assert outcome["refused"] > count / 10
    assert outcome["slowest"] <= SECONDS
    assert outcome["peak"] <= 3 * outcome["decoded"] + 300 * MIB


def _faulty(read: Callable[[Path], int]) -> Callable[[Path], Reader]:
    return lambda _: Reader(
        "a", b"whole", lambda rng: rng.bytes(9), lambda path: read(path) if path.read_bytes() != b"whole" else 0
    )


def _raises(error: Exception) -> int:
    raise error


FAULTS = {
    "another error": (lambda path: _raises(KeyError("a")), "KeyError"),
    "a long message": (lambda path: _raises(_Long("x" * 3000)), "a message of 3,000"),
    "a message that acts": (lambda path: _raises(_Long("\x1b[2J")), "not printable"),
    "a warning": (lambda path: int(np.float32(1e300)), "RuntimeWarning"),
}


class _Long(BadInput):
    """An error whose message is not cut."""

    def __str__(self) -> str:
        return self.message

    def __init__(self, message: str):
        self.message = message


@pytest.mark.parametrize("fault", FAULTS)
def test_a_series_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    read, message = FAULTS[fault]
    monkeypatch.setitem(READERS, "faulty", _faulty(read))
    outcome = run("faulty", str(tmp_path), 0, 3)
    assert outcome["all_faults"] == 3
    assert message in outcome["faults"][0]


def hungry_and_slow(folder: str) -> dict[str, Any]:
    """The outcome of a reader that takes 0.2 s and 64 MiB.

    For a fresh process: this one's peak may be higher already.
    """

    def read(path: Path) -> int:
        begun = time.process_time()
        while time.process_time() < begun + 0.2:
            pass
        return int(np.ones(64 << 20, np.uint8)[0])

    READERS["hungry"] = _faulty(read)
    return run("hungry", folder, 0, 1)


def test_a_series_notices_memory_and_time(tmp_path: Path) -> None:
    outcome = in_fresh_process("tests.fuzz.test_readers:hungry_and_slow", str(tmp_path))
    assert outcome["slowest"] >= 0.2
    assert outcome["peak"] >= 48 << 20
