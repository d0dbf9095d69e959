"""docs/extending.md: its files, put where it says, are found, and what it says of them holds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = re.findall(r"`(src/shiftassay/\S+\.py)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL)
CHECKS = re.findall(r"```python run\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the page's files in it."""
    place = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "src", place / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name, content in FILES:
        assert not (place / name).exists(), "the page's examples are new files"
        (place / name).write_text(content, encoding="utf-8")
    return place / "src"


def test_the_page_has_a_file_and_a_check_for_each_kind() -> None:
    assert [Path(name).parts[2] for name, _ in FILES] == ["shifts", "networks", "repairs", "studies"]
    assert len(CHECKS) == 4


@pytest.mark.parametrize("check", CHECKS, ids=[Path(name).stem for name, _ in FILES])
def test_what_is_said_of_each_file_holds(check: str, extended: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(extended), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
