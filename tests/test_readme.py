"""README's tables are those of the committed results."""

import subprocess
import sys
from pathlib import Path

from shiftassay.shifts.family import FAMILIES

ROOT = Path(__file__).parents[1]


def test_the_tables_are_up_to_date():
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, "run make tables\n" + result.stderr


def test_every_family_is_named():
    text = (ROOT / "README.md").read_text()
    assert {name for name in FAMILIES if f"`{name}`" not in text} <= {"identity", "compose"}


def test_it_is_read_in_five_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
