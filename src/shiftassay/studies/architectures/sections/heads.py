"""Finding 6b: how many heads attention should have, and whether a code of the position helps it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from torch import nn

from shiftassay.errors import BadInput
from shiftassay.networks.attention import PositionAttention
from shiftassay.records import Record
from shiftassay.report.finding import Finding, Table
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import paired
from shiftassay.studies.architectures.experiment import Experiment, train_members
from shiftassay.studies.architectures.members import validation_accuracies, validation_losses
from shiftassay.studies.architectures.protocols import settled_accuracy, settled_epochs
from shiftassay.studies.architectures.trainings import head_trainings
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, p_value, points

KEY, TITLE, VERSION, PLACE = "heads", "Heads and position codes of the attention", 1, 65
ACCURACY, LOSS = "accuracy", "loss"


@dataclass(frozen=True)
class Variant(Record):
    """One variant of the network: its parameters in all, and what its trainings came to by seed.

    `accuracies` and `losses`, on the test set, are means over the last epochs.
    """

    parameters: int
    accuracies: tuple[float, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True)
class VariantDifference(Record):
    """A variant minus the reference, paired by seed; `p_corrected` is after Holm."""

    variant: str
    quantity: str
    difference: float
    interval: tuple[float, float]
    p: float
    p_corrected: float

    @property
    def is_significant(self) -> bool:
        return self.p_corrected < 0.05


@dataclass(frozen=True)
class Heads(Record):
    """All variants, and the widths of the layers that attend, in channels."""

    network: str
    reference: str
    variants: Mapping[str, Variant]
    widths: tuple[int, ...]
    epochs: int
    images: int
    derived: ClassVar = ("differences", "possible_heads")

    @property
    def seeds(self) -> int:
        return len(self.variants[self.reference].accuracies)

    @property
    def possible_heads(self) -> list[int]:
        """The numbers of heads that divide the width of every layer."""
        return [
            heads
            for heads in range(1, min(self.widths, default=0) + 1)
            if all(width % heads == 0 for width in self.widths)
        ]

    @cached_property
    def differences(self) -> tuple[VariantDifference, ...]:
        """Every other variant against the reference; none for a single seed."""
        rows: list[VariantDifference] = []
        reference = self.variants.get(self.reference)
        if reference is None:
            return ()
        for name, variant in self.variants.items():
            pairs = {
                ACCURACY: paired(variant.accuracies, reference.accuracies, 1 / self.images),
                LOSS: paired(variant.losses, reference.losses),
            }
            for quantity, tested in pairs.items():
                if name != self.reference and tested is not None:
                    interval, p = tested.interval(), tested.p_value
                    ends = (interval.low, interval.high)
                    rows.append(VariantDifference(name, quantity, tested.estimate, ends, p, p))
        corrected = holm([row.p for row in rows]) if rows else []
        return tuple(replace(row, p_corrected=p) for row, p in zip(rows, corrected, strict=True))


def measure(experiment: Experiment) -> Heads:
    settings = experiment.study.heads
    if settings is None:
        raise BadInput("the study has no [heads].")
    variants, networks = {}, []
    for name, training in head_trainings(experiment.study, ()).items():
        members = train_members(experiment, training)
        networks.append(members[0].model.network)
        variants[name] = Variant(
            parameters=sum(weights.numel() for weights in networks[-1].parameters()),
            accuracies=tuple(settled_accuracy(validation_accuracies(member)) for member in members),
            losses=tuple(settled_accuracy(validation_losses(member)) for member in members),
        )
    return Heads(
        settings.network, settings.reference, variants, _widths(networks[0]), settings.epochs, len(experiment.labels)
    )


def findings(measured: Heads) -> list[Finding]:
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (_table(measured),), numbers=measured.to_json())]


def _widths(network: nn.Module) -> tuple[int, ...]:
    """The embedding widths of the layers that attend."""
    return tuple(layer.query.out_features for layer in network.modules() if isinstance(layer, PositionAttention))


def _sentences(measured: Heads) -> list[str]:
    others = [name for name in measured.variants if name != measured.reference]
    widths = listed([str(width) for width in measured.widths])
    possible = (
        f"The number of heads must divide the width of a layer: for widths of {widths} channels, "
        f"{listed(list(map(str, measured.possible_heads)))} heads are possible."
    )
    if not measured.differences:
        return [f"One seed of each variant cannot tell {listed(others)} from {measured.reference}.", possible]
    shown = [row for row in measured.differences if row.is_significant]
    unshown = [name for name in others if name not in {row.variant for row in shown}]
    sentences = [_difference(row, measured.reference) for row in shown]
    if unshown:
        sentences.append(
            f"No difference from {measured.reference} is shown for {listed(unshown)}, in accuracy or in loss "
            f"({plural(measured.seeds, 'seed')}, {plural(measured.epochs, 'epoch')})."
        )
    return [*sentences, possible]


def _difference(row: VariantDifference, reference: str) -> str:
    if row.quantity == ACCURACY:
        size = f"{points(row.difference, sign=True)} {brackets(row.interval)} points"
    else:
        size = f"{number(row.difference, 4, sign=True)} {brackets(row.interval, scale=1, digits=4)}"
    return f"{row.variant}: {row.quantity} {size} against {reference} (p {p_value(row.p_corrected)})."


def _table(measured: Heads) -> Table:
    tests = {(row.variant, row.quantity): row for row in measured.differences}
    rows = []
    for name, variant in measured.variants.items():
        accuracy, loss = tests.get((name, ACCURACY)), tests.get((name, LOSS))
        rows.append(
            (
                name,
                f"{variant.parameters:,}",
                mean_sd(variant.accuracies, 100, 2),
                f"{points(accuracy.difference, sign=True)} {brackets(accuracy.interval)}" if accuracy else DASH,
                p_cell(accuracy and accuracy.p_corrected),
                mean_sd(variant.losses, 1, 4),
                p_cell(loss and loss.p_corrected),
            )
        )
    late = settled_epochs(measured.epochs)
    columns = (
        "variant",
        "parameters",
        "accuracy, %",
        "difference, points [95%]",
        "p, corrected",
        "loss",
        "p, corrected",
    )
    return Table(
        columns,
        tuple(rows),
        f"{measured.network}, {plural(measured.epochs, 'epoch')}: mean of the last {plural(late, 'epoch')} on "
        f"{measured.images:,} test images, ± sd over {plural(measured.seeds, 'seed')}. Differences from "
        f"{measured.reference} are paired by seed; Holm's correction for all of them.",
    )
