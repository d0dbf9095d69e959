"""Trainings kept as data: what is put back is what was trained, and nothing damaged is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.trials import full_study, plan, restore_all, train_one

from benchmarks import trial_file as files
from shiftassay.runs.recipe import recipe_named
from shiftassay.runs.store import Damaged, Store
from shiftassay.studies.architectures.trainings import Training
from shiftassay.training import train as training

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "spatial-attention.json"
RECIPE = replace(recipe_named("seed-003"), epochs=2, held_out=100)


@pytest.fixture(scope="module")
def kept(small, tmp_path_factory):
    """A store with one run of a network that attends across its batch, and the file of it."""
    root = tmp_path_factory.mktemp("kept")
    [member] = training.train("attention-across-batch", small, recipe=RECIPE, store=root, device="cpu")
    run = Store(root).run(member.trial)
    return member.trial, run, files.write_trial(root / "trials", run)


def test_a_trial_that_is_put_back_is_the_run_that_was_trained(kept, small, tmp_path):
    trial, run, path = kept
    store = Store(tmp_path)
    assert restore_all([(None, trial)], small, store, path.parent) == 1
    back = store.run(trial).folder
    names = {file.name for file in run.folder.iterdir()}
    assert {file.name for file in back.iterdir()} == names >= {"model.json", "predictions.safetensors"}
    assert all((back / name).read_bytes() == (run.folder / name).read_bytes() for name in names)
    [member] = training.train("attention-across-batch", small, recipe=RECIPE, store=tmp_path, device="cpu")
    assert member.reused
    assert all(epoch.held_out_accuracy is not None for epoch in member.metrics)


def test_a_damaged_trial_is_refused_by_name(kept, small, tmp_path, capsys):
    trial, _, path = kept
    content = bytearray(path.read_bytes())
    for place in (0, len(content) // 2, len(content) - 1):
        damaged = tmp_path / path.name
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(Damaged, match=path.name):
            files.restore_trial(damaged, trial, small, Store(tmp_path).run(trial))
    assert restore_all([(None, trial)], small, Store(tmp_path), tmp_path) == 0
    assert path.name in capsys.readouterr().err


def test_another_trial_under_a_name_is_refused(kept, small, tmp_path):
    trial, _, path = kept
    with pytest.raises(Damaged, match="holds another trial"):
        files.restore_trial(path, replace(trial, seed=5), small, Store(tmp_path).run(trial))


def test_answers_that_the_weights_do_not_give_are_refused(kept, small, tmp_path):
    trial, run, _ = kept
    answers = run.predictions()["test_logits"]
    other = Store(tmp_path).run(trial)
    other.begin(trial, run.environment())
    predictions = {**run.predictions(), "test_logits": np.roll(answers, 1, axis=1)}
    other.finish(run.card(), run.weights(), run.metrics(files.Metrics), predictions, run.best_weights())
    path = files.write_trial(tmp_path, other)
    with pytest.raises(Damaged, match="the weights of the last epoch do not give the answers"):
        files.restore_trial(path, trial, small, Store(tmp_path / "back").run(trial))


def test_time_that_is_over_trains_nothing_and_keeps_nothing(tmp_path):
    store = Store(tmp_path)
    asked = Training("trunk", (0,), RECIPE)
    assert train_one(asked, 0, store=store, folder=tmp_path / "trials", end=0.0) is None
    assert not list(tmp_path.iterdir())


def test_the_plan_is_the_full_study_seed_by_seed(mnist):
    study = full_study()
    planned = plan(study, mnist)
    seeds = [trial.seed for _, trial in planned]
    assert seeds == sorted(seeds)
    digests = [trial.digest for _, trial in planned]
    assert len(set(digests)) == len(digests)
    whole = [t.digest for training, t in planned if not training.note and t.seed < 5]
    published = json.loads(RESULTS.read_text())["trials"]
    assert set(whole) >= {digest for of_network in published.values() for digest in of_network[:5]}
    assert len([1 for training, _ in planned if not training.note]) == study.seeds * len(study.networks)
