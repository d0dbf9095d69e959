"""What a drawing of a network shows is what the network has."""

import pytest
from torch import nn

from shiftassay.networks.registry import build
from shiftassay.report.figures import draw
from shiftassay.report.finding import Figure
from shiftassay.studies.architectures.layers import layers_of

NETWORKS = ("trunk", "stn", "attention", "coordconv-stn", "attention-across-batch", "coordconv", "mlp")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_hold_every_parameter_and_lead_from_the_images_to_the_classes(name):
    network = build(name, (1, 28, 28), 10, {})
    layers = layers_of(network, (1, 28, 28))
    assert sum(layer.parameters for layer in layers) == sum(weights.numel() for weights in network.parameters())
    assert (layers[0].shape, layers[-1].shape) == ((1, 28, 28), (10,))
    assert all(layer.inputs and max(layer.inputs) < place for place, layer in enumerate(layers) if place)
    assert network.training


def test_a_transformers_sampling_takes_the_images_and_the_grid():
    layers = layers_of(build("stn", (1, 28, 28), 10, {}), (1, 28, 28))
    [sampling] = [layer for layer in layers if layer.name == "grid_sample"]
    assert [layers[place].name for place in sampling.inputs] == ["images", "fc_loc.2"]
    assert [layer.operations for layer in layers if layer.name == "conv1"] == [("Conv2d, 5 × 5", "max_pool2d", "relu")]


def test_attention_is_named_with_its_heads():
    layers = layers_of(build("attention", (1, 28, 28), 10, {"heads": 5}), (1, 28, 28))
    assert ("PositionAttention, 5 heads",) in [layer.operations for layer in layers]


def test_a_network_that_cannot_be_traced_has_no_drawing():
    class Branching(nn.Module):
        def forward(self, images):
            return images if images.sum() > 0 else -images

    assert layers_of(Branching(), (1, 4, 4)) == ()


def test_a_drawing_names_every_layer(tmp_path):
    layers = layers_of(build("stn", (1, 28, 28), 10, {}), (1, 28, 28))
    svg = draw(Figure("architecture", {"layers": [layer.to_json() for layer in layers]}, ""), tmp_path).decode()
    assert all(layer.name in svg for layer in layers)
