"""README's tables are those of the committed results."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tables_are_up_to_date():
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, "run make tables\n" + result.stderr


def test_pictures_and_folders_that_it_names_exist():
    text = (ROOT / "README.md").read_text()
    for name in ("docs/report.png", "benchmarks", "docs/results", "src/shiftassay/imagesets/mnist/LICENSE.md"):
        assert name in text
        assert (ROOT / name).exists()
