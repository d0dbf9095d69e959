import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from shiftassay import random_stream
from shiftassay.random_stream import seed_for
from shiftassay.training import device_noise
from shiftassay.training.device_noise import EpochMasks
from shiftassay.training.program import NotLowered

KEYS = st.integers(0, 2**64 - 1)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]
DROPOUTS = nn.Sequential(
    nn.Conv2d(1, 3, 3), nn.Dropout2d(0.4), nn.Flatten(), nn.Dropout(0.25), nn.Linear(12, 5), nn.Dropout(0.0)
)


@pytest.mark.parametrize("device", DEVICES)
@given(KEYS, st.integers(0, 2**40), st.integers(0, 200))
def test_words_are_those_of_the_host(device, key, start, count):
    expected = random_stream.words(key, start, count)
    assert np.array_equal(device_noise.words(key, start, count, device).cpu().numpy().view(np.uint64), expected)


@pytest.mark.parametrize("device", DEVICES)
@given(KEYS, st.integers(0, 300))
def test_order_is_that_of_the_host(device, key, n):
    assert np.array_equal(device_noise.epoch_order(key, n, device).cpu().numpy(), random_stream.epoch_order(key, n))


@pytest.mark.parametrize("device", DEVICES)
@given(KEYS, st.integers(0, 2**40), st.integers(0, 300), st.floats(0, 1))
def test_mask_is_that_of_the_host(device, key, first, count, p):
    expected = random_stream.keep_mask(key, first, count, p)
    assert np.array_equal(device_noise.keep_mask(key, first, count, p, device).cpu().numpy(), expected)


def test_each_dropout_has_a_row_for_each_step(monkeypatch):
    monkeypatch.setattr(device_noise, "DRAWN_AT_ONCE", 7)
    masks = EpochMasks(DROPOUTS, torch.zeros(1, 1, 4, 4), steps=3, batch_size=5)
    masks.draw(seed=2, epoch=1)
    masks.draw(seed=2, epoch=4)
    assert set(masks.rows) == {"1", "3"}
    for name, units, p in (("1", 3, 0.4), ("3", 12, 0.25)):
        expected = random_stream.keep_mask(seed_for(2, 4, "dropout", name), 0, 15 * units, p)
        assert np.array_equal(masks.rows[name].numpy().ravel(), expected)


def test_dropout_follows_a_step_that_moves_without_being_told():
    step = torch.zeros(1, dtype=torch.int64)
    network = nn.Sequential(nn.Dropout(0.5))
    masks = EpochMasks(network, torch.zeros(1, 1, 2, 3), steps=4, batch_size=6)
    masks.draw(seed=0, epoch=0)
    kept = []
    with masks.read_at(step):
        for _ in range(4):
            kept.append(network(torch.ones(6, 1, 2, 3)) != 0)
            step.add_(1)
    assert torch.equal(torch.stack(kept).flatten(1), masks.rows["0"])
    network.eval()
    with masks.read_at(step):
        assert network(torch.ones(6, 1, 2, 3)).all()
    assert "forward" not in vars(network[0])


def test_learning_the_units_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    EpochMasks(network, torch.ones(1, 1, 4, 4), steps=1, batch_size=2)
    assert network.training
    assert not network[1]._forward_pre_hooks
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    "layer",
    [nn.AlphaDropout(0.1), nn.RReLU(), nn.MultiheadAttention(4, 2, dropout=0.1)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_draws_its_own_noise_is_refused_by_name(layer):
    network = nn.Sequential(nn.Flatten(), layer)
    with pytest.raises(NotLowered, match=r"1: .*draws noise of its own"):
        EpochMasks(network, torch.zeros(1, 1, 2, 2), steps=1, batch_size=1)


def test_dropout_across_images_is_refused():
    network = nn.Sequential(nn.Flatten(0), nn.Dropout(0.5))
    with pytest.raises(NotLowered, match="1: does not mask the same units"):
        EpochMasks(network, torch.zeros(1, 1, 2, 2), steps=1, batch_size=1)
