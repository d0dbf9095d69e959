"""The contract of every design of one model for several variants, and the model that is kept."""

import json

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.models.designs.design import DESIGNS
from shiftassay.models.one_for_all import OneForAll, OneForAllCard, for_variant
from shiftassay.models.predict import predict
from shiftassay.networks.mlp import Mlp
from shiftassay.shifts.catalog import generator, parse

SHAPE = (1, 28, 28)
SHIFTS = (
    "identity",
    "pixel_permutation",
    "pixel_permutation:scope=per_image",
    "sign_noise:epsilon=0.1",
    "adversarial:epsilon=0.1",
)
IGNORES_THE_ID = {"clean-only", "mixture"}


def card(design, widths=(500, 500, 500, 200, 200, 100, 50)):
    shifts = [spec.realize(SHAPE, generator(spec, 0, "shared")) for spec in map(parse, SHIFTS)]
    variants = dict(zip(("clean", "t1", "t2", "t3", "t4"), shifts, strict=True))
    return OneForAllCard(design, variants, widths, SHAPE, 10, 0.1307, 0.3081, 0, "mnist", "trial")


@pytest.fixture(params=list(DESIGNS))
def model(request):
    torch.manual_seed(0)
    result = OneForAll(card(request.param))
    with torch.no_grad():  # what starts at 0, the parts that are a variant's own, says nothing yet
        for weights in result.parameters():
            weights += 0.02 * torch.randn_like(weights)
    return result


def test_five_variants_cost_at_most_a_tenth_more_parameters_than_the_plain_network(model):
    plain = sum(weights.numel() for weights in Mlp().parameters())
    assert plain <= sum(weights.numel() for weights in model.parameters()) <= 1.1 * plain


def test_the_id_matters_to_every_design_but_those_that_are_not_told_it(model, digits):
    clean, permuted = (predict(digits.images[:20], model=model.on(name)) for name in ("clean", "t1"))
    assert clean.shape == (20, 10)
    assert (np.abs(clean - permuted).max() < 1e-6) == (model.card.design in IGNORES_THE_ID)


def test_images_of_several_variants_are_answered_as_each_is_alone(model, digits):
    images, ids = torch.from_numpy(digits.images[:10]), torch.arange(10) % 5
    together = model.eval()(images, ids).detach().numpy()
    for number, name in enumerate(model.card.variants):
        assert np.allclose(
            together[ids == number], predict(digits.images[:10][ids == number], model=model.on(name)), atol=1e-4
        )


def test_every_weight_gets_a_gradient_from_images_of_all_variants(model, digits):
    ids = torch.arange(len(digits)) % 5
    torch.nn.functional.cross_entropy(
        model(torch.from_numpy(digits.images), ids), torch.from_numpy(digits.labels)
    ).backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in model.parameters())


def test_its_card_builds_it_again(model, digits):
    again = OneForAll(OneForAllCard.from_json(json.loads(json.dumps(model.card.to_json()))))
    again.load_state_dict(model.state_dict())
    assert np.array_equal(predict(digits.images, model=again.on("t1")), predict(digits.images, model=model.on("t1")))


def test_it_is_documented(model):
    assert DESIGNS.about()[model.card.design].endswith((".", ","))


def test_a_model_that_serves_several_variants_must_be_told_which_and_no_other_may_be():
    model = OneForAll(card("undo", (8,)))
    images = np.zeros((2, *SHAPE), np.float32)
    with pytest.raises(BadInput, match="clean, t1, t2, t3, t4"):
        predict(images, model=model)
    with pytest.raises(BadInput, match="--variant NAME"):
        for_variant(model, None)
    with pytest.raises(BadInput, match="Did you mean 't1'"):
        for_variant(model, "t11")
    with pytest.raises(BadInput, match="knows no variants"):
        for_variant(Mlp(), "t1")
    assert predict(images, model=for_variant(model, "t1")).shape == (2, 10)
