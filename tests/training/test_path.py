"""Which path is taken, and that it makes no difference to the results."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from shiftassay.execution.cores import available_cores
from shiftassay.kernels import native
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.runs.recipe import Recipe
from shiftassay.training import path
from shiftassay.training.engine import split
from shiftassay.training.native_member import NativeMember
from shiftassay.training.path import Alone, PlainPath, make_groups, run_groups
from shiftassay.training.plain import PlainMember
from shiftassay.training.train import train

RECIPE = Recipe("r", epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.05, momentum=0.9, held_out=200)
needs_native = pytest.mark.skipif(not native.available(), reason="the native step is not built here")


@pytest.mark.skipif(not os.environ.get("CI"), reason="only CI insists on a compiler")
def test_ci_has_the_native_step():
    assert native.available()


def networks(name, seeds):
    for seed in seeds:
        torch.manual_seed(seed)
        yield build(name, (1, 28, 28), 10, {})


@needs_native
@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_networks_of_the_studies_train_natively(name, small):
    [group] = make_groups(list(networks(name, [0])), RECIPE, split(small.train, 200, 10), [0])
    assert isinstance(group.members[0], NativeMember)


@needs_native
@pytest.mark.parametrize("name", ["mlp", "stn", "attention", "attention-across-batch"])
def test_a_members_weights_do_not_depend_on_threads_population_or_order(name, small, monkeypatch):
    data = split(small.train, 200, 10)

    def weights(seeds, cores):
        monkeypatch.setattr(path, "available_cores", lambda: cores)
        groups = make_groups(list(networks(name, seeds)), RECIPE, data, seeds)
        run_groups(groups, lambda group, _: [group.train_steps(epoch, 0, group.steps) for epoch in range(2)])
        return dict(zip(seeds, (group.members[0].weights() for group in groups), strict=True))

    alone = weights([3], 1)[3]
    for seeds, cores in (([3], 2), ([3], 3), ([1, 3], 2), ([5, 4, 3], 2)):
        other = weights(seeds, cores)[3]
        assert all(np.array_equal(alone[key], other[key]) for key in alone)


@needs_native
@pytest.mark.parametrize("name", ["trunk", "attention", "attention-across-batch"])
def test_both_paths_take_the_same_steps_and_give_the_same_answers(name, small):
    data = split(small.train, 0, 10)
    data = replace(data, images=data.images[: 4 * 64 + 37], labels=data.labels[: 4 * 64 + 37])
    [group] = make_groups(list(networks(name, [0])), RECIPE, data, [0])
    ours, plain = group.members[0], PlainMember(*networks(name, [0]), RECIPE, data, 0)
    assert isinstance(ours, NativeMember)
    for epoch in range(2):
        (losses, right), (expected, correct) = (
            ours.train_steps(epoch, 0, ours.steps),
            plain.train_steps(epoch, 0, plain.steps),
        )
        np.testing.assert_allclose(losses, expected, rtol=1e-3)
        assert np.abs(right - correct).max() <= 1
    images = small.test.images[:150]
    np.testing.assert_allclose(ours.logits(images), plain.logits(images), rtol=1e-2, atol=1e-2)


@needs_native
@pytest.mark.torture
def test_both_paths_learn_the_same_over_seeds(small):
    """After several epochs the paths are compared as distributions: their trajectories part by rounding."""
    data, test = split(small.train, 0, 10), small.test
    right = {}
    for kind in (NativeMember, PlainMember):
        right[kind] = []
        for seed, network in enumerate(networks("trunk", range(4))):
            recipe = Recipe("r", epochs=6, batch_size=64, optimizer="sgd", learning_rate=0.05, momentum=0.9)
            [group] = make_groups([network], recipe, data, [seed])
            member = group.members[0] if kind is NativeMember else PlainMember(network, recipe, data, seed)
            for epoch in range(6):
                member.train_steps(epoch, 0, member.steps)
            right[kind].append((member.logits(test.images).argmax(1) == test.labels).mean())
    ours, plain = (np.array(right[kind]) for kind in (NativeMember, PlainMember))
    assert ours.min() > 0.85
    assert abs(ours.mean() - plain.mean()) < 0.03


@needs_native
def test_a_network_that_cannot_be_lowered_says_which_layer_stopped_it(small):
    torch.manual_seed(0)
    odd = nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.Tanh(), nn.Linear(20, 10))
    with pytest.warns(PlainPath, match=r"layer 2 tanh|layer 2 .*[Tt]anh"):
        [group] = make_groups([odd], RECIPE, split(small.train, 200, 10), [0])
    assert isinstance(group, Alone)
    assert isinstance(group.member, PlainMember)
    losses, _ = group.train_steps(0, 0, group.steps)[0]
    assert losses[-5:].mean() < losses[:5].mean()


def test_without_a_compiler_everything_trains_and_it_is_said(small, monkeypatch):
    monkeypatch.setattr(native, "available", lambda: False)
    with pytest.warns(PlainPath, match="no C\\+\\+ compiler"):
        [member] = train("mlp", small, recipe=RECIPE, parameters={"widths": [16]})
    assert len(member.metrics) == 2


def test_cores_can_be_limited(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available_cores() == 1
