"""Places for results are checked before the work.

Both what is written and what is said survive the other's failure.
"""

import json
import sys

import numpy as np
import pytest

from shiftassay.cli import places
from shiftassay.cli.app import app
from shiftassay.cli.ending import run_command_line
from shiftassay.errors import BadInput
from shiftassay.words.text import printable

# What each verb needs, none of which is there: a bad place is found first.
ARGUMENTS = {
    "run": ["absent"],
    "train": ["absent"],
    "evaluate": ["absent", "absent"],
    "predict": ["absent", "absent"],
    "audit": ["absent"],
    "repair": ["absent", "absent", "--model", "absent"],
    "import": ["absent", "--out", "o"],
    "diagnose": ["absent", "absent"],
    "compare": ["absent", "absent"],
    "export": ["absent", "o.onnx"],
    "shift": ["absent", "absent", "o.npy"],
    "variants": ["o", "--study", "absent"],
    "report": ["absent"],
    "list": ["absent"],
    "check": ["absent"],
}
NO_RESULT = {"play"}  # verbs that show, and write no JSON
VERBS = [
    name for command in app.registered_commands if (name := command.name or command.callback.__name__) not in NO_RESULT
]
BAD_PLACES = ("folder", "file/r.json", "n" * 300, "/proc/r.json", "/dev/null", "file/\udcff\x1b")


@pytest.fixture
def ended(monkeypatch, tmp_path, capfd):
    """Run a command in a folder with a file and a folder; its exit code and what it said on stderr."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["shiftassay", *map(str, arguments)])
        code = run_command_line()
        return code, capfd.readouterr().err.strip()

    return run


@pytest.mark.parametrize("place", BAD_PLACES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_bad_place_for_json_is_found_before_anything_is_done(verb, place, ended, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    code, sentence = ended(verb, *ARGUMENTS[verb], "--json", place)
    assert code == 2
    assert sentence.isprintable()
    assert printable(place).removesuffix("/r.json")[:200] in sentence
    assert "absent" not in sentence
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("place", BAD_PLACES)
def test_a_bad_place_for_a_page_is_found_before_anything_is_done(place, ended):
    code, sentence = ended("diagnose", "absent", "absent", "--report", place)
    assert code == 2
    assert "absent" not in sentence


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_made_for_a_result_that_there_is_not(verb, ended, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    code, sentence = ended(verb, *ARGUMENTS[verb], "--json", "new/folder/r.json")
    assert code in (1, 2)
    assert sentence
    made = set(tmp_path.rglob("*")) - set(before)
    assert not [path for path in made if path.name.startswith("new") or ".partial" in path.name]


def test_a_verb_is_not_begun_where_its_result_can_not_be_kept(ended, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr("shiftassay.studies.built_in.built_in_studies", lambda: begun.append(1) or {"a": "b"})
    assert ended("list", "studies", "--json", "folder")[0] == 2
    assert not begun
    assert ended("list", "studies", "--json", "r.json")[0] == 0
    assert len(begun) == 1


@pytest.mark.parametrize(
    ("out", "message"),
    [("file", "file: is a file"), ("file/x", "file is a file"), ("run", "holds a run that was trained here")],
)
def test_a_bad_place_for_a_model_is_found_before_the_repair(out, message, ended, tmp_path, monkeypatch, model_of):
    begun = []
    monkeypatch.setattr("shiftassay.repairs.repair.repair", lambda *_, **__: begun.append(1))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trial.json").write_text("{}")
    np.save(tmp_path / "a.npy", np.zeros((60, 28, 28), np.uint8))
    np.save(tmp_path / "l.npy", np.arange(60) % 10)
    code, sentence = ended("repair", "a.npy", "a.npy", "--labels", "l.npy", "--model", model_of, "--out", out)
    assert code == 2
    assert message in sentence
    assert not begun


def test_a_bad_place_for_a_shifted_set_is_found_before_it_is_made(ended, tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros((60, 4, 4), np.uint8))
    begun = []
    monkeypatch.setattr("shiftassay.shifts.catalog.shift", lambda *_: begun.append(1))
    for place, message in (("folder/o.csv", "folder/o.csv"), ("file/o.npy", "is a file"), ("d.npy", "is a folder")):
        (tmp_path / "d.npy").mkdir(exist_ok=True)
        code, sentence = ended("shift", "invert", "a.npy", place)
        assert code == 2
        assert message in sentence
    assert not begun


def test_a_bad_place_for_variants_is_found_before_training(ended, monkeypatch):
    begun = []
    monkeypatch.setattr("shiftassay.studies.run.train_members", lambda *_: begun.append(1))
    code, sentence = ended("variants", "file")
    assert code == 2
    assert "file" in sentence
    assert not begun


def test_room_is_given_back_when_the_result_is_written(ended, tmp_path):
    assert ended("list", "networks", "--json", "r.json")[0] == 0
    assert json.loads((tmp_path / "r.json").read_text())["schema"] == "shiftassay.list/1"
    assert not places._kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "r.json"]


def test_too_little_room_is_found_before_anything_is_done(ended, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    code, sentence = ended("report", "absent", "--json", "r.json")
    assert code == 2
    assert "no room for 4.0 MB" in sentence
    assert not (tmp_path / "r.json").exists()


def test_what_is_found_is_told_though_it_can_not_be_saved():
    messages = []

    def save():
        raise BadInput("disk full.")

    with pytest.raises(BadInput, match="disk full"), places.saved(save):
        messages.append("the result")
    assert messages


def test_what_is_found_is_saved_though_it_can_not_be_told(tmp_path, ended, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("typer.echo", closed)
    monkeypatch.setattr("shiftassay.cli.ending.hang_up", lambda: None)
    assert ended("list", "networks", "--json", "r.json")[0] == 1
    assert "mlp" in json.loads((tmp_path / "r.json").read_text())["networks"]
