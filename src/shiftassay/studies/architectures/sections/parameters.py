"""Finding 4: how many parameters each network has, and how many of them are dead.

The source's counts stand beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from shiftassay.evaluation.audit import audit
from shiftassay.evaluation.gradients import ParameterCounts
from shiftassay.networks.coordconv import CoordConv2d
from shiftassay.networks.registry import build
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.layers import Layer, layers_of
from shiftassay.words.numbers import DASH

KEY, TITLE, VERSION, PLACE = "parameters", "Parameters and architectures", 2, 50
IMAGES = 512


@dataclass(frozen=True)
class NetworkParameters(Record):
    """Counts of one network's parameters.

    They are in all, by part, and by name of those that no gradient reaches. `inherited` is the number that its
    CoordConv layers would hold besides in an implementation that derives them from `nn.Conv2d`: the weights of that
    convolution, which are never used.
    """

    total: int
    parts: Mapping[str, int]
    dead: Mapping[str, int]
    inherited: Annotated[int, Field(alias="shadows")]

    @property
    def dead_count(self) -> int:
        return sum(self.dead.values())

    @property
    def in_use(self) -> int:
        return self.total - self.dead_count


@dataclass(frozen=True)
class ParameterAudit(Record):
    """The parameters of every network, the source's counts, and the traced layers."""

    networks: Mapping[str, NetworkParameters]
    claims: Mapping[str, int]
    source: str
    layers: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)


def measure(experiment: Experiment) -> ParameterAudit:
    study, dataset = experiment.study, experiment.dataset
    networks, layers = {}, {}
    for name in study.networks:
        model = experiment.members[name][0].model
        layers[name] = layers_of(model.network, dataset.train.shape)
        parts: dict[str, int] = {}
        for key, tensor in model.network.named_parameters():
            part = key.split(".")[0]
            parts[part] = parts.get(part, 0) + tensor.numel()
        audited = audit(dataset.test.first(IMAGES), model=model, largest_batch=1, single_images=1)
        counts = ParameterCounts.from_json(audited["parameters"].numbers)
        with torch.random.fork_rng(devices=[]):
            inherited = inherited_parameters(build(name, dataset.train.shape, dataset.classes, {}))
        dead = {**counts.unused, **counts.silent}
        networks[name] = NetworkParameters(sum(parts.values()), parts, dead, inherited)
    claims = {claim.network: claim.parameters for claim in study.claims if claim.network in networks}
    return ParameterAudit(networks, claims, study.source, layers)


def findings(measured: ParameterAudit) -> list[Finding]:
    rows = tuple(
        (
            name,
            f"{network.total:,}",
            f"{network.in_use:,}",
            f"{network.dead_count:,}",
            f"{measured.claims[name]:,}" if name in measured.claims else DASH,
            ", ".join(f"{part} {count:,}" for part, count in network.parts.items()),
        )
        for name, network in measured.networks.items()
    )
    table = Table(
        ("network", "parameters", "in use", "dead", measured.source, "where they are"),
        rows,
        "Dead: no gradient reaches them. Measured on the first seed of each network, with "
        f"{IMAGES} test images and several draws of dropout.",
        words=("where they are",),
    )
    figures = tuple(
        Figure(
            "architecture",
            {"layers": [layer.to_json() for layer in layers]},
            f"{name}, as traced: layers with the operations that follow them, the shape of an image's output "
            "(channels × height × width), and parameters (blue). Arrows at the side skip layers.",
        )
        for name, layers in measured.layers.items()
        if layers
    )
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (table,), figures, measured.to_json())]


def inherited_parameters(network: nn.Module) -> int:
    """The parameters of plain convolutions that CoordConv layers may hold as well.

    They do if they derive from `nn.Conv2d`.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, CoordConv2d)]
    return sum(
        (conv.in_channels - coordinates) * conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]
        + conv.out_channels
        for conv, coordinates in ((layer.conv, 2 + layer.coordinates.radius) for layer in layers)
    )


def _sentences(measured: ParameterAudit) -> list[str]:
    networks = measured.networks
    in_use = ", ".join(f"{name} {network.in_use:,}" for name, network in networks.items())
    sentences = [f"Parameters in use: {in_use}."]
    sentences += [
        _claim_sentence(name, network, measured.claims[name], measured.source)
        for name, network in networks.items()
        if name in measured.claims
    ]
    dead = ", ".join(f"{network.dead_count:,} of {name}" for name, network in networks.items() if network.dead)
    sentences.append(f"Parameters without a gradient: {dead}." if dead else "Every parameter here gets a gradient.")
    smallest = min(networks, key=lambda name: networks[name].total)
    sentences.append(f"The smallest network is {smallest} with {networks[smallest].total:,} parameters.")
    return sentences


def _claim_sentence(name: str, network: NetworkParameters, claimed: int, source: str) -> str:
    if claimed == network.in_use:
        return f"{name}: {network.in_use:,} parameters, as {source} says."
    sentence = f"{name}: {network.in_use:,} parameters in use; {source} says {claimed:,}."
    if not network.inherited:
        return sentence
    with_inherited = network.total + network.inherited
    count = f"{with_inherited:,} in all"
    if claimed == with_inherited:
        count = "which is what it counts"
    elif differ_by_a_swap(claimed, with_inherited):
        count += f", and {claimed:,} is that number with two digits swapped"
    return (
        f"{sentence} An implementation that derives CoordConv from an ordinary convolution, as its reference does, "
        "also holds "
        f"that convolution's own weights, which are never used: {network.inherited:,} dead parameters, {count}."
    )


def differ_by_a_swap(number: int, other: int) -> bool:
    """Whether one number is the other with two digits swapped.

    >>> differ_by_a_swap(37_384, 37_834), differ_by_a_swap(37_384, 37_384), differ_by_a_swap(123, 231)
    (True, False, False)
    """
    digits, others = str(number), str(other)
    return sorted(digits) == sorted(others) and sum(a != b for a, b in zip(digits, others, strict=True)) == 2
