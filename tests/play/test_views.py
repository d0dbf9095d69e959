"""Views show what a network looked at, on networks for which that is known."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.prepared import module_of
from shiftassay.networks.attention import PositionAttention
from shiftassay.play.answers import AskedNetwork
from shiftassay.play.views.view import VIEWS, Call, Look


def untrained(network: str, **parameters) -> Classifier:
    torch.manual_seed(1)
    card = ModelCard(network, parameters, (1, 28, 28), 10, 0.13, 0.31, 0, "", "")
    return Classifier.from_card(card).eval()


def panels(model, image):
    return AskedNetwork("", model).answer(image, image).panels


@pytest.fixture
def image(digits):
    return digits.images[:1]


def test_saliency_of_a_linear_model_is_its_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 4.0]]))
    picture = torch.rand(1, 1, 2, 2, requires_grad=True)
    [panel] = VIEWS["saliency"].panels(Look(picture, model(picture), ()))
    np.testing.assert_allclose(panel.picture, [[0.25, 0], [0.5, 1]], atol=1e-6)
    assert panel.heat


def test_a_function_without_gradient_has_no_saliency(image):
    model = module_of(lambda images: images.reshape(len(images), -1)[:, :3])
    assert panels(model, image) == ()


def test_the_grid_and_what_is_seen_follow_the_transformation(image):
    model = untrained("stn")
    with torch.no_grad():
        model.network.fc_loc[-1].bias.copy_(torch.tensor([0.5, 0.0, 0.5, 0.0, 0.5, 0.0]))  # the right half, enlarged
    grid, seen = [panel for panel in panels(model, image) if panel.title in ("Sampling grid", "What it sees")]
    x, y = np.array([point for line in grid.lines for point in line]).T
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((0.5, 1.0, 0.25, 0.75))
    assert seen.picture != grid.picture


def test_an_untrained_transformer_samples_the_picture_as_it_is(image):
    grid, seen = [panel for panel in panels(untrained("stn"), image) if panel.lines or panel.title == "What it sees"]
    points = {round(number, 6) for line in grid.lines for point in line for number in point}
    assert (min(points), max(points)) == (0, 1)
    assert seen.picture == grid.picture


def test_even_attention_is_an_even_map():
    layer = PositionAttention(4)
    nn.init.zeros_(layer.query.weight)
    tokens = torch.rand(1, 9, 4)
    look = Look(torch.rand(1, 1, 6, 6), torch.rand(1, 2), (Call(layer.attention, (tokens * 0, tokens, tokens), {}),))
    [panel] = VIEWS["attention"].panels(look)
    np.testing.assert_allclose(panel.picture, np.ones((3, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    ("network", "parameters", "titles"),
    [
        ("mlp", {"widths": [8]}, {"Saliency"}),
        ("stn", {}, {"Saliency", "Sampling grid", "What it sees"}),
        ("attention", {}, {"Saliency", "Attention, layer 1", "Attention, layer 2"}),
        ("attention-across-batch", {}, {"Saliency"}),
        (
            "attention",
            {"transformation": "affine"},
            {"Saliency", "Attention, layer 1", "Attention, layer 2", "Sampling grid", "What it sees"},
        ),
    ],
)
def test_each_view_is_there_where_the_network_has_it(network, parameters, titles, image):
    assert {panel.title for panel in panels(untrained(network, **parameters), image)} == titles
