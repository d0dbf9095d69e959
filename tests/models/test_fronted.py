"""Fronts: each comes back from its card, and does what it says."""

import json

import numpy as np
import pytest
import torch

from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.filters import LinearFilter, Median, Standardize
from shiftassay.models.fronted import Fronted, FrontedCard, front_from, spec_of, undoing
from shiftassay.models.fronts import Shrink, Sort
from shiftassay.shifts.catalog import parse, shift

FRONTS = [
    Median(3),
    LinearFilter(((0.0, 0.5, 0.0), (0.1, 0.2, 0.1), (0.0, 0.1, 0.0)), 0.01),
    Standardize(0.13, 0.3),
    Shrink(0.1),
    Sort(),
]


@pytest.mark.parametrize("front", FRONTS, ids=str)
def test_a_front_comes_back_from_json(front, digits):
    images = torch.from_numpy(digits.images[:5])
    again = front_from(json.loads(json.dumps(spec_of(front))), (1, 28, 28))
    assert torch.equal(again(images), front(images))


def test_a_model_behind_a_front_comes_back_from_its_card(digits):
    card = ModelCard("mlp", {"widths": [8]}, (1, 28, 28), 10, 0.1, 0.3, 0, "mnist", "t")
    spec = parse("rotate:angle=30")
    model = Fronted(Classifier.from_card(card), undoing(spec), (1, 28, 28)).eval()
    again = Fronted.from_card(FrontedCard.from_json(json.loads(json.dumps(model.card.to_json())))).eval()
    again.network.load_state_dict(model.network.state_dict())
    images = torch.from_numpy(shift(digits, spec).images)
    assert torch.equal(again(images), model(images))
    undone = spec.undo(images.numpy(), np.random.default_rng(0))
    assert torch.equal(model(images), model.model(torch.from_numpy(undone)))


def test_a_median_takes_single_dots_away():
    images = torch.zeros(1, 1, 5, 5)
    images[0, 0, 2, 2] = 1
    assert not Median(3)(images).any()


def test_standardised_images_have_lost_their_gain_and_offset(digits):
    images = torch.from_numpy(digits.images[:10])
    front = Standardize(0.13, 0.31)
    assert torch.allclose(front(images), front(0.3 * images + 0.2), atol=1e-4)
