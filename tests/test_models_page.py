"""docs/models.md: its Python runs, and its words are those that are read."""

import re
from pathlib import Path

from shiftassay.models.takes import Takes

TEXT = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")


def test_its_python_runs():
    [code] = re.findall(r"```python run\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/models.md", "exec"), {})  # noqa: S102  # the page's own


def test_its_words_are_read():
    table = TEXT[TEXT.index("| word |") : TEXT.index("Bytes are")]
    words = re.findall(r"`([^`]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:] if row))
    assert len(words) == 11
    for word in words:
        assert Takes().stated(word, "m") != Takes() or word == "rgb"
