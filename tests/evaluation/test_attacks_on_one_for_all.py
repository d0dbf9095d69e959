"""Attacks on one model for several variants."""

import dataclasses

import numpy as np
import pytest
import torch

from shiftassay.evaluation.attack_set import AttackBudget, attack_set
from shiftassay.models.one_for_all import OneForAll, OneForAllCard
from shiftassay.models.predict import predict
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.catalog import parse, shift
from shiftassay.shifts.family import Context
from shiftassay.training.one_for_all import train_one_for_all

RECIPE = Recipe("test", epochs=6, batch_size=50, optimizer="adamw", learning_rate=3e-3, held_out=300)
ATTACK = parse("adversarial:epsilon=0.15")
BUDGET = AttackBudget(restarts=1, targets=0, queries=0)


@pytest.fixture(scope="module")
def trained(small):
    shifts = {"clean": parse("identity"), "t4": ATTACK}
    return train_one_for_all(shifts, small, design="clean-only", recipe=RECIPE, widths=(32,), device="cpu").model


def test_an_attack_takes_most_from_a_model_that_was_not_trained_for_it_and_nothing_from_its_file(trained, small):
    images = small.test.first(200)
    right = attack_set(images, ATTACK.ball, model=trained.on("t4"), budget=BUDGET).survives
    clean = predict(images.images, model=trained.on("t4")).argmax(1) == images.labels
    assert clean.mean() > 0.8
    assert right.mean() < clean.mean() - 0.3
    assert not (right & ~clean).all()
    harmless = dataclasses.replace(ATTACK, epsilon=0.0)
    assert np.array_equal(attack_set(images, harmless.ball, model=trained.on("t4"), budget=BUDGET).survives, clean)


def test_a_front_whose_gradient_vanishes_is_attacked_all_the_same(small):
    """A model of rounded pixels has no gradient; only the attack that passes straight through succeeds."""

    class Rounded(torch.nn.Module):
        def forward(self, images, ids, straight=False):
            ink = torch.where(images > 0.5, 1.0, 0.0) + 0 * images
            shown = images + (ink - images).detach() if straight else ink
            return torch.stack([0.3 - shown.mean((1, 2, 3)), shown.mean((1, 2, 3)) - 0.3], dim=1)

    card = OneForAllCard("undo", {"t4": ATTACK}, (4,), (1, 28, 28), 2, 0.0, 1.0, 0, "toy", "trial")
    model = OneForAll(card)
    rule = Rounded()
    model.forward = rule.forward  # pyright: ignore[reportAttributeAccessIssue]  # stands in for its design
    rng = np.random.default_rng(0)
    gray = np.where(rng.random((20, 1, 28, 28)) < 0.9, 0.6, 0.2).astype(np.float32)
    images = dataclasses.replace(small.test.first(20), images=gray, labels=np.ones(20, np.int64))
    context = Context(images.labels, model.on("t4"))
    along_gradient = predict(shift(images, ATTACK, 0, context).images, model=model.on("t4")).argmax(1)
    assert (along_gradient == images.labels).all()
    assert not attack_set(images, ATTACK.ball, model=model.on("t4"), budget=BUDGET).survives.any()
