"""docs/usage.md: its Python runs as it stands."""

import re
from pathlib import Path

import pytest

from shiftassay.diagnosis import identify as room

TEXT = (Path(__file__).parents[1] / "docs" / "usage.md").read_text(encoding="utf-8")


def test_its_python_runs(monkeypatch, capsys):
    monkeypatch.setattr(room, "searched_families", lambda: ["identity", "invert", "gain"])
    [code] = re.findall(r"```python run\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/usage.md", "exec"), {})  # noqa: S102  # the page's own
    assert "def undo(images):" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["advice", "commands", "code", "code_instead"])
def test_its_keys_are_those_of_a_diagnosis(word):
    from shiftassay.diagnosis.result import Diagnosis

    assert f"`{word}`" in TEXT
    assert word in Diagnosis.__dataclass_fields__ or word in Diagnosis.derived
