"""No reader of files does anything with damaged or lying ones but read them or say what is wrong: in time, in little memory.

Each reader gets 500 inputs with fixed seeds. `SHIFTASSAY_FUZZ=20000` gives each that many, `SHIFTASSAY_FUZZ_FROM=500` others:

    SHIFTASSAY_FUZZ=20000 pytest tests/fuzz
"""

import os
from pathlib import Path

import pytest
from tests.fuzz.series import READERS
from tests.memory import in_fresh_process

COUNT = int(os.environ.get("SHIFTASSAY_FUZZ", "500"))
FIRST = int(os.environ.get("SHIFTASSAY_FUZZ_FROM", "0"))
SECONDS = 5
MIB = 1 << 20
ROOM = 8 << 30  # of addresses: what takes more than this fails rather than the machine


@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_says_what_is_wrong(tmp_path: Path, name: str) -> None:
    (tmp_path / "inside").mkdir()
    found = in_fresh_process(
        "tests.fuzz.series:run",
        name,
        str(tmp_path / "inside"),
        FIRST,
        COUNT,
        address_space=ROOM,
        timeout=60 + 2 * COUNT,
    )
    print(name, found)
    assert found["faults"] == [], f"{found['all_faults']} of {COUNT} inputs"
    assert found["read"] + found["refused"] == COUNT
    assert found["refused"] > COUNT / 10
    assert found["slowest"] <= SECONDS
    assert found["peak"] <= 3 * found["decoded"] + 300 * MIB
