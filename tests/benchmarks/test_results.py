"""What stands in docs/results names the commit that made it, and nothing else can be written there."""

import json
from pathlib import Path

import pytest
from benchmarks.result_file import result_file
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.errors import BadInput
from shiftassay.runs import environment

RESULTS = Path(__file__).parents[2] / "docs" / "results"
# From code that was not all committed, before that was refused. They take hours, or a quiet machine: the next time that
# they are made, their line here goes.
TO_BE_MADE_AGAIN = {"spatial-attention", "torture", "pairing", "paths"}


def commit_of(path: Path) -> str | None:
    return (json.loads(path.read_text(encoding="utf-8")).get("environment") or {}).get("commit")


def test_results_are_from_commits_without_uncommitted_changes():
    commits = {path.stem: commit_of(path) for path in RESULTS.glob("*.json")}
    assert len(commits) > 8
    assert [name for name, commit in commits.items() if not commit] == []
    assert {name for name, commit in commits.items() if str(commit).endswith("-dirty")} == TO_BE_MADE_AGAIN


@pytest.fixture
def dirty(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "0123456789ab-dirty")


@pytest.mark.usefixtures("dirty")
def test_results_of_uncommitted_code_are_refused_in_docs_results_alone(tmp_path):
    with pytest.raises(BadInput, match="changes that are not committed"):
        environment.check_committed(RESULTS / "new.json")
    with pytest.raises(SystemExit, match="Commit them first"):
        result_file(RESULTS / ".." / "results" / "new.json")
    environment.check_committed(tmp_path / "docs" / "results" / "new.json")
    assert result_file(str(tmp_path / "new.json")) == tmp_path / "new.json"


@pytest.mark.usefixtures("dirty")
def test_a_study_whose_results_are_refused_is_not_begun(tmp_path):
    arguments = ("run", "shifted-test-sets", "--quick", "--out", tmp_path, "--json", RESULTS / "new.json")
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(result.exception, BadInput)
    assert "changes that are not committed" in str(result.exception)
    assert not (RESULTS / "new.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_committed_code_may_write_there(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "0123456789ab")
    environment.check_committed(RESULTS / "new.json")


def test_a_change_to_the_code_marks_the_commit_and_one_to_the_results_does_not(monkeypatch):
    changed = "M src/shiftassay/errors.py"

    def git(*arguments: str) -> str | None:
        asked_of = arguments[arguments.index("--") + 1 :] if "--" in arguments else ()
        assert all(not place.startswith("docs") for place in asked_of)
        return changed if asked_of else "0123456789ab"

    monkeypatch.setattr(environment, "_git", git)
    assert str(environment.commit.__wrapped__()).endswith("-dirty")
    changed = ""
    assert environment.commit.__wrapped__() == "0123456789ab"
