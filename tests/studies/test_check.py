"""Whether a store is whole, and what the next command would do about what is not."""

import numpy as np
import pytest
from rich.console import Console

from shiftassay.cli.ending import run_command_line
from shiftassay.errors import BadInput
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.runs.store import Run
from shiftassay.sealed import read_json
from shiftassay.studies.check import check_store
from shiftassay.studies.folder import write_report_again
from shiftassay.studies.run import run_study
from shiftassay.training import engine
from shiftassay.training.train import TrainingFailed, train

RECIPE = Recipe("small", epochs=2, batch_size=50, optimizer="sgd", learning_rate=0.05, held_out=200)
SMALL = {"widths": [16]}
STUDY = """
kind = "shifted-test-sets"
title = "A study"
question = "Is it whole?"
network = "mlp"
network_parameters = { widths = [16] }
recipe = "small"
seeds = 1
[[variants]]
name = "dark"
family = "gain"
parameters = { factor = 0.8 }
"""


@pytest.fixture
def out(tmp_path, small, monkeypatch):
    monkeypatch.setitem(RECIPES, "small", RECIPE)
    (tmp_path / "s.toml").write_text(STUDY)
    run_study(tmp_path / "s.toml", small, out=tmp_path / "out", console=Console(quiet=True))
    return tmp_path / "out"


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_store_that_is_whole_says_so(out):
    check = check_store(out)
    assert check.whole
    assert {part.state for part in check.parts} == {"whole"}
    assert len(check.parts) == 3  # a run, a study, its variants


def test_every_file_that_is_damaged_is_found_and_named(out):
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        content = path.read_bytes()
        for broken in (content[: len(content) // 2], None):
            path.unlink()
            if broken is not None:
                path.write_bytes(broken)
            check = check_store(out)
            if (broken is None and path.name == "model.json") or (
                broken is None and path == out / "studies" / "s" / "manifest.json"
            ):  # then it was never finished
                assert any(part.state == "unfinished" for part in check.parts)
            else:
                assert not check.whole
                assert any(part.path == str(path) for part in check.parts if part.state == "damaged")
            path.write_bytes(content)
    assert check_store(out).whole


def test_what_is_damaged_is_made_again_by_the_same_command(out, small):
    folder = out / "studies" / "s"
    names = (
        "variants/dark.npy",
        "variants/labels.npy",
        "variants/variants.json",
        "samples.safetensors",
        "findings.json",
    )
    for name in names:
        damage(folder / name)
    with pytest.warns(UserWarning, match="made again"):
        run_study(out.parent / "s.toml", small, out=out, console=Console(quiet=True))
    assert check_store(out).whole


def test_what_is_not_finished_and_what_failed_is_said(small, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def break_off(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("mlp", small, recipe=RECIPE, parameters=SMALL, store=tmp_path, watch=break_off)
    [run] = (tmp_path / "runs").iterdir()
    [part] = check_store(tmp_path).parts
    assert (part.state, part.sentence) == ("unfinished", "The same command goes on after epoch 0.")
    damage(run / "checkpoint.safetensors")
    assert [part.state for part in check_store(tmp_path).parts] == ["damaged"]
    (run / "checkpoint.safetensors").unlink()
    (run / ".model.json.0123.partial").write_bytes(b"{")
    assert [part.state for part in check_store(tmp_path).parts] == ["stray", "unfinished"]
    wild = Recipe("wild", epochs=2, batch_size=50, optimizer="sgd", learning_rate=1e6, momentum=0.9)
    with pytest.raises(TrainingFailed):
        train("mlp", small, recipe=wild, parameters=SMALL, store=tmp_path / "wild")
    check = check_store(tmp_path / "wild")
    assert [part.state for part in check.parts] == ["failed"]
    assert check.whole


def test_an_imported_model_is_checked(tmp_path):
    Run(tmp_path / "a").keep_imported({"card": 1}, {"w": np.zeros(3)}, {"source": "x"})
    assert [part.state for part in check_store(tmp_path).parts] == ["whole"]
    damage(tmp_path / "a" / "model.safetensors")
    [part] = check_store(tmp_path).parts
    assert part.sentence.endswith("Import the weights again.")


def test_a_report_made_again_leaves_a_study_whole_and_does_not_hide_damage(out):
    folder = out / "studies" / "s"
    write_report_again(folder)
    assert check_store(out).whole
    damage(folder / "results.json")
    write_report_again(folder)
    assert [part.path for part in check_store(out).parts if part.state == "damaged"] == [str(folder / "results.json")]


def test_on_the_command_line_damage_is_exit_code_1(out, monkeypatch, capfd, tmp_path):
    def check(*arguments):
        monkeypatch.setattr("sys.argv", ["shiftassay", "check", *map(str, arguments)])
        return run_command_line()

    assert check(out) == 0
    damage(out / "studies" / "s" / "findings.json")
    assert check(out, "--json", tmp_path / "check.json") == 1
    assert "findings.json" in capfd.readouterr().out
    assert read_json(tmp_path / "check.json")["whole"] is False
    assert check(tmp_path / "nothing") == 2
    (tmp_path / "empty").mkdir()
    assert check(tmp_path / "empty") == 0


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        check_store(tmp_path / "out")
