"""A fresh attack on models for which the answer is known: a linear one falls exactly where its margin is too small."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronted import Fronted
from shiftassay.repairs.attacked import attack
from shiftassay.shifts.families.attack import Adversarial


class Steps(nn.Module):
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


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_a_linear_model_falls_where_its_margin_is_below_epsilon(norm, dual, linear):
    model, images, logits = linear
    epsilon = 0.01 if norm == "linf" else 0.05
    weights = model[1].weight.detach().numpy()
    own = weights[images.labels]
    margins = logits[np.arange(300), images.labels][:, None] - logits
    reach = epsilon * np.linalg.norm(own[:, None] - weights[None], ord=dual, axis=2)
    stands = (margins >= reach)[np.arange(3)[None] != images.labels[:, None]].reshape(300, 2).all(1)
    right = attack(images, Adversarial(epsilon, norm), model=model)
    assert 0.1 < stands.mean() < 0.9
    assert np.mean(right == stands) > 0.99
    assert not (right < stands).any()


def test_a_front_without_gradient_does_not_look_strong(linear):
    model, images, _ = linear
    plain = attack(images, Adversarial(0.01), model=model).mean()
    fronted = Fronted(model, {"kind": "median", "size": 1}, (1, 6, 6))
    fronted.front = lambda x: (x * 1000).round() / 1000
    assert attack(images, Adversarial(0.01), model=fronted).mean() == pytest.approx(plain, abs=0.02)
    assert attack(images, Adversarial(0.01), model=Steps(model)).mean() > plain + 0.1


def test_a_model_is_as_it_was_after_an_attack(linear):
    model, images, _ = linear
    model.train()
    attack(images, Adversarial(0.01), model=model, restarts=1, targets=0)
    assert model.training
    assert model[1].weight.requires_grad
    assert model[1].weight.grad is None
