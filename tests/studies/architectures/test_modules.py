"""Modules of networks: removed, and measured."""

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.networks.coordconv import CoordConv2d
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.shifts.warp import warp
from shiftassay.studies.architectures.attention_weights import (
    attends_within_images,
    attention_maps,
    attention_spread,
    attention_weights,
)
from shiftassay.studies.architectures.model_costs import operations, saved_bytes
from shiftassay.studies.architectures.removal import removable_modules, without
from shiftassay.studies.architectures.sections.modules import coordinate_weights
from shiftassay.studies.architectures.sections.parameters import inherited_parameters
from shiftassay.studies.architectures.transformations import outside_share, sampled_images, transformations
from shiftassay.training.train import train

REMOVABLE = [(name, module) for name in NETWORKS for module in removable_modules(build(name, (1, 28, 28), 10, {}))]
ATTENDING = [name for name in NETWORKS if attends_within_images(build(name, (1, 28, 28), 10, {}))]


def classifier(network):
    """An untrained model whose every weight is drawn anew, also those that start at zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Classifier.from_card(ModelCard(network, {}, (1, 28, 28), 10, 0.1307, 0.3081, 0, "", "")).eval()
        with torch.no_grad():
            for weights in model.parameters():
                weights += 0.1 * torch.randn_like(weights)
    return model


@pytest.mark.parametrize(("network", "module"), REMOVABLE)
def test_a_removed_module_changes_answers_and_comes_back(network, module, digits):
    model, images = classifier(network), torch.from_numpy(digits.images[:8])
    with torch.no_grad():
        before = model(images)
        with without(model, module, digits.images):
            removed = model(images)
        after = model(images)
    assert not torch.equal(before, removed)
    assert torch.isfinite(removed).all()
    assert torch.equal(before, after)


@pytest.mark.parametrize("network", ATTENDING)
def test_attention_weights_are_distributions(network, digits):
    model, images = classifier(network), digits.images[:8]
    weights, (rows, columns) = attention_weights(model, images)
    assert weights.shape == (8, rows * columns, rows * columns)
    assert weights.sum(-1).numpy() == pytest.approx(1, abs=1e-5)
    spread = attention_spread(model, images)
    assert 1 <= spread.effective <= spread.positions == rows * columns
    assert attention_maps(model, images)["maps"].shape == (8, 3, rows, columns)


@pytest.mark.parametrize("network", list(NETWORKS))
def test_coordinate_weights_are_those_of_coordconv_layers(network):
    model = build(network, (1, 28, 28), 10, {})
    layers = [layer for layer in model.modules() if isinstance(layer, CoordConv2d)]
    assert len(coordinate_weights(model)) == len(layers)
    assert all(weights.x > 0 and weights.radius is None for weights in coordinate_weights(model).values())


@pytest.mark.parametrize("network", list(NETWORKS))
def test_inherited_parameters_are_those_of_plain_convolutions(network):
    model = build(network, (1, 28, 28), 10, {})
    plain = [
        nn.Conv2d(layer.conv.in_channels - 2, layer.conv.out_channels, layer.conv.kernel_size)
        for layer in model.modules()
        if isinstance(layer, CoordConv2d)
    ]
    assert inherited_parameters(model) == sum(weights.numel() for conv in plain for weights in conv.parameters())


def test_a_transformer_is_measured_to_do_what_it_does(small):
    """A transformer that is made to turn, enlarge and move."""
    [member] = train("stn", small, recipe="seed-003", epochs=1)
    turn, magnify, right, down = np.radians(20), 1.25, 3.0, -2.0
    # From what is seen back to the image: undo the move, the turn (counter-clockwise, y down), the magnification.
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / magnify
    theta = np.column_stack([back, -back @ [right / 14, down / 14]])
    last = member.model.network.fc_loc[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.from_numpy(theta).float().flatten())
    mean = transformations(member, small.test.images).mean
    assert list(mean.values()) == pytest.approx([20, magnify, right, down], abs=1e-4)
    seen = sampled_images(member.model, small.test.images, 1)["seen"][0, 0]
    turned = warp(small.test.images[:1], np.column_stack([back, -back @ [right, down]])[None])[0, 0]
    assert np.abs(seen - turned).max() < 0.2  # the two grids differ by half a pixel's share
    with torch.no_grad():  # moved by half the image, half of the sampling points lie outside it
        last.bias.copy_(torch.tensor([1, 0, 1, 0, 1, 0.0]))
    assert outside_share(member.model, small.test.images[:2]) == pytest.approx(0.5)


def test_the_operations_of_attention_are_counted(digits):
    def counted(name):
        return operations(classifier(name), torch.from_numpy(digits.images[:64]))

    trunk = 2 * (24 * 24 * 10 * 25 + 8 * 8 * 20 * 250 + 320 * 50 + 50 * 10)
    assert counted("trunk") == trunk
    scores = 2 * 2 * (144**2 * 10 + 16**2 * 20)  # scores and mixtures of both layers
    projections = 2 * 7 * (144 * 10**2 + 16 * 20**2)
    assert counted("attention") == trunk + scores + projections
    across = 2 * 2 * 64 * (144 * 10 + 16 * 20)
    assert counted("attention-across-batch") == trunk + across + projections


@pytest.mark.parametrize("network", list(NETWORKS))
def test_a_larger_batch_keeps_more_for_the_backward_pass(network, digits):
    model = classifier(network)
    small, large = (
        saved_bytes(model, torch.from_numpy(digits.images[:n]), torch.from_numpy(digits.labels[:n])) for n in (4, 8)
    )
    assert 0 < small < large
