"""From numbers to theta, alone and within the networks that have a spatial transformer."""

import numpy as np
import pytest
import torch
from tests.side_by_side import (
    assert_close,
    assert_same_gradients,
    lowered,
    native_gradient,
    native_logits,
    plain_gradient,
    plain_logits,
)
from torch import nn

from shiftassay.kernels import native
from shiftassay.networks.attention import Attention
from shiftassay.networks.coordconv import CoordConvStn
from shiftassay.networks.stn import Stn
from shiftassay.networks.transformer import IDENTITY, Transformation

KINDS = list(IDENTITY)
BUILDS = native.builds()
BOUNDS = [0.0, 0.3]


def check(network: nn.Module, images: torch.Tensor, build: str | None, tolerance: float) -> None:
    labels = torch.arange(len(images)) % 4
    assert_close(native_logits(network, images, build, threads=2), plain_logits(network, images), tolerance, "logits")
    ours, expected = native_gradient(network, images, labels, build)[1], plain_gradient(network, images, labels)[1]
    assert_same_gradients(ours, expected, tolerance)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_theta_and_its_gradient(kind, bound, build):
    torch.manual_seed(0)
    transformation = Transformation(kind, bound)
    numbers = len(transformation.identity)
    layers = [nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, numbers), transformation, nn.Flatten(), nn.Linear(6, 4)]
    check(nn.Sequential(*layers), torch.randn(21, 1, 5, 5), build, 2e-5)


@pytest.mark.parametrize("make", [Stn, CoordConvStn, Attention])
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_networks_with_a_transformer(kind, bound, make):
    torch.manual_seed(0)
    network = make(transformation=kind, bound=bound)
    with torch.no_grad():
        # Off the identity, where places fall on pixels and the gradient has a kink.
        network.fc_loc[2].weight.normal_(std=0.05)
        network.fc_loc[2].bias.add_(0.1 * torch.randn(len(IDENTITY[kind])))
    images = torch.randn(20, 1, 28, 28)
    assert any(step.kind == "sample" for step in lowered(network, images).steps)
    check(network, images, None, 1e-3)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_transformer_leaves_images_as_they_are(kind, bound):
    torch.manual_seed(0)
    network, images = Stn(transformation=kind, bound=bound), torch.randn(20, 1, 28, 28)
    affine = Stn()
    affine.load_state_dict({**affine.state_dict(), **_but_the_regressors_end(network.state_dict())})
    np.testing.assert_array_equal(native_logits(network, images), native_logits(affine, images))


def _but_the_regressors_end(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: weights for name, weights in state.items() if not name.startswith("fc_loc.2")}
