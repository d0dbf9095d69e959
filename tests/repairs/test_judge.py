"""What a repair is judged by: no answer that is none, and no images that happen to come first in a file."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.evaluation.attack_set import QUICK
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.repairs.bench import Half, attacked_places, split_set
from shiftassay.repairs.judge import try_strategy
from shiftassay.repairs.repair import repair
from shiftassay.repairs.retrain import Retrain
from shiftassay.repairs.strategy import RepairedModel, Task, some_of
from shiftassay.repairs.tasks import tasks_of
from shiftassay.shifts.catalog import parse, shift


@pytest.fixture(scope="module")
def bench(small, model):
    return split_set(small.test, shift(small.test, "invert"), model=model, seed=0, attacks=QUICK, device="cpu")


def broken(model):
    model = copy.deepcopy(model)
    with torch.no_grad():
        next(model.parameters())[0] = torch.nan
    return model


def test_a_repaired_model_that_answers_nan_is_not_judged_but_named(bench, small, model, monkeypatch):
    monkeypatch.setattr(Retrain, "make", lambda *_: RepairedModel(broken(model), "all weights"))
    tasks = tasks_of(bench, small.train, epochs=1, images=200)
    assert "NaN or infinite" in try_strategy(Retrain(), tasks, bench)


def test_a_strategy_that_fails_leaves_the_others_to_be_tried(small, model, monkeypatch):
    def fails(*_):
        raise BadInput("the model can't be trained on (ValueError: no).")

    monkeypatch.setattr(Retrain, "make", fails)
    result = repair(small.test, shift(small.test, "invert"), model=model, train=small.train, epochs=1, quick=True)
    assert result.skipped["retrain"] == "the model can't be trained on (ValueError: no)"
    assert result.recommended == "undo"


def test_a_model_that_answers_nan_is_not_repaired(small, model):
    with pytest.raises(BadInput, match="mnist:test: the model's output is NaN or infinite for 500 of 500 images"):
        repair(small.test, shift(small.test, "invert"), model=broken(model), train=small.train, quick=True)


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (nn.Flatten(), "no gradient with respect to its weights"),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), None),
    ],
)
def test_what_has_no_weights_to_train_says_so(module, why, small):
    task = Task(parse("invert"), 1.0, module, small.train, None, 10, (1, 28, 28), 1, 100, 0, "cpu")
    reason = task.untrainable
    assert reason is None if why is None else why in reason
    assert Retrain().unfit(task) == reason


def test_images_that_are_attacked_or_chosen_on_are_from_all_over_the_file():
    half = Half(np.arange(1000), np.arange(1000), Verdict(None, {}, {}, 1.0, 0.5))
    places = attacked_places(half, 200, 0)
    assert len(places) == len(np.unique(places)) == 100
    assert places.min() < 100 < 900 < places.max()
    sorted_by_class = ImageSet(np.zeros((1000, 1, 2, 2), np.float32), np.repeat(np.arange(10), 100))
    chosen = some_of(sorted_by_class, 200, 0)
    assert np.bincount(chosen.labels, minlength=10).min() > 5
    assert some_of(sorted_by_class, 1000, 0) is sorted_by_class
