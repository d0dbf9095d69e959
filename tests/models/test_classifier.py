"""Cards: a model is rebuilt from its card, and a card comes back from JSON."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.fronted import FrontedCard, spec_of
from shiftassay.models.fronts import Shrink
from shiftassay.models.one_for_all import OneForAllCard
from shiftassay.shifts.catalog import parse

CARD = ModelCard("mlp", {"widths": [8]}, (1, 4, 4), 3, 0.5, 0.25, 7, "mnist", "t")


@given(
    shape=st.tuples(*[st.integers(1, 99)] * 3),
    classes=st.integers(1, 1000),
    mean=st.floats(-2, 2),
    sd=st.floats(0.01, 2),
    seed=st.none() | st.integers(0, 2**31),
)
def test_a_card_comes_back_from_json(shape, classes, mean, sd, seed):
    card = ModelCard("mlp", {"widths": [8], "dropout": 0.1}, shape, classes, mean, sd, seed, "mnist", "t")
    assert ModelCard.from_json(json.loads(json.dumps(card.to_json()))) == card


@pytest.mark.parametrize(
    "card",
    [
        FrontedCard(spec_of(Shrink(0.1)), CARD),
        OneForAllCard(
            "undo",
            {"clean": parse("identity"), "t1": parse("rotate:angle=15")},
            (4,),
            (1, 4, 4),
            3,
            0.0,
            1.0,
            0,
            "mnist",
            "t",
        ),
    ],
    ids=["fronted", "one for all"],
)
def test_other_cards_do_too(card):
    assert type(card).from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_card_of_impossible_sizes_is_refused_whatever_it_is_of():
    for change in ({"classes": 0}, {"sd": 0}, {"mean": float("nan")}, {"input_shape": [1, 4]}):
        content = {**CARD.to_json(), **change}
        with pytest.raises(ValueError, match=next(iter(change))):
            ModelCard.from_json(content)
        with pytest.raises(ValueError, match=next(iter(change))):
            FrontedCard.from_json({"front": {"kind": "sort"}, "model": content})


def test_images_are_normalised_before_the_network_and_building_draws_nothing():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    model = Classifier.from_card(CARD).eval()
    assert torch.equal(torch.get_rng_state(), state)
    images = torch.rand(2, 1, 4, 4)
    assert torch.equal(model(images), model.network((images - 0.5) / 0.25))
