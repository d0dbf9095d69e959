"""On a CPU a graph is stood in for by `Tape`: it replays a step's operations and, like a graph, none of its Python."""

import dataclasses
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from shiftassay.networks.registry import build
from shiftassay.runs.recipe import Recipe
from shiftassay.training.captured import CapturedPopulation
from shiftassay.training.captured_member import CapturedMember, fixed_arithmetic
from shiftassay.training.group import TrainingData
from shiftassay.training.plain import PlainMember

SGD = Recipe("test", epochs=3, batch_size=64, optimizer="sgd", learning_rate=0.05, momentum=0.9, weight_decay=5e-4)
RECIPES = {
    "sgd": SGD,
    "plain sgd": dataclasses.replace(SGD, momentum=0.0, weight_decay=0.0, label_smoothing=0.1),
    "sgd, one cycle": dataclasses.replace(SGD, schedule="one_cycle"),
    "adamw, one cycle": dataclasses.replace(
        SGD, optimizer="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="one_cycle"
    ),
}
NETWORKS = ["mlp", "convolutions", "attention", "stn"]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
# A step from equal weights differs by rounding alone; three epochs of them add up to this.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


class Convolutions(nn.Module):
    """Both kinds of dropout, statistics that move, and a parameter that is never used."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=2, bias=False),  # AdamW would blow up a bias's gradient, which is rounding alone
            nn.BatchNorm2d(4),
            nn.Dropout2d(0.3),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(144, 10),
        )
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, images):
        return self.layers(images)


class Tape(TorchDispatchMode):
    """The operations of a step, to be run again on the same memory; what the host computed stays what it was."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def replay(self):
        fresh = {}

        def current(value):
            return fresh.get(id(value), value)

        with torch.no_grad():
            for func, args, kwargs, result in self.operations:
                again = func(*tree_map(current, args), **tree_map(current, kwargs))
                for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor) and not any(old is leaf for leaf in tree_leaves((args, kwargs))):
                        fresh[id(old)] = new


class TapedPopulation(CapturedPopulation):
    """Rehearses, records and replays, as on a CUDA device."""

    def _captured(self, size):
        self._rehearse(size)
        moving = [tensor for member in self.members for tensor in member.moving()]
        before = [tensor.clone() for tensor in moving]
        self.shared.step.zero_()
        with Tape() as tape:
            self._step(size)
        for tensor, value in zip(moving, before, strict=True):  # a capture, unlike a tape, runs nothing
            tensor.copy_(value)
        return tape.replay


@pytest.fixture(scope="module")
def data(small) -> TrainingData:
    """Two batches of 64 and one of 22."""
    return TrainingData(small.train.images[:150], small.train.labels[:150], None, 10)


def network(name, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "convolutions":
            return Convolutions()
        parameters = {"widths": [24, 12], "dropout": 0.2} if name == "mlp" else {}
        return build(name, (1, 28, 28), 10, parameters)


def population(kind, name, recipe, data, seeds, device="cpu", **options):
    return kind([network(name, seed) for seed in seeds], recipe, data, seeds, device, **options)


def assert_same_training(captured, plain, epochs=range(3)):
    for epoch in epochs:
        [(losses, right)], expected = (
            captured.train_steps(epoch, 0, captured.steps),
            plain.train_steps(epoch, 0, plain.steps),
        )
        np.testing.assert_allclose(losses, expected[0], **CLOSE)
        assert np.array_equal(right, expected[1])
    weights = plain.weights()
    for weight, actual in captured.members[0].weights().items():
        expected = weights[weight]
        if weight.endswith("in_proj_bias"):  # softmax is blind to the bias of the keys: its gradient is rounding alone
            actual, expected = (np.delete(bias.reshape(3, -1), 1, axis=0) for bias in (actual, expected))
        np.testing.assert_allclose(actual, expected, **CLOSE, err_msg=weight)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("kind", [CapturedPopulation, TapedPopulation])
def test_each_step_is_the_plain_one(kind, recipe, name, data):
    captured = population(kind, name, recipe, data, [5])
    assert_same_training(captured, PlainMember(network(name, 5), recipe, data, 5))


@pytest.mark.parametrize("kind", [CapturedPopulation, TapedPopulation])
def test_a_member_among_three_equals_itself_alone(kind, data):
    among = population(kind, "convolutions", SGD, data, [1, 2, 3])
    alone = population(kind, "convolutions", SGD, data, [2])
    for epoch in range(2):
        metrics, [expected] = among.train_steps(epoch, 0, among.steps), alone.train_steps(epoch, 0, alone.steps)
        assert np.array_equal(metrics[1], expected)
        assert not np.array_equal(metrics[0][0], metrics[1][0])
    assert_equal_arrays(among.members[1].state(), alone.members[0].state())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_population_that_was_broken_off_ends_with_the_same_numbers(recipe, data):
    whole = population(TapedPopulation, "mlp", recipe, data, [1, 2])
    whole.train_steps(0, 0, whole.steps)
    saved = [member.state() for member in whole.members]
    resumed = population(TapedPopulation, "mlp", recipe, data, [1, 2])
    resumed.train_steps(1, 0, resumed.steps)  # so that there is a graph, which must see what is restored
    for member, state in zip(resumed.members, saved, strict=True):
        member.restore(state)
    for epoch in (1, 2):
        for expected, actual in zip(
            whole.train_steps(epoch, 0, whole.steps), resumed.train_steps(epoch, 0, resumed.steps), strict=True
        ):
            assert np.array_equal(expected, actual)
    for member, expected in zip(resumed.members, whole.members, strict=True):
        assert_equal_arrays(member.state(), expected.state())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_plain_and_captured_take_up_each_others_checkpoints(recipe, data):
    plain, captured = (
        PlainMember(network("convolutions", 0), recipe, data, 4),
        population(TapedPopulation, "convolutions", recipe, data, [4]),
    )
    plain.train_steps(0, 0, plain.steps)
    captured.members[0].restore(plain.state())
    assert_same_training(captured, plain, epochs=[1])
    plain.restore(captured.members[0].state())
    assert_same_training(captured, plain, epochs=[2])


def test_rehearsing_moves_nothing(data):
    trained = population(CapturedPopulation, "convolutions", RECIPES["adamw, one cycle"], data, [1, 2])
    trained.train_steps(0, 0, trained.steps)
    before = [member.state() for member in trained.members]
    trained._rehearse(64)
    for member, state in zip(trained.members, before, strict=True):
        assert_equal_arrays(member.state(), state)


def test_members_fork_from_the_trunk_and_join_it_inside_a_graph_of_each_size(data, monkeypatch):
    """The calls that are made on a CUDA device, with streams and graphs that only take notes."""
    notes, current, graphs = [], ["default"], []

    class Stream:
        def __init__(self, device):
            self.name = f"stream {sum(isinstance(note, Stream) for note in notes)}"
            notes.append(self)

        def wait_stream(self, other):
            notes.append((self.name, "waits for", other.name))

    class Graph:
        def __init__(self):
            self.replays = 0
            graphs.append(self)

        def replay(self):
            self.replays += 1

    @contextmanager
    def use(stream):
        current.append(stream)
        yield
        current.pop()

    default = SimpleNamespace(name="default", wait_stream=lambda other: None)
    monkeypatch.setattr(CapturedPopulation, "_on_cuda", True)
    monkeypatch.setattr(
        CapturedMember, "take_step", lambda member, size: notes.append((current[-1].name, "trains", size))
    )
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "stream", use)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, pool, stream: use(stream))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: default if current[-1] == "default" else current[-1])

    population(CapturedPopulation, "mlp", SGD, data, [1, 2]).train_steps(0, 0, 3)
    trunk, one, two = "stream 0", "stream 1", "stream 2"
    step = [
        (one, "waits for", trunk),
        (one, "trains", 64),
        (two, "waits for", trunk),
        (two, "trains", 64),
        (trunk, "waits for", one),
        (trunk, "waits for", two),
    ]
    calls = [note for note in notes if isinstance(note, tuple)]
    assert calls[0] == (trunk, "waits for", "default")
    assert calls[1:25] == 4 * step  # three rehearsals and the capture
    assert [graph.replays for graph in graphs] == [2, 1]


@pytest.mark.parametrize("images", [1, 63, 64, 65])
def test_any_number_of_images_makes_an_epoch(images, data):
    few = dataclasses.replace(data, images=data.images[:images], labels=data.labels[:images])
    captured = population(TapedPopulation, "mlp", SGD, few, [0])
    assert_same_training(captured, PlainMember(network("mlp", 0), SGD, few, 0))


def test_logits_are_the_plain_ones_and_training_goes_on_after_them(data):
    captured, plain = population(TapedPopulation, "mlp", SGD, data, [0]), PlainMember(network("mlp", 0), SGD, data, 0)
    captured.train_steps(0, 0, captured.steps), plain.train_steps(0, 0, plain.steps)
    np.testing.assert_allclose(captured.members[0].logits(data.images), plain.logits(data.images), **CLOSE)
    assert_same_training(captured, plain, epochs=[1])


def test_the_callers_settings_and_the_data_are_left_alone(data):
    def settings():
        matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
        attention = torch.backends.cuda.flash_sdp_enabled()
        return matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic, cudnn.benchmark, attention

    images, before = data.images.copy(), settings()
    population(CapturedPopulation, "mlp", SGD, data, [0]).train_steps(0, 0, 1)
    assert np.array_equal(data.images, images)
    for tf32, precision in ((False, "ieee"), (True, "tf32")):
        with suppress(KeyError), fixed_arithmetic(tf32):
            assert settings() == (precision, precision, True, False, False)
            raise KeyError
        assert settings() == before


@needs_cuda
@pytest.mark.parametrize("name", [*NETWORKS, "trunk", "coordconv", "coordconv-stn"])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_captured_epoch_is_the_plain_one_on_cuda(recipe, name, data):
    with fixed_arithmetic(tf32=False):
        captured = population(CapturedPopulation, name, recipe, data, [5], "cuda")
        assert_same_training(captured, PlainMember(network(name, 5), recipe, data, 5, "cuda"), epochs=[0])


@needs_cuda
def test_a_population_on_cuda_repeats_itself_and_resumes(data):
    first, again, resumed = (
        population(CapturedPopulation, "convolutions", SGD, data, [1, 2, 3], "cuda") for _ in "abc"
    )
    first.train_steps(0, 0, first.steps), again.train_steps(0, 0, again.steps), resumed.train_steps(1, 0, resumed.steps)
    for member, other in zip(first.members, resumed.members, strict=True):
        other.restore(member.state())
    first.train_steps(1, 0, first.steps), again.train_steps(1, 0, again.steps), resumed.train_steps(1, 0, resumed.steps)
    for one, two, three in zip(first.members, again.members, resumed.members, strict=True):
        assert_equal_arrays(one.state(), two.state())
        assert_equal_arrays(one.state(), three.state())


def assert_equal_arrays(actual, expected):
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(actual[name], array), name
