"""Finding 9: what accuracy costs: parameters, arithmetic, time, memory, latency."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from pydantic import model_validator

from shiftassay.execution.threads import one_thread_each
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import correct_after_last_epoch, labels_of
from shiftassay.studies.architectures.model_costs import latency, operations, saved_bytes
from shiftassay.training.engine import split, whole_epoch
from shiftassay.training.group import Group
from shiftassay.training.path import make_groups
from shiftassay.training.train import initial_network
from shiftassay.words.lists import plural
from shiftassay.words.numbers import brackets, number, percent, points

KEY, TITLE, VERSION, PLACE = "costs", "Cost", 3, 110
ROUNDS = 5
IMAGES = 6_400
BUSY = 1.5  # processes that run or wait on average


@dataclass(frozen=True)
class NetworkCosts(Record):
    """One network's costs, and its accuracy by seed.

    Costs are parameters, operations for an image, bytes kept for a step, and the training path.
    """

    parameters: int
    flops: float
    saved_bytes: int
    path: str
    accuracy: tuple[float, ...]

    @property
    def mean_accuracy(self) -> float:
        return float(np.mean(self.accuracy))


@dataclass(frozen=True)
class Timings(Record):
    """Times of every network, by round.

    `load` is that of the machine, which may have had other work.
    """

    seconds_an_epoch: Mapping[str, tuple[float, ...]]
    latency: Mapping[str, tuple[float, ...]]
    load: float | None

    @property
    def note(self) -> str:
        """How the times are to be read if the machine was busy."""
        if self.load is None or self.load <= BUSY:
            return ""
        return f" The machine was busy with other work (load {number(self.load, 1)}) meanwhile: read them as ratios."


@dataclass(frozen=True)
class Costs(Record):
    """The costs of all networks; `batch` is the size of a training step's batch.

    `images` is that of the test set; None in results that do not say.
    """

    networks: Mapping[str, NetworkCosts]
    environment: Timings
    batch: int
    images: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _times_beside_results(cls, content: Any) -> Any:
        """Results of version 1 have the times among the other fields."""
        if "environment" in content:
            return content
        times = {
            key: {name: network[key] for name, network in content["networks"].items()}
            for key in ("seconds_an_epoch", "latency")
        }
        return {**content, "environment": {**times, "load": content["load"]}}


def measure(experiment: Experiment) -> Costs:
    members, batch_size = experiment.members, experiment.study.training_recipe().batch_size
    batch = experiment.dataset.train.first(batch_size)
    images, labels = torch.from_numpy(batch.images), torch.from_numpy(labels_of(batch))
    groups = _untrained_groups(experiment)
    timings = _timings(experiment, groups)
    return Costs(
        networks={
            name: NetworkCosts(
                parameters=sum(weights.numel() for weights in group[0].model.network.parameters()),
                flops=operations(group[0].model, images),
                saved_bytes=saved_bytes(group[0].model, images, labels),
                path=type(groups[name].members[0]).__name__,
                accuracy=tuple(correct_after_last_epoch(group, experiment.labels).mean(1).tolist()),
            )
            for name, group in members.items()
        },
        environment=timings,
        batch=len(batch),
        images=len(experiment.labels),
    )


def findings(measured: Costs) -> list[Finding]:
    networks = measured.networks
    figure = Figure(
        "cost",
        {
            "names": list(networks),
            "flops": [costs.flops / 1e6 for costs in networks.values()],
            "accuracy": [[100 * accuracy for accuracy in costs.accuracy] for costs in networks.values()],
        },
        "Accuracy after the last epoch against arithmetic; small marks are seeds.",
    )
    return [
        Finding(
            KEY,
            TITLE,
            (_sentence(networks),),
            (_table(measured),),
            (figure,),
            measured.to_json(),
            (_times(measured),),
        )
    ]


def _untrained_groups(experiment: Experiment) -> dict[str, Group]:
    """For each network a group of one member, ready to be trained on the first images."""
    dataset = experiment.dataset
    data = split(dataset.train.first(IMAGES), 0, dataset.classes)
    groups = {}
    for name, members in experiment.members.items():
        network = initial_network(members[0].trial, dataset.train.shape, dataset.classes)
        [groups[name]] = make_groups([network], experiment.study.training_recipe(), data, [0], "cpu")
    return groups


def _timings(experiment: Experiment, groups: Mapping[str, Group]) -> Timings:
    """Seconds for an epoch of all training images, from one of the first, and for one image."""
    train = experiment.dataset.train
    epochs = len(train) / len(train.first(IMAGES))
    image = torch.from_numpy(train.images[:1])
    seconds: dict[str, list[float]] = {name: [] for name in groups}
    latencies: dict[str, list[float]] = {name: [] for name in groups}
    with one_thread_each():
        for group in groups.values():
            whole_epoch(group, 0)
        for epoch in range(1, ROUNDS + 1):  # interleaved, so that a busy moment hits all alike
            for name, group in groups.items():
                began = perf_counter()
                whole_epoch(group, epoch)
                seconds[name].append((perf_counter() - began) * epochs)
                latencies[name].append(latency(experiment.members[name][0].model, image))
    return Timings(
        seconds_an_epoch={name: tuple(times) for name, times in seconds.items()},
        latency={name: tuple(times) for name, times in latencies.items()},
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _sentence(networks: Mapping[str, NetworkCosts]) -> str:
    best = max(networks, key=lambda name: networks[name].mean_accuracy)
    cheapest = min(networks, key=lambda name: networks[name].flops)
    factor = number(networks[best].flops / networks[cheapest].flops, 1)
    return (
        f"{cheapest} takes the least arithmetic, {_millions(networks[cheapest].flops)} million operations an image, "
        "and reaches "
        f"{percent(networks[cheapest].mean_accuracy, 2)}; the highest mean, "
        f"{percent(networks[best].mean_accuracy, 2)}, "
        f"is that of {best} with {factor} times as much. The section on accuracies tests the difference."
    )


def _table(measured: Costs) -> Table:
    rows = tuple(
        (
            name,
            f"{costs.parameters:,}",
            _millions(costs.flops),
            number(costs.saved_bytes / 1e6, 1),
            points(costs.mean_accuracy),
        )
        for name, costs in measured.networks.items()
    )
    seeds = len(next(iter(measured.networks.values())).accuracy)
    on_images = f" on {measured.images:,} images" if measured.images else ""
    return Table(
        ("network", "parameters", "million operations an image", "MB kept for a step", "accuracy, %"),
        rows,
        "Operations: multiplications and additions of convolutions, matrix products and attention, forward, an image "
        "of a batch (sampling and pooling are not counted). MB: what eager PyTorch keeps for the backward pass of a "
        f"batch of {measured.batch}. Accuracy after the last epoch{on_images}: mean over {plural(seeds, 'seed')}.",
    )


def _times(measured: Costs) -> Table:
    times = measured.environment
    rows = tuple(
        (name, _median_range(times.seconds_an_epoch[name]), _median_range(times.latency[name], 1e3))
        for name in measured.networks
    )
    return Table(
        ("network", "seconds an epoch", "ms for one image"),
        rows,
        f"On one core: an epoch of training, and one image through eager PyTorch; median of {ROUNDS} interleaved "
        "rounds with their "
        f"range.{times.note}",
    )


def _millions(value: float) -> str:
    return number(value / 1e6, 2)


def _median_range(values: Sequence[float], scale: float = 1) -> str:
    return f"{number(scale * float(np.median(values)), 2)} {brackets((min(values), max(values)), scale=scale)}"
