"""Which networks lower, and what the rest are told."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from benchmarks.protocol import SpatialTransformer
from tests.side_by_side import assert_close, native_logits, plain_logits
from torch import nn

from shiftassay.kernels import native
from shiftassay.networks.attention import Attention
from shiftassay.networks.attention_across_batch import AttentionAcrossBatch
from shiftassay.networks.coordconv import CoordConv, CoordConvStn
from shiftassay.networks.mlp import Mlp
from shiftassay.networks.stn import Stn
from shiftassay.networks.trunk import Trunk
from shiftassay.training.lowering import lower
from shiftassay.training.program import NotLowered

COUNTS = {
    Mlp: 1_059_560,
    Trunk: 21_840,
    Stn: 27_360,
    CoordConvStn: 30_144,
    Attention: 25_460,
    AttentionAcrossBatch: 25_460,
}

pytestmark = pytest.mark.skipif(not native.available(), reason="the native step is not built here")


@pytest.mark.parametrize(("network", "count"), COUNTS.items())
def test_parameters_are_counted(network, count):
    assert lower(network(), (1, 28, 28)).parameter_count == count


@pytest.mark.parametrize("network", [Mlp, Trunk, Stn, CoordConv, CoordConvStn, Attention, AttentionAcrossBatch])
@pytest.mark.parametrize("shape", [(1, 42, 42), (3, 33, 30)])
def test_networks_lower_for_other_sizes(network, shape):
    torch.manual_seed(0)
    images = torch.randn(5, *shape)
    model = network(shape, classes=7)
    assert_close(native_logits(model, images), plain_logits(model, images), 1e-5)


class Tutorial(SpatialTransformer):
    """As PyTorch's tutorial writes it, but for the dropout of fc1, and away from the identity transform."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()
        self.fc_loc[2].reset_parameters()

    def classified(self, x):
        x = self.drop(F.relu(self.fc1(x.view(-1, 320))))
        return F.log_softmax(self.fc2(x), dim=1)


def test_tutorial_code_lowers_and_its_state_dict_loads():
    torch.manual_seed(0)
    tutorial, stn = Tutorial(), Stn()
    stn.load_state_dict(tutorial.state_dict())
    images = torch.randn(4, 1, 28, 28)
    np.testing.assert_array_equal(native_logits(tutorial, images), native_logits(stn, images))


def test_functional_dropout_is_named():
    with pytest.raises(NotLowered, match=r"dropout: is a function, whose masks have no name") as stopped:
        lower(SpatialTransformer(), (1, 28, 28))
    assert stopped.value.layer == "dropout"


def head(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.LazyLinear(4))


@pytest.mark.parametrize(
    ("layers", "layer", "reason"),
    [
        ([nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten()], "1", "BatchNorm2d has no native counterpart"),
        ([nn.Conv2d(1, 2, 3, stride=2), nn.Flatten()], "0", "stride"),
        ([nn.Conv2d(1, 2, 3, dilation=2), nn.Flatten()], "0", "dilation"),
        ([nn.MaxPool2d(3, 2), nn.Flatten()], "0", "windows side by side"),
        ([nn.Flatten(), nn.Linear(64, 8), nn.LogSoftmax(1)], "3", "log-softmax"),
        ([nn.Flatten(), nn.Linear(64, 8), nn.Tanh()], "2", "Tanh has no native counterpart"),
    ],
)
def test_what_stopped_it_is_named(layers, layer, reason):
    network = head(*layers)
    network(torch.zeros(2, 1, 8, 8))
    with pytest.raises(NotLowered, match=reason) as stopped:
        lower(network, (1, 8, 8))
    assert stopped.value.layer == layer


def test_attention_across_the_batch_lowers_and_is_not_attention_within_an_image():
    torch.manual_seed(0)
    within, across = Attention(), AttentionAcrossBatch()
    across.load_state_dict(within.state_dict())
    images = torch.randn(20, 1, 28, 28)
    assert_close(native_logits(across, images), plain_logits(across, images), 1e-5)
    assert np.abs(native_logits(across, images) - native_logits(within, images)).max() > 1e-3


def test_every_option_of_attention_lowers():
    torch.manual_seed(0)
    network = Attention(positional_encoding=True, transformation="similarity", bound=0.5)
    images = torch.randn(5, 1, 28, 28)
    assert_close(native_logits(network, images), plain_logits(network, images), 1e-5)


class Odd(nn.Module):
    """Adds to the positions what is no vector for each."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(6))
        self.register_buffer("fixed", torch.zeros(16, 6))
        self.conv, self.out = nn.Conv2d(1, 6, 1), nn.Linear(96, 4)
        self.name = "shift"

    def forward(self, images):
        tokens = self.conv(images).flatten(2).transpose(1, 2) + getattr(self, self.name)
        return self.out(tokens.transpose(1, 2).flatten(1))


def test_other_additions_to_positions_are_named():
    odd = Odd()
    with pytest.raises(NotLowered, match="or a vector for each position"):
        lower(odd, (1, 4, 4))
    odd.name = "fixed"
    with pytest.raises(NotLowered, match="reads an attribute of the network"):
        lower(odd, (1, 4, 4))


def test_frozen_and_unused_parameters_are_named():
    network = Trunk()
    network.fc1.bias.requires_grad_(False)
    with pytest.raises(NotLowered, match=r"fc1\.bias: is frozen"):
        lower(network, (1, 28, 28))
    network = Trunk()
    network.spare = nn.Conv2d(1, 1, 1)
    with pytest.raises(NotLowered, match=r"spare\.weight: is a parameter that no layer"):
        lower(network, (1, 28, 28))


def test_wrong_image_size_is_named():
    with pytest.raises(NotLowered, match=r"does not run on images of \(1, 20, 20\)"):
        lower(Trunk(), (1, 20, 20))


def test_modes_and_state_survive_lowering():
    network = Trunk().train()
    network.conv2_drop.eval()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    program = lower(network, (1, 28, 28))
    assert network.training
    assert not network.conv2_drop.training
    unpacked = program.unpack(program.pack(network.state_dict()))
    assert all(torch.equal(state[name], unpacked[name]) for name in state)
