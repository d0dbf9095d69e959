import dataclasses
import json

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.runs.environment import Environment, environment
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.results import EpochMetrics, Metrics
from shiftassay.runs.store import Damaged, Store, read_arrays, read_json, write_arrays
from shiftassay.runs.trial import Trial

RECIPE = Recipe("r", epochs=1, batch_size=8, optimizer="sgd", learning_rate=0.1)
METRICS = Metrics((EpochMetrics(1, 0.5, 0.9, None, None, 0.1),), None)
TRIAL = Trial("mlp", {"widths": [3]}, RECIPE, "mnist", "abc", 0, "cpu", 1)


def test_a_trials_name_depends_on_everything_in_it():
    other = [
        dataclasses.replace(TRIAL, **{field: value})
        for field, value in [
            ("network", "stn"),
            ("parameters", {}),
            ("recipe", dataclasses.replace(RECIPE, epochs=2)),
            ("data_digest", "x"),
            ("seed", 1),
            ("device", "cuda"),
            ("semantics", 2),
        ]
    ]
    assert len({trial.name for trial in [TRIAL, *other]}) == len(other) + 1
    assert Trial.from_json(json.loads(json.dumps(TRIAL.to_json()))).digest == TRIAL.digest


def test_a_run_is_complete_only_when_everything_is_written(tmp_path):
    run = Store(tmp_path).run(TRIAL)
    run.begin(TRIAL, environment())
    run.checkpoint({"weights": np.ones(3)}, METRICS)
    assert not run.complete
    arrays, progress = run.last_checkpoint(Metrics)
    assert progress == METRICS
    assert np.array_equal(arrays["weights"], np.ones(3))
    run.finish({"card": 1}, {"w": np.zeros(2)}, METRICS, {"p": np.eye(2)})
    assert run.complete
    assert run.last_checkpoint(Metrics) is None
    assert (run.card(), run.metrics(Metrics)) == ({"card": 1}, METRICS)
    assert np.array_equal(run.weights()["w"], np.zeros(2))
    assert np.array_equal(run.predictions()["p"], np.eye(2))
    run.check()


def test_the_environment_says_what_a_result_was_made_with():
    made = environment("cpu", 2)
    assert made.packages["torch"].startswith("2.")
    assert made.threads == 2
    assert made.cores >= 1
    assert Environment.from_json(made.to_json()) == made
    assert "seconds" not in made.to_json()


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"\x00" * 20)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match=r"a\.safetensors: damaged"):
        read_arrays(tmp_path / "a.safetensors")
    with pytest.raises(BadInput, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"before")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "no space left")))
    with pytest.raises(BadInput, match="no space left"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_that_are_not_contiguous_survive(tmp_path):
    write_arrays(tmp_path / "a.safetensors", {"t": np.arange(6).reshape(2, 3).T})
    assert np.array_equal(read_arrays(tmp_path / "a.safetensors")[0]["t"], np.arange(6).reshape(2, 3).T)


def test_too_little_memory_is_said_and_is_no_damage(tmp_path, monkeypatch):
    write_arrays(tmp_path / "a.safetensors", {"t": np.arange(600.0)})
    monkeypatch.setattr("shiftassay.imagesets.limits.available_memory", lambda: 10_000)
    with pytest.raises(BadInput, match="reading it takes") as error:
        read_arrays(tmp_path / "a.safetensors")
    assert not isinstance(error.value, Damaged)
    with (tmp_path / "holes.safetensors").open("wb") as file:
        file.truncate(1 << 42)
    monkeypatch.undo()
    with pytest.raises(BadInput, match=r"reading it takes 8\.0 TiB"):
        read_arrays(tmp_path / "holes.safetensors")
