import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.family import Context


@pytest.fixture(scope="module")
def linear(digits):
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(784, 2)).astype(np.float32))
    return weights, Context((digits.labels % 2), lambda images: images.flatten(1) @ weights)


def test_on_a_linear_model_the_attack_is_the_one_that_is_known_to_be_best(digits, linear):
    weights, context = linear
    attacked = catalog.shift(digits, "adversarial:epsilon=0.05", 0, context).images
    away = (weights[:, 1] - weights[:, 0]).numpy().reshape(1, 1, 28, 28)
    towards = np.where(context.labels == 1, -1, 1)[:, None, None, None] * np.sign(away)
    assert np.abs(attacked - np.clip(digits.images + 0.05 * towards, 0, 1)).max() < 1e-6


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_perturbation_is_larger_than_it_may_be(norm, digits, linear):
    delta = catalog.shift(digits, f"adversarial:epsilon=0.8,norm={norm}", 0, linear[1]).images - digits.images
    size = np.abs(delta).max((1, 2, 3)) if norm == "linf" else np.sqrt((delta**2).sum((1, 2, 3)))
    assert size.max() <= 0.8 + 1e-5
    assert size.max() > 0.5


def test_without_a_model_it_says_what_is_missing(digits):
    with pytest.raises(BadInput, match="aimed at a model"):
        catalog.shift(digits, parse("adversarial:epsilon=0.1"))
