"""A training whose numbers stop being finite has failed, and says where; the others go on."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch
from rich.console import Console

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.networks.registry import build
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.runs.store import Mended
from shiftassay.studies.run import run_study
from shiftassay.training import train as train_module
from shiftassay.training.captured import CapturedPopulation
from shiftassay.training.engine import run_group, split
from shiftassay.training.history import Diverged
from shiftassay.training.one_for_all import train_one_for_all
from shiftassay.training.train import TrainingFailed, train

SOUND = Recipe("sound", epochs=2, batch_size=50, optimizer="sgd", learning_rate=0.05, held_out=200)
WILD = dataclasses.replace(SOUND, name="wild", learning_rate=1e6, momentum=0.9)
SMALL = {"widths": [16]}


def spoil(monkeypatch, spoiled):
    """Give members such a beginning that their training overflows."""
    sound = train_module.initial_network

    def initial_network(trial, shape, classes):
        network = sound(trial, shape, classes)
        if spoiled(trial):
            with torch.no_grad():
                next(network.parameters())[0] = 1e38
        return network

    monkeypatch.setattr(train_module, "initial_network", initial_network)


@pytest.mark.parametrize("held_out", [0, 200])
def test_a_member_that_diverges_fails_with_epoch_and_step_and_is_not_trained_again(held_out, small, tmp_path):
    recipe = dataclasses.replace(WILD, held_out=held_out)
    seen = []
    for _ in range(2):
        with pytest.raises(
            TrainingFailed, match=r"mlp seed 0 failed: the loss was not finite in step \d+ of epoch 1"
        ) as raised:
            train("mlp", small, recipe=recipe, parameters=SMALL, store=tmp_path, watch=lambda *_: seen.append(1))
        assert raised.value.trained == []
        [failed] = raised.value.failures
        assert failed.failure.epoch == 1
        assert 1 < failed.failure.step < 40
    assert not seen
    [folder] = (tmp_path / "runs").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["environment.json", "failed.json", "trial.json"]
    json.loads((folder / "failed.json").read_text(), parse_constant=pytest.fail)


def test_the_others_are_trained_and_kept(small, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda trial: trial.seed == 1)
    for _ in range(2):
        with pytest.raises(TrainingFailed, match="mlp seed 1 failed") as raised:
            train("mlp", small, recipe=SOUND, parameters=SMALL, seeds=[0, 1, 2], store=tmp_path)
        assert [member.trial.seed for member in raised.value.trained] == [0, 2]
    assert len(list((tmp_path / "runs").glob("*/model.json"))) == 2


def test_a_member_of_a_population_fails_alone(small):
    torch.manual_seed(0)
    networks = [build("mlp", (1, 28, 28), 10, SMALL) for _ in range(2)]
    with torch.no_grad():
        next(networks[0].parameters())[0] = 1e38
    data = split(small.train, 200, 10)
    failed, sound = run_group(
        CapturedPopulation(networks, SOUND, data, [0, 1], "cpu"), SOUND, data, [None, None], [None, None]
    )
    assert failed.failure is not None
    assert failed.metrics == []
    assert sound.failure is None
    assert [metrics.epoch for metrics in sound.metrics] == [1, 2]


def test_one_model_for_all_fails_too(small, tmp_path):
    from shiftassay.shifts.catalog import make

    shifts = {"clean": make("identity", {}), "dark": make("gain", {"factor": 0.5})}
    for _ in range(2):
        with pytest.raises(Diverged, match="failed: the loss was not finite"):
            train_one_for_all(shifts, small, recipe=WILD, widths=[16], store=tmp_path)


def test_metrics_hold_no_nan(small, tmp_path):
    [member] = train("mlp", small, recipe=SOUND, parameters=SMALL, store=tmp_path)
    for path in member.folder.glob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


STUDY = """
kind = "shifted-test-sets"
title = "A study"
question = "Does it go on?"
network = "mlp"
network_parameters = { widths = [16] }
recipe = "RECIPE"
seeds = 2
[[variants]]
name = "dark"
family = "gain"
parameters = { factor = 0.8 }
"""


def test_a_study_goes_on_without_members_that_failed_and_reports_them(small, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda trial: trial.seed == 0)
    monkeypatch.setitem(RECIPES, "sound", SOUND)
    (tmp_path / "s.toml").write_text(STUDY.replace("RECIPE", "sound"))
    done = run_study(tmp_path / "s.toml", small, out=tmp_path / "out", console=Console(quiet=True))
    assert [member["seed"] for member in done.results["members"]] == [1]
    assert "mlp seed 0 failed: " in done.report.read_text()


def test_a_study_of_which_nothing_is_left_fails(small, tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "wild", WILD)
    (tmp_path / "s.toml").write_text(STUDY.replace("RECIPE", "wild"))
    with pytest.raises(TrainingFailed, match=r"seed 0 failed.*seed 1 failed"):
        run_study(tmp_path / "s.toml", small, out=tmp_path / "out", console=Console(quiet=True))


def test_a_network_that_diverges_is_left_out_of_a_comparison_and_its_seeds_are_blocks(small, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda trial: trial.network == "stn" or (trial.network == "mlp" and trial.seed == 1))
    monkeypatch.setitem(
        RECIPES, "watched", dataclasses.replace(SOUND, name="watched", held_out=0, validate_on_test=True)
    )
    (tmp_path / "a.toml").write_text(
        'kind = "architectures"\ntitle = "A"\nquestion = "?"\nnetworks = ["trunk", "mlp", "stn"]\ncontrol = "trunk"\n'
        'recipe = "watched"\nseeds = 3\nepochs = 1\naudit_images = 100\n'
    )
    done = run_study(tmp_path / "a.toml", small, out=tmp_path / "out", console=Console(quiet=True))
    assert {name: len(trials) for name, trials in done.results["trials"].items()} == {"trunk": 2, "mlp": 2}
    assert len(done.results["failed"]) == 4
    assert "stn seed 2 failed" in done.report.read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0, expected a whole number from 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"optimizer": "adam"}, "optimizer is 'adam', expected one of sgd, adamw"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"sd": 0.0}, "sd is 0.0, expected a finite number above 0"),
        ({"mean": float("inf")}, "mean is inf"),
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
        ({"clip_norm": -1.0}, "clip_norm"),
        ({"held_out": 5000}, "5000 images held out of 2000"),
        ({"label_smoothing": 1.5}, "label_smoothing"),
    ],
)
def test_a_recipe_that_can_not_be_trained_with_is_refused(change, message, small):
    recipe = dataclasses.replace(SOUND)
    for name, value in change.items():  # as where no types are checked
        object.__setattr__(recipe, name, value)
    with pytest.raises(BadInput, match=message):
        train("mlp", small, recipe=recipe, parameters=SMALL)


def test_a_batch_larger_than_the_data_takes_memory_for_the_data_only(small):
    huge = dataclasses.replace(SOUND, batch_size=10**6, epochs=1)
    all_at_once = dataclasses.replace(SOUND, batch_size=1800, epochs=1)
    [one], [other] = (train("mlp", small, recipe=recipe, parameters=SMALL) for recipe in (huge, all_at_once))
    assert np.array_equal(one.test_logits, other.test_logits)


def test_a_batch_that_memory_does_not_hold_is_refused_before_training(small, monkeypatch):
    from shiftassay.training import path

    monkeypatch.setattr(path, "memory_available", lambda device: 10**4)
    with pytest.raises(BadInput, match=r"a batch of 50 images needs about .* GB.*smaller batch_size"):
        train("mlp", small, recipe=SOUND, parameters=SMALL)


def test_images_and_labels_that_can_not_be_trained_on_are_refused(small):
    images = small.train.images.copy()
    images[7, 0, 3, 3] = np.nan
    odd = dataclasses.replace(small, train=ImageSet(images, small.train.labels, "odd"))
    with pytest.raises(BadInput, match="odd: it holds NaN"):
        train("mlp", odd, recipe=SOUND, parameters=SMALL)
    labels = small.train.labels.copy()
    labels[7] = 10**6
    far = dataclasses.replace(small, train=ImageSet(small.train.images, labels, "far"))
    with pytest.raises(BadInput, match="run up to 1,000,000, but only 11 of them occur"):
        train("mlp", far, recipe=SOUND, parameters=SMALL)


def test_a_checkpoint_that_can_not_be_written_does_not_end_training(small, tmp_path, monkeypatch):
    from shiftassay.runs import store
    from shiftassay.training import engine

    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)
    kept = store.write_arrays

    def full(path, *rest):
        if path.name == store.CHECKPOINT:
            raise BadInput(f"{path}: can't be written (No space left on device).")
        kept(path, *rest)

    monkeypatch.setattr(store, "write_arrays", full)
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        [member] = train("mlp", small, recipe=SOUND, parameters=SMALL, store=tmp_path)
    assert (member.folder / "model.json").is_file()
    assert any(issubclass(one.category, Mended) and "Training goes on" in str(one.message) for one in messages)
