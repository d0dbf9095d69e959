"""An epoch is the same in whatever parts it is taken, so that training can stop and go on anywhere."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.kernels import native
from shiftassay.networks.registry import build
from shiftassay.runs.recipe import Recipe
from shiftassay.training.captured import CapturedPopulation
from shiftassay.training.engine import split, whole_epoch
from shiftassay.training.lowering import lower
from shiftassay.training.native_member import NativeMember
from shiftassay.training.parts import Pace
from shiftassay.training.path import Alone
from shiftassay.training.plain import PlainMember

RECIPE = Recipe("r", epochs=2, batch_size=64, optimizer="adamw", learning_rate=0.002, held_out=400, clip_norm=1.0)
PARTS = [(0, 1), (1, 3), (4, 2), (6, 99)]


class Noisy(nn.Module):
    """A network that draws its own noise."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.AlphaDropout(0.3), nn.Dropout(0.2))

    def forward(self, images):
        return self.layers(images)


@pytest.fixture
def data(small):
    return split(small.train, RECIPE.held_out, 10)


def alone(kind, data):
    torch.manual_seed(3)
    if kind == "noisy":
        return Alone(PlainMember(Noisy(), RECIPE, data, seed=1))
    network = build("mlp", (1, 28, 28), 10, {"widths": [16], "dropout": 0.2})
    if kind == "native":
        return Alone(NativeMember(network, lower(network, (1, 28, 28)), RECIPE, data, seed=1))
    if kind == "captured":
        recipe = dataclasses.replace(RECIPE, clip_norm=0.0)
        return CapturedPopulation([network, copy.deepcopy(network)], recipe, data, [1, 2], "cpu")
    return Alone(PlainMember(network, RECIPE, data, seed=1))


@pytest.mark.parametrize("kind", ["native", "plain", "noisy", "captured"])
def test_parts_make_the_epoch_that_the_whole_is(kind, data):
    if kind == "native" and not native.available():
        pytest.skip("the native step is not built here")
    whole, parted, moved = (alone(kind, data) for _ in range(3))
    assert whole.steps > 6
    for epoch in range(2):
        expected = whole.train_steps(epoch, 0, whole.steps)
        results = []
        for first, count in PARTS:
            count = min(count, parted.steps - first)
            results.append(parted.train_steps(epoch, first, count))
            # A third goes on from the state of the second after every part, as after a checkpoint.
            again = moved.train_steps(epoch, first, count)
            assert all(np.array_equal(a[0], b[0]) for a, b in zip(results[-1], again, strict=True))
            for member, state in zip(moved.members, [m.state() for m in parted.members], strict=True):
                member.restore(state)
        for i, (losses, right) in enumerate(expected):
            assert np.array_equal(losses, np.concatenate([part[i][0] for part in results]))
            assert np.array_equal(right, np.concatenate([part[i][1] for part in results]))
    for one, other in zip(whole.members, parted.members, strict=True):
        assert all(np.array_equal(array, other.weights()[name]) for name, array in one.weights().items())


def test_a_whole_epoch_is_its_steps(data):
    one, other = alone("plain", data), alone("plain", data)
    [(losses, _)] = whole_epoch(one, 0)
    assert np.array_equal(losses, other.train_steps(0, 0, other.steps)[0][0])


def test_the_pace_takes_about_a_quarter_of_a_second_at_once(monkeypatch):
    from shiftassay.training import parts

    now = [0.0]
    monkeypatch.setattr(parts, "perf_counter", lambda: now[0])
    pace, counts = Pace(), []

    def take(count):
        counts.append(count)
        now[0] += 0.01 * count
        return [(np.zeros(count), np.zeros(count, np.int64))]

    for _ in range(5):
        pace.timed(take, 1000)
    assert counts == [1, 8, 25, 25, 25]
