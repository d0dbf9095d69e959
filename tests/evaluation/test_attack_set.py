"""Attacks on models for which the answer is known: a linear one falls exactly where its margin is too small."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.evaluation.attack_set import AttackBudget, Robustness, attack_set, joined
from shiftassay.evaluation.square import bump, square_attack
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronted import Fronted
from shiftassay.models.predict import aimed_at
from shiftassay.shifts.ascent import Ball, margin_against

ASCENTS = AttackBudget(queries=0)


class Levels(nn.Module):
    """Grey levels so fine that nothing is lost by them, and so abrupt that no gradient passes."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model((images * 1000).round() / 1000)


@pytest.fixture
def linear(rng):
    """A linear model of three classes, images away from black and white, and labels that it gets right."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with torch.no_grad():
        model[1].weight.copy_(torch.from_numpy(rng.normal(size=(3, 36)).astype(np.float32)))
        model[1].bias.copy_(-0.5 * model[1].weight.sum(1))  # each class is as likely as the others
    images = rng.uniform(0.3, 0.7, (300, 1, 6, 6)).astype(np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(images)).numpy()
    return model, ImageSet(images, logits.argmax(1)), logits


def stands_by_theory(model, images, logits, ball) -> np.ndarray:
    """Which images have a margin of at least ε‖w‖, in the dual norm, against each other class."""
    dual = 1 if ball.norm == "linf" else 2
    weights = model[1].weight.detach().numpy()
    margins = logits[np.arange(len(logits)), images.labels][:, None] - logits
    reach = ball.epsilon * np.linalg.norm(weights[images.labels][:, None] - weights[None], ord=dual, axis=2)
    others = np.arange(3)[None] != images.labels[:, None]
    return (margins >= reach)[others].reshape(-1, 2).all(1)


@pytest.mark.parametrize("ball", [Ball(0.01, "linf"), Ball(0.05, "l2")], ids=lambda ball: ball.norm)
def test_a_linear_model_falls_where_its_margin_is_below_epsilon(ball, linear):
    model, images, logits = linear
    stands = stands_by_theory(model, images, logits, ball)
    result = attack_set(images, ball, model=model, budget=ASCENTS)
    assert 0.1 < stands.mean() < 0.9
    assert np.mean(result.survives == stands) > 0.99
    assert not (result.survives < stands).any()
    assert result.survived == result.survives.sum()
    assert Robustness.from_json(result.to_json()).survived == result.survived


@pytest.mark.parametrize("ball", [Ball(0.01, "linf"), Ball(0.05, "l2")], ids=lambda ball: ball.norm)
def test_a_search_without_gradients_comes_near_what_is_possible_and_not_beyond(ball, linear):
    model, images, logits = linear
    stands = stands_by_theory(model, images, logits, ball)
    clean, labels = torch.from_numpy(images.images), torch.from_numpy(images.labels)
    generator = torch.Generator().manual_seed(0)
    attacked = square_attack(clean, labels, aimed_at(model), ball=ball, queries=1000, generator=generator)
    change = (attacked - clean).flatten(1)
    size = change.abs().amax(1) if ball.norm == "linf" else change.norm(dim=1)
    assert float(size.max()) <= ball.epsilon * (1 + 1e-4)
    right = (margin_against(model(attacked), labels) < 0).numpy()
    drawn = torch.ones(len(clean), dtype=torch.bool)
    for _ in range(1000):
        direction = torch.randn(clean.shape, generator=generator)
        direction = direction.sign() if ball.norm == "linf" else direction / direction.norm(dim=(2, 3), keepdim=True)
        drawn &= margin_against(model(clean + ball.epsilon * direction), labels) < 0
    assert not (right < stands).any()
    left, left_by_draws = (right & ~stands).sum(), (drawn.numpy() & ~stands).sum()
    assert left < left_by_draws / 2  # a thousand directions drawn at random leave far more


def test_a_model_whose_gradient_vanishes_falls_to_the_search(linear):
    model, images, logits = linear
    ball, masked = Ball(0.01, "linf"), Levels(model)
    stands = stands_by_theory(model, images, logits, ball)
    ascents = attack_set(images, ball, model=masked, budget=ASCENTS)
    everything = attack_set(images, ball, model=masked, budget=AttackBudget(restarts=1, targets=0))
    assert ascents.survived > stands.sum() + 30  # it looks strong to whatever follows a gradient
    assert everything.survived < stands.sum() + 10
    assert everything.fell["Square attack"] > 20

    class Detached(Levels):
        def forward(self, images):
            return super().forward(images.detach())

    without = attack_set(images, ball, model=Detached(model), budget=AttackBudget(restarts=1, targets=0))
    assert set(without.fell) == {"Square attack"}
    assert without.survived < stands.sum() + 10


def test_a_front_without_gradient_does_not_look_strong(linear):
    model, images, _ = linear
    plain = attack_set(images, Ball(0.01, "linf"), model=model, budget=ASCENTS).survived
    fronted = Fronted(model, {"kind": "median", "size": 1}, (1, 6, 6))
    fronted.front = lambda x: (x * 1000).round() / 1000
    assert attack_set(images, Ball(0.01, "linf"), model=fronted, budget=ASCENTS).survived == pytest.approx(plain, abs=6)


def test_each_attack_is_made_on_what_the_others_left_and_halves_add_up(linear):
    model, images, _ = linear
    parts = [ImageSet(images.images[half], images.labels[half]) for half in (slice(0, 150), slice(150, None))]
    ball = Ball(0.01, "linf")
    results = [attack_set(part, ball, model=model, budget=AttackBudget(queries=10)) for part in parts]
    both = joined(results)
    assert (both.images, both.right) == (300, 300)
    assert list(both.fell) == ["log-odds", "margin", "towards a class", "Square attack"]
    assert both.right - sum(both.fell.values()) == both.survives.sum() == sum(r.survived for r in results)


def test_a_model_is_as_it_was_after_an_attack(linear):
    model, images, _ = linear
    model.train()
    attack_set(images, Ball(0.01, "linf"), model=model, budget=AttackBudget(restarts=1, targets=0, queries=2))
    assert model.training
    assert model[1].weight.requires_grad
    assert model[1].weight.grad is None


@pytest.mark.parametrize("side", [1, 2, 3, 5, 11])
def test_a_bump_has_norm_one_and_two_signs(side):
    values = bump(side)
    assert values.shape == (side, side)
    assert float(values.norm()) == pytest.approx(1.0)
    assert side == 1 or (values[:, : side // 2] > 0).all()
    assert (values[:, side // 2 :] < 0).all()
