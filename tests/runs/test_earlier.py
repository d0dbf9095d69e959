"""Runs that an earlier version kept, beside this file, are read, and are not trained again."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from shiftassay.errors import NotDone
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.store import Run
from shiftassay.shifts.catalog import parse
from shiftassay.training.one_for_all import train_one_for_all
from shiftassay.training.train import TrainingFailed, train

STORE = Path(__file__).parent / "earlier"
SGD = Recipe("earlier", epochs=2, batch_size=10, optimizer="sgd", learning_rate=0.05, momentum=0.9, held_out=20)
ADAMW = Recipe("watched", epochs=2, batch_size=10, optimizer="adamw", learning_rate=0.01, validate_on_test=True)
WILD = Recipe("wild", epochs=2, batch_size=10, optimizer="sgd", learning_rate=1e30, momentum=0.9, held_out=20)


@pytest.fixture(scope="module")
def toy() -> Dataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    images = (0.8 * labels[:, None, None, None] + 0.2 * rng.random((200, 1, 4, 4))).astype(np.float32)
    return Dataset("toy", ImageSet(images[:100], labels[:100]), ImageSet(images[100:], labels[100:]))


@pytest.fixture(autouse=True)
def nothing_is_said_to_be_damaged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("folder", sorted(STORE.glob("runs/*")), ids=lambda folder: folder.name)
def test_the_digest_of_an_earlier_trial_is_the_one_that_was_stored_with_it(folder):
    stored = json.loads((folder / "trial.json").read_text())
    trial = Run(folder).trial()
    assert (trial.digest, trial.name) == (stored["digest"], folder.name)
    assert trial.to_json() == {key: value for key, value in stored.items() if key not in ("digest", "sha256")}


@pytest.mark.parametrize("recipe", [SGD, ADAMW], ids=lambda recipe: recipe.name)
def test_an_earlier_run_is_not_trained_again(toy, recipe):
    [member] = train("mlp", toy, recipe=recipe, parameters={"widths": [8]}, store=STORE, device="cpu")
    assert member.reused
    assert [epoch.epoch for epoch in member.metrics] == [1, 2]
    assert all(epoch.seconds for epoch in member.metrics)
    assert (member.best is not None) == recipe.validate_on_test
    model = load_model(str(member.folder))
    assert np.allclose(predict(toy.test.images, model=model), member.test_logits, atol=1e-4)


def test_an_earlier_failure_is_told_again(toy):
    with pytest.raises(TrainingFailed, match="the loss was not finite in step 2 of epoch 1") as error:
        train("mlp", toy, recipe=WILD, parameters={"widths": [8]}, store=STORE, device="cpu")
    assert isinstance(error.value, NotDone)


def test_an_earlier_model_for_several_variants_is_not_trained_again(toy):
    shifts = {"clean": parse("identity"), "t1": parse("invert")}
    trained = train_one_for_all(shifts, toy, recipe=SGD, widths=[8], store=STORE, device="cpu")
    assert trained.reused
    assert set(trained.held_out) == set(shifts)
    assert trained.attacks == 0
