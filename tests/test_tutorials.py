"""docs/tutorials and the quick start: every command runs in the order of the page, and prints what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(sh|python|text) (run|prints)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: code that is run, or what the code before it prints."""

    language: str
    text: str
    exit_code: int = 0


def blocks(page: str) -> Iterator[Block]:
    for language, _, code, text in BLOCK.findall(page):
        yield Block(language, text, int(code or 0))


def run(block: Block, folder: Path) -> str:
    """What a block prints, on stdout and stderr."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euc"]
    done = subprocess.run(
        [*command, block.text],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    assert done.returncode == block.exit_code, f"{block.text}\n{done.stdout[-3000:]}"
    return done.stdout


def missing(expected: str, printed: str) -> list[str]:
    """The expected lines that were not printed; `…` stands for anything."""
    lines = [line for line in expected.splitlines() if line]
    patterns = {line: ".*".join(map(re.escape, line.split("…"))) for line in lines}
    return [line for line, pattern in patterns.items() if not re.search(pattern, printed)]


def pages() -> list[Path]:
    return [DOCS / "quickstart.md", *sorted(path for path in (DOCS / "tutorials").glob("*.md") if path.stem != "index")]


@pytest.mark.torture
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_command_of_the_page_runs_and_prints_what_it_says(page, tmp_path):
    printed, ran = "", 0
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "text":
            assert missing(block.text, printed) == [], printed
        else:
            printed, ran = run(block, tmp_path), ran + 1
    assert ran > 0


def test_no_command_of_a_tutorial_is_left_out():
    """Code that is no command, and text that nothing prints, has another name."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"^```(?:sh|python)\b", text, re.MULTILINE)) == len(
            [block for block in blocks(text) if block.language != "text"]
        ), page


def test_what_is_not_printed_is_seen():
    assert missing("Verdict: in…t (all)\nlast", "Verdict: invert (all)\nlast") == []
    assert missing("Verdict: in…t (some)\nlast", "Verdict: invert (all)\nlast") == ["Verdict: in…t (some)"]


def test_a_command_that_fails_is_seen(tmp_path):
    assert run(Block("sh", "exit 1", 1), tmp_path) == ""
    with pytest.raises(AssertionError):
        run(Block("sh", "false\ntrue"), tmp_path)
