"""Training on: what is seen, what stays as it was, and what is drawn afresh."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.repairs import tuning
from shiftassay.repairs.adapt import Adapt
from shiftassay.repairs.adversarial import AdversarialTraining
from shiftassay.repairs.retrain import Retrain
from shiftassay.repairs.strategy import Task, by_intrusiveness
from shiftassay.repairs.undo import Undo
from shiftassay.shifts.catalog import parse, shift
from shiftassay.shifts.families.pixel_permutation import PixelPermutation


@pytest.fixture
def task(small, model):
    def of(name, **changes):
        fields = {"model": model, "train": small.train, "held_out": small.train.first(300), "epochs": 2, "images": 2000}
        fields |= {"share": 1.0, "classes": 10, "shape": (1, 28, 28), "seed": 0, "device": "cpu"}
        return Task(shift=parse(name), **{**fields, **changes})

    return of


@pytest.fixture
def seen(monkeypatch):
    """The images of every epoch that is trained on."""
    images = []
    made = tuning.TrainingData
    monkeypatch.setattr(tuning, "TrainingData", lambda i, *rest: images.append(i) or made(i, *rest))
    return images


def test_what_is_random_is_drawn_afresh_for_each_epoch(task, seen, small):
    Retrain().make(task("gaussian_noise:sd=0.3"))
    first, second = seen
    assert not np.array_equal(first, second)
    assert np.abs(first - small.train.images).max() > 0.3


def test_what_is_fixed_is_made_once(task, seen, small):
    Retrain().make(task("invert"))
    [only] = seen
    assert np.array_equal(only, 1 - small.train.images)


def test_a_share_of_the_images_is_left_alone(task, small):
    made = task("invert", share=0.25).epoch_of_shifted(0)
    assert np.mean((made.images != small.train.images).any((1, 2, 3))) == pytest.approx(0.25, abs=0.04)


def test_the_model_that_is_repaired_stays_as_it_was(task, model, small):
    before = predict(small.test.images, model=model)
    made = Retrain().make(task("invert"))
    assert np.array_equal(predict(small.test.images, model=model), before)
    assert not np.array_equal(predict(small.test.images, model=made.model), before)


def test_the_first_layer_alone_is_trained_where_its_weights_can_not_be_moved(task, model):
    made = Adapt().make(task("gamma:exponent=3"))
    assert not isinstance(made, str)
    changed = [
        name
        for (name, old), new in zip(model.named_parameters(), made.model.parameters(), strict=True)
        if not torch.equal(old, new)
    ]
    assert changed == ["network.layers.1.weight", "network.layers.1.bias"]
    assert made.parameters_trained == 784 * 64 + 64


def test_batch_norms_take_their_statistics_from_shifted_training_images(task, small):
    plain = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784, affine=False), nn.Linear(784, 10)).eval()
    made = Adapt().make(task("invert", model=plain))
    assert not isinstance(made, str)
    assert made.parameters_trained == 0
    wanted = (1 - small.train.images).reshape(len(small.train), -1).mean(0)
    assert np.allclose(made.model.get_buffer("1.running_mean").numpy(), wanted, atol=1e-4)
    assert not plain.get_buffer("1.running_mean").any()


def test_a_filter_is_chosen_that_helps_on_training_images(task):
    made = Undo().make(task("gaussian_noise:sd=0.5"))
    assert not isinstance(made, str)
    assert "7 × 7" in made.what or "3 × 3" in made.what
    assert made.images > 0


def test_what_differs_from_image_to_image_can_not_be_undone_blind(task):
    for name in ("rotate:angle=-40..40,scope=per_image", "pixel_permutation:scope=per_image"):
        assert "its partner" in (Undo().unfit(task(name)) or "")
        assert Adapt().unfit(task(name)) is not None


def test_nothing_is_trained_without_training_images(task):
    for strategy in by_intrusiveness():
        if strategy.name not in ("undo", "none"):
            assert strategy.unfit(task("invert", train=None)) is not None


def test_adversarial_training_leaves_its_model_alone_and_knows_both_norms(task, model, small):
    before = predict(small.test.images, model=model)
    for norm in ("linf", "l2"):
        made = AdversarialTraining().make(task(f"adversarial:epsilon=0.1,norm={norm}", images=300, epochs=1))
        assert ("clipped away" in made.what) == (norm == "linf")
        assert predict(small.test.images, model=made.model).shape == (500, 10)
    assert np.array_equal(predict(small.test.images, model=model), before)


def test_an_epoch_is_a_fresh_sample_where_there_are_more_images(task, small):
    known = task("invert", images=500)
    first, second = (known.epoch_of_training(epoch) for epoch in (0, 1))
    assert len(first) == 500
    assert not np.array_equal(first.images, second.images)
    assert isinstance(first, ImageSet)
    assert known.shown == 1000


def test_a_fixed_permutation_is_one_linear_map_before_the_first_layer(task, model, small, rng):
    permutation = PixelPermutation(tuple(rng.permutation(784).tolist()))
    permuted = replace(task("invert"), shift=permutation)
    images = shift(small.test, permutation).images
    before = predict(small.test.images, model=model)
    for strategy in (Undo(), Adapt()):
        made = strategy.make(permuted)
        assert not isinstance(made, str)
        assert (made.parameters_trained, made.images) == (0, 0)
        assert np.allclose(predict(images, model=made.model), before, atol=1e-3)
