import copy
import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.models.predict import predict
from shiftassay.networks.registry import build
from shiftassay.runs.recipe import RECIPES, Recipe, recipe_named
from shiftassay.training import engine
from shiftassay.training.engine import split
from shiftassay.training.lowering import lower
from shiftassay.training.masks import reading_masks
from shiftassay.training.native_member import NativeMember
from shiftassay.training.plain import PlainMember
from shiftassay.training.train import train

SGD = Recipe("test", epochs=3, batch_size=64, optimizer="sgd", learning_rate=0.05, momentum=0.9, held_out=300)
ADAMW = dataclasses.replace(SGD, optimizer="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="one_cycle")
WATCHED = dataclasses.replace(SGD, held_out=0, validate_on_test=True)
SMALL = {"widths": [24, 12], "dropout": 0.2}


@pytest.mark.parametrize("recipe", [SGD, ADAMW, WATCHED], ids=["sgd", "adamw", "watched"])
def test_a_run_that_was_broken_off_ends_with_the_same_weights(recipe, small, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def break_off(trial, metrics):
        if metrics.epoch == 2:
            raise KeyboardInterrupt

    [whole] = train("mlp", small, recipe=recipe, parameters=SMALL, store=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train("mlp", small, recipe=recipe, parameters=SMALL, store=tmp_path / "broken", watch=break_off)
    trained_again = []
    [resumed] = train(
        "mlp",
        small,
        recipe=recipe,
        parameters=SMALL,
        store=tmp_path / "broken",
        watch=lambda t, m: trained_again.append(m.epoch),
    )
    assert trained_again == [2, 3]
    for name, weights in whole.model.state_dict().items():
        assert torch.equal(weights, resumed.model.state_dict()[name])
    assert [m.loss for m in whole.metrics] == [m.loss for m in resumed.metrics]
    assert (whole.best and whole.best.epoch) == (resumed.best and resumed.best.epoch)


def test_the_best_epoch_on_the_test_set_is_kept_beside_the_last(small, tmp_path):
    restless = dataclasses.replace(WATCHED, learning_rate=0.2, epochs=6)
    [member], [stored] = (train("mlp", small, recipe=restless, parameters=SMALL, store=tmp_path) for _ in range(2))
    accuracies = [metrics.validation_accuracy for metrics in member.metrics]
    assert member.best is not None
    assert stored.best is not None
    assert member.best.epoch == 1 + int(np.argmax(accuracies)) == stored.best.epoch
    right = member.best.logits.argmax(1) == small.test.labels
    assert right.mean() == max(accuracies)
    assert (member.test_logits.argmax(1) == small.test.labels).mean() == accuracies[-1]
    member.model.network.load_state_dict({name: torch.from_numpy(a) for name, a in stored.best.weights.items()})
    assert np.allclose(predict(small.test.images, model=member.model), member.best.logits, atol=1e-4)


def test_clipped_gradients_are_no_longer_than_asked_for(small):
    clipped = dataclasses.replace(SGD, momentum=0.0, clip_norm=1e-3, epochs=1, held_out=0)
    data = dataclasses.replace(
        split(small.train, 0, 10), images=small.train.images[:64], labels=small.train.labels[:64]
    )
    torch.manual_seed(0)
    network = build("mlp", (1, 28, 28), 10, SMALL)
    native = NativeMember(copy.deepcopy(network), lower(network, (1, 28, 28)), clipped, data, seed=0)
    plain = PlainMember(copy.deepcopy(network), clipped, data, seed=0)
    for member in (native, plain):
        member.train_steps(0, 0, member.steps)
        moved = [member.weights()[name] - before.numpy() for name, before in network.state_dict().items()]
        length = np.sqrt(sum((part.astype(float) ** 2).sum() for part in moved))
        assert length == pytest.approx(clipped.learning_rate * clipped.clip_norm, rel=1e-2)


def test_a_run_that_exists_is_not_trained_again(small, tmp_path):
    seen = []
    for _ in range(2):
        members = train(
            "mlp", small, recipe=SGD, seeds=(0, 1), parameters=SMALL, store=tmp_path, watch=lambda t, m: seen.append(m)
        )
    assert len(seen) == 2 * SGD.epochs
    assert all(member.reused for member in members)


def test_anything_that_matters_makes_another_trial(small, tmp_path):
    base = {"recipe": SGD, "parameters": SMALL, "store": tmp_path}
    variants = [base, {**base, "epochs": 2}, {**base, "parameters": {"widths": [24, 11]}}, {**base, "seeds": (5,)}]
    members = [train("mlp", small, **kwargs)[0] for kwargs in variants]
    assert len({member.trial.digest for member in members}) == len(members)
    assert not any(member.reused for member in members)


def test_a_member_does_not_depend_on_who_else_is_trained(small):
    alone = train("mlp", small, recipe=SGD, seeds=(3,), parameters=SMALL)[0]
    among = train("mlp", small, recipe=SGD, seeds=(1, 3), parameters=SMALL)[1]
    assert np.array_equal(alone.test_logits, among.test_logits)


def test_training_learns_digits(small):
    [member] = train("mlp", small, recipe=dataclasses.replace(SGD, epochs=8), parameters={"widths": [64]})
    assert (member.test_logits.argmax(1) == small.test.labels).mean() > 0.85
    assert member.metrics[-1].validation_accuracy is not None
    assert member.metrics[-1].validation_accuracy > 0.85


def test_training_leaves_the_callers_random_numbers_alone(small):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    train("mlp", small, recipe=SGD, epochs=1, parameters=SMALL)
    assert torch.equal(torch.rand(3), expected)


def test_held_out_images_are_not_trained_on_and_are_the_same_for_every_seed(small):
    data, again = split(small.train, 300, 10), split(small.train, 300, 10)
    assert data.validation is not None
    assert again.validation is not None
    assert np.array_equal(data.validation.images, again.validation.images)
    trained = {image.tobytes() for image in data.images}
    assert len(data.images) == 1700
    assert not any(image.tobytes() in trained for image in data.validation.images)


def test_a_step_is_the_one_that_pytorch_takes(small):
    """One plain step against the update written out by hand, with the mask of dropout read from the noise."""
    from shiftassay.random_stream import epoch_order, keep_mask, seed_for

    recipe = dataclasses.replace(SGD, batch_size=50, held_out=0, momentum=0.0, weight_decay=0.1)
    data = dataclasses.replace(
        split(small.train, 0, 10), images=small.train.images[:50], labels=small.train.labels[:50]
    )
    torch.manual_seed(1)
    network = build("mlp", (1, 28, 28), 10, {"widths": [20], "dropout": 0.5})
    before = {name: weights.detach().clone() for name, weights in network.named_parameters()}
    member = PlainMember(network, recipe, data, seed=7)
    member.train_steps(0, 0, member.steps)

    order = epoch_order(seed_for(7, 0, "order"), 50)
    x = (torch.from_numpy(data.images[order]).flatten(1) - recipe.mean) / recipe.sd
    kept = torch.from_numpy(keep_mask(seed_for(7, 0, "dropout", "layers.3"), 0, 50 * 20, 0.5)).view(50, 20)
    w1, b1, w2, b2 = (
        before[f"layers.{name}"].requires_grad_() for name in ("1.weight", "1.bias", "4.weight", "4.bias")
    )
    hidden = torch.relu(x @ w1.T + b1) * kept / 0.5
    torch.nn.functional.cross_entropy(hidden @ w2.T + b2, torch.from_numpy(data.labels[order])).backward()
    for name, weights in network.named_parameters():
        start = before[name]
        expected = start - recipe.learning_rate * (start.grad + 0.1 * start)
        assert torch.allclose(weights, expected, atol=1e-6)


def test_dropout_outside_training_and_after_it_is_pytorchs_own(digits):
    network = build("mlp", (1, 28, 28), 10, {"dropout": 0.5})
    images = torch.from_numpy(digits.images)
    with reading_masks(network, 0, 0):
        network.train()
        assert torch.equal(network(images), network(images))
    assert not torch.equal(network(images), network(images))


def test_one_cycle_rises_to_its_top_and_falls_to_nothing():
    rates = [RECIPES["mlp"].learning_rate_at(step, 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == pytest.approx(200, abs=1)
    assert rates[-1] < 1e-5
    assert all(a < b for a, b in pairwise(rates[:200]))


def test_bad_requests_are_refused(small):
    with pytest.raises(BadInput, match="Did you mean 'seed-003'"):
        recipe_named("seed-03")
    with pytest.raises(BadInput, match="auto, cpu or cuda"):
        train("mlp", small, recipe=SGD, device="gpu")
    with pytest.raises(BadInput, match="expected a whole number from 1"):
        train("mlp", small, recipe=SGD, epochs=0)
    with pytest.raises(BadInput, match="5000 images held out of 2000"):
        train("mlp", small, recipe="mlp", epochs=1)
