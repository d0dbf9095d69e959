"""Finding 1b: which epoch counts, and what early stopping would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from shiftassay.records import JsonObject, Record, plain
from shiftassay.report.finding import Finding, Table
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.early_stopping import StoppingRule, stopping_rules
from shiftassay.studies.architectures.experiment import Experiment, seeds_of, train_members
from shiftassay.studies.architectures.members import validation_accuracies, validation_losses
from shiftassay.studies.architectures.protocols import (
    BEST,
    HELD_OUT,
    HELD_OUT_LOSS,
    LAST,
    LOWEST_LOSS,
    SETTLED,
    HeldOutRuns,
    ProtocolAccuracies,
    mean_bias,
    protocol_accuracies,
    settled_epochs,
)
from shiftassay.studies.architectures.trainings import selection_trainings
from shiftassay.words.lists import plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, points

KEY, TITLE, VERSION, PLACE = "selection", "Which epoch counts?", 3, 15


@dataclass(frozen=True)
class Selection(Record):
    """What each protocol reads from the trainings of each network.

    `held_out_runs` are those that kept `held_out` training images apart; 0 for none. `networks` has the others, of
    the same `epochs`. Accuracies are of `images` test images.
    """

    networks: Mapping[str, ProtocolAccuracies]
    images: int
    epochs: int
    held_out: int
    held_out_runs: Mapping[str, HeldOutRuns] = field(default_factory=dict)

    @cached_property
    def sound(self) -> Mapping[str, ProtocolAccuracies]:
        """The protocols of the trainings with held-out images."""
        return {name: runs.protocols for name, runs in self.held_out_runs.items()}

    @cached_property
    def rules(self) -> tuple[StoppingRule, ...]:
        """Early stopping on held-out images, replayed."""
        return tuple(rule for name, runs in self.held_out_runs.items() for rule in stopping_rules(name, runs))


def measure(experiment: Experiment) -> Selection:
    settings, runs = experiment.study.selection, {}
    networks = {
        name: protocol_accuracies([validation_accuracies(m) for m in group], [validation_losses(m) for m in group])
        for name, group in experiment.members.items()
    }
    for name, training in selection_trainings(experiment.study, seeds_of(experiment)).items():
        curves = [member.metrics for member in train_members(experiment, training)]
        runs[name] = HeldOutRuns(
            accuracies=tuple(tuple(epoch.validation_accuracy or 0.0 for epoch in curve) for curve in curves),
            losses=tuple(tuple(epoch.validation_loss or 0.0 for epoch in curve) for curve in curves),
            held_out_accuracies=tuple(tuple(epoch.held_out_accuracy or 0.0 for epoch in curve) for curve in curves),
            held_out_losses=tuple(tuple(epoch.held_out_loss or 0.0 for epoch in curve) for curve in curves),
        )
    return Selection(
        networks=networks,
        images=len(experiment.labels),
        epochs=len(next(iter(experiment.members.values()))[0].metrics),
        held_out=settings.held_out if runs else 0,
        held_out_runs=runs,
    )


def findings(measured: Selection) -> list[Finding]:
    tables = [_protocols(measured)]
    tables += [_stopping(measured)] if measured.rules else []
    numbers = {"networks": measured.networks, "held_out": measured.sound, "rules": measured.rules}
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), tuple(tables), numbers=numbers)]


def published(measured: Selection) -> JsonObject:
    """The curves, what each protocol reads from them, and what each rule of early stopping does."""
    return {**measured.to_json(), "sound": plain(measured.sound), "rules": plain(measured.rules)}


def _protocols(measured: Selection) -> Table:
    kinds = [("all", measured.networks), (f"without {measured.held_out:,} held-out images", measured.sound)]
    rows = []
    for trained_on, networks in kinds:
        for name, network in networks.items():
            for protocol in (BEST, LOWEST_LOSS, HELD_OUT, HELD_OUT_LOSS, LAST, SETTLED):
                accuracies = network.accuracies.get(protocol)
                if accuracies is not None:
                    noise = DASH if network.sd_within is None else number(100 * network.sd_within, 3)
                    rows.append(
                        (
                            name,
                            trained_on,
                            protocol,
                            str(len(accuracies)),
                            mean_sd(accuracies, 100, 3),
                            DASH if protocol == SETTLED else _mean(network.bias(protocol)),
                            noise if protocol == LAST else DASH,
                        )
                    )
    return Table(
        (
            "network",
            "training images",
            "epoch",
            "seeds",
            "accuracy, % ± sd over seeds",
            "against the mean of the last epochs, points [95%]",
            "sd from epoch to epoch, points",
        ),
        tuple(rows),
        f"Accuracy on {measured.images:,} test images, {plural(measured.epochs, 'epoch')}. The last epochs are the "
        f"last {_settled(measured)} of the same training. The source's code saves the epoch of lowest loss on the test "
        "set.",
        words=("training images", "epoch"),
    )


def _stopping(measured: Selection) -> Table:
    rows = tuple(
        (
            rule.network,
            rule.criterion,
            str(rule.patience),
            mean_sd(rule.stopped, 1, 0),
            mean_sd(rule.kept, 1, 0),
            mean_sd(rule.accuracies, 100, 3),
            _mean(np.subtract(rule.accuracies, rule.to_the_end)),
        )
        for rule in measured.rules
    )
    seeds = plural(len(measured.rules[0].accuracies), "seed")
    return Table(
        (
            "network",
            "watched",
            "patience, epochs",
            "stopped at epoch",
            "kept epoch",
            "accuracy, %",
            f"against {measured.epochs} epochs, points [95%]",
        ),
        rows,
        f"Early stopping, replayed on trainings of {plural(measured.epochs, 'epoch')}: training stops after so many "
        f"epochs without a better one on {measured.held_out:,} held-out images, and keeps the best. Accuracy on "
        f"{measured.images:,} test images, mean ± sd over {seeds}, against the last epoch of the same trainings.",
        words=("watched",),
    )


def _sentences(measured: Selection) -> list[str]:
    networks, settled = measured.networks, _settled(measured)
    if settled_epochs(measured.epochs) == 1:
        return [f"{plural(measured.epochs, 'epoch')} are too few to tell one choice of the epoch from another."]
    best, lowest, last = (_overall(networks, protocol) for protocol in (BEST, LOWEST_LOSS, LAST))
    within = [network.sd_within for network in networks.values() if network.sd_within is not None]
    _, interval = mean_bias(networks, BEST)
    optimistic = " This choice is optimistic." if interval and interval.low > 0 else ""
    sentences = [
        f"The best epoch on the test set is {best} points above the mean of the last {settled}.{optimistic}",
        f"The epoch of lowest loss on the test set is {lowest} points above that mean, the last epoch {last}.",
        f"Accuracy varies from epoch to epoch with an sd of {points(min(within))} to {points(max(within))} points, by "
        "network.",
    ]
    if measured.sound:
        chosen, seeds = _overall(measured.sound, HELD_OUT), len(next(iter(measured.held_out_runs.values())).accuracies)
        sentences.append(
            f"The epoch that is best on {measured.held_out:,} held-out images is {chosen} points above the mean of the "
            f"last {settled} of the same trainings ({plural(len(measured.sound), 'network')}, "
            f"{plural(seeds, 'seed')}). This choice is sound."
        )
    else:
        sentences.append("No training here kept images apart to choose the epoch on.")
    return sentences + ([_early_stopping(measured)] if measured.rules else [])


def _early_stopping(measured: Selection) -> str:
    """What the most and the least patient rule on the loss cost, over all networks."""
    by_loss = [rule for rule in measured.rules if rule.criterion == measured.rules[0].criterion]
    parts = []
    for patience in dict.fromkeys((by_loss[0].patience, by_loss[-1].patience)):
        rules = [rule for rule in by_loss if rule.patience == patience]
        cost = np.mean([np.subtract(rule.accuracies, rule.to_the_end) for rule in rules], axis=0)
        epoch = float(np.mean([rule.stopped for rule in rules]))
        parts.append(
            f"a patience of {patience} epochs stops at epoch {epoch:.0f} and changes accuracy by {_mean(cost)}"
        )
    return (
        f"Early stopping on the held-out loss: {'; '.join(parts)} points, against all {measured.epochs} epochs of the "
        "same trainings."
    )


def _overall(networks: Mapping[str, ProtocolAccuracies], protocol: str) -> str:
    mean, interval = mean_bias(networks, protocol)
    return points(mean, 3, sign=True) + (f" {brackets(interval, digits=3)}" if interval else "")


def _settled(measured: Selection) -> str:
    return plural(settled_epochs(measured.epochs), "epoch")


def _mean(by_seed: np.ndarray) -> str:
    interval = mean_over_seeds(by_seed)
    return points(float(by_seed.mean()), 3, sign=True) + (f" {brackets(interval, digits=3)}" if interval else "")
