"""Finding 5: does the answer to an image depend on the images beside it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shiftassay.evaluation.audit import audit
from shiftassay.evaluation.batches import Batching
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import mean_sd
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "batches", "Batch audit", 1, 60


@dataclass(frozen=True)
class BatchCheck(Record):
    """How one model answers in batches of each kind.

    Log-probabilities that differ by up to `tolerance` are equal.
    """

    tolerance: float
    shown: tuple[Batching, ...]

    @property
    def measured(self) -> tuple[Batching, ...]:
        """The kinds of batches that the memory sufficed for."""
        return tuple(batching for batching in self.shown if batching.not_measured is None)


@dataclass(frozen=True)
class BatchChecks(Record):
    """For each network, the check of every member."""

    networks: Mapping[str, tuple[BatchCheck, ...]]


def measure(experiment: Experiment) -> BatchChecks:
    networks, images = {}, experiment.dataset.test.first(experiment.study.audit_images)
    for name, group in experiment.members.items():
        experiment.console.print(spoken(f"{name}: showing the test set in batches of many kinds"))
        audits = [audit(images, model=member.model, single_images=len(images)) for member in group]
        networks[name] = tuple(BatchCheck.from_json(audited["batch"].numbers) for audited in audits)
    return BatchChecks(networks)


def findings(measured: BatchChecks) -> list[Finding]:
    kinds = [
        _kind(batching).removeprefix("in batches of ") for batching in next(iter(measured.networks.values()))[0].shown
    ]
    rows, matrix = [], []
    for name, checks in measured.networks.items():
        by_kind = zip(*(check.shown for check in checks), strict=True)
        accuracies = [_accuracies([batching for batching in seeds if not batching.not_measured]) for seeds in by_kind]
        rows.append((name, *(mean_sd(values, 100, 2) if values else "not measured" for values in accuracies)))
        matrix.append([sum(values) / len(values) if values else None for values in accuracies])
    first = next(iter(measured.networks.values()))
    caption = (
        f"Accuracy, %, of the model after its last epoch when the same {first[0].shown[0].images:,} test images are "
        "shown "
        f"in different batches; mean ± sd over {plural(len(first), 'seed')}."
    )
    figure = Figure(
        "matrix",
        {"rows": list(measured.networks), "columns": kinds, "values": matrix, "scale": 100, "format": ".2f"},
        "Accuracy, %, by how the test images are shown. A network that answers each image by itself has one number in "
        "its row.",
    )
    table = Table(("network", *kinds), tuple(rows), caption)
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (table,), (figure,), measured.to_json())]


def _sentences(measured: BatchChecks) -> list[str]:
    sentences, independent = [], []
    for name, checks in measured.networks.items():
        largest = max(batching.largest for check in checks for batching in check.measured)
        if largest <= max(check.tolerance for check in checks):
            independent.append(name)
        else:
            sentences.append(_dependence(name, checks))
    if independent:
        sentences.append(
            f"{listed(independent)}: the answer to an image does not depend on the other images of its batch."
        )
    return sentences


def _dependence(name: str, checks: Sequence[BatchCheck]) -> str:
    """What a network's answers depend on, in the kind of batches where most of them change."""
    by_kind = list(zip(*(check.shown for check in checks), strict=True))
    worst = max(by_kind, key=lambda seeds: max(batching.changed / batching.images for batching in seeds))
    accuracies = mean_sd(_accuracies(worst), 100, 2)
    reference = mean_sd([b.reference_accuracy for b in worst if b.reference_accuracy is not None], 100, 2)
    return (
        f"{name}: an image's answer depends on its neighbours. Shown {_kind(worst[0])}, up to "
        f"{max(batching.changed for batching in worst):,} of {worst[0].images:,} labels change against shuffled "
        "batches of 64, "
        f"and accuracy is {accuracies}% instead of {reference}% on the same images. Everywhere else in this report it "
        "is shown "
        "shuffled batches of 64, as its source shows them."
    )


def _accuracies(batchings: Sequence[Batching]) -> list[float]:
    return [batching.accuracy for batching in batchings if batching.accuracy is not None]


def _kind(batching: Batching) -> str:
    return "one at a time" if batching.order == "alone" else f"in batches of {batching.batch:,}, {batching.order}"
