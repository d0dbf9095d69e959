"""Finding 1b: which epoch counts? One training, read by five protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftassay.records import Record
from shiftassay.report.finding import Finding, Table
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.experiment import Experiment, seeds_of, train_members
from shiftassay.studies.architectures.members import validation_accuracies, validation_losses
from shiftassay.studies.architectures.protocols import (
    BEST,
    HELD_OUT,
    LAST,
    LAST_OF_HELD_OUT,
    LOWEST_LOSS,
    SETTLED,
    ProtocolAccuracies,
    mean_bias,
    protocol_accuracies,
    settled_epochs,
)
from shiftassay.studies.architectures.trainings import selection_trainings
from shiftassay.training.train import Trained
from shiftassay.words.lists import plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, points

KEY, TITLE, VERSION, PLACE = "selection", "Which epoch counts?", 2, 15
NEEDED = "needs trainings with held-out images"


@dataclass(frozen=True)
class Selection(Record):
    """What each protocol reads from the trainings of each network.

    `held_out` is the number of training images that some trainings kept for choosing their epoch; 0 for none.
    """

    networks: Mapping[str, ProtocolAccuracies]
    images: int
    epochs: int
    held_out: int


def measure(experiment: Experiment) -> Selection:
    settings = experiment.study.selection
    networks = {
        name: protocol_accuracies([validation_accuracies(m) for m in group], [validation_losses(m) for m in group])
        for name, group in experiment.members.items()
    }
    for name, training in selection_trainings(experiment.study, seeds_of(experiment)).items():
        if name in networks:
            chosen = _chosen_on_held_out_images(train_members(experiment, training))
            networks[name] = replace(networks[name], accuracies={**networks[name].accuracies, **chosen})
    return Selection(
        networks=networks,
        images=len(experiment.labels),
        epochs=len(next(iter(experiment.members.values()))[0].metrics),
        held_out=settings.held_out,
    )


def findings(measured: Selection) -> list[Finding]:
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (_table(measured),), numbers=measured.to_json())]


def _chosen_on_held_out_images(members: Sequence[Trained]) -> dict[str, tuple[float, ...]]:
    """Test accuracies of trainings with images held out.

    At the best epoch on these, and at the last.
    """
    return {
        HELD_OUT: tuple(_at_best_epoch(member) for member in members),
        LAST_OF_HELD_OUT: tuple(validation_accuracies(member)[-1] for member in members),
    }


def _at_best_epoch(member: Trained) -> float:
    """The test accuracy after the epoch that is best on the held-out images."""
    held_out = [epoch.held_out_accuracy or 0.0 for epoch in member.metrics]
    return validation_accuracies(member)[int(np.argmax(held_out))]


def _table(measured: Selection) -> Table:
    rows = []
    for name, network in measured.networks.items():
        for protocol in (BEST, LOWEST_LOSS, HELD_OUT, LAST_OF_HELD_OUT, LAST, SETTLED):
            accuracies = network.accuracies.get(protocol)
            if accuracies is None:
                rows += [(name, protocol, NEEDED, DASH, DASH)] if protocol == HELD_OUT else []
                continue
            of_these_runs = protocol not in (HELD_OUT, LAST_OF_HELD_OUT)
            rows.append(
                (
                    name,
                    protocol,
                    mean_sd(accuracies, 100, 3),
                    _bias(network.bias(protocol)) if of_these_runs and protocol != SETTLED else DASH,
                    _sd_within(network) if protocol == LAST else DASH,
                )
            )
    seeds = len(next(iter(measured.networks.values())).accuracies[LAST])
    fewer = ""
    if measured.held_out:
        fewer = (
            f" Trainings with held-out images have {measured.held_out:,} images fewer to learn from: compare their "
            "best epoch with their own last one."
        )
    return Table(
        ("network", "protocol", "accuracy, % ± sd over seeds", "bias, points [95%]", "sd from epoch to epoch, points"),
        tuple(rows),
        f"Accuracy on {measured.images:,} test images, {plural(seeds, 'seed')}, {plural(measured.epochs, 'epoch')}. "
        f"Bias: above the mean of the last {_settled(measured)} of the same training. The epoch of lowest "
        f"loss on the test set is the one that the source's code saves.{fewer}",
        words=("protocol",),
    )


def _sentences(measured: Selection) -> list[str]:
    networks, settled = measured.networks, _settled(measured)
    if settled_epochs(measured.epochs) == 1:
        return [f"Too few epochs to tell a protocol's bias from the noise of an epoch: {measured.epochs}."]
    best, lowest, last = (_overall(networks, protocol) for protocol in (BEST, LOWEST_LOSS, LAST))
    within = [network.sd_within for network in networks.values() if network.sd_within is not None]
    sentences = [
        f"Against the mean of the last {settled} of the same training, the accuracy of the epoch that is best on the "
        f"test set is off by {best} points, that of the epoch with the lowest loss on it by {lowest}, and that of the "
        f"last epoch, which is fixed in advance, by {last}; accuracy varies over those epochs with a standard "
        "deviation "
        f"of {points(min(within))} to {points(max(within))} points, by network."
    ]
    chosen = {name: network for name, network in networks.items() if HELD_OUT in network.accuracies}
    for name, network in chosen.items():
        difference = np.subtract(network.accuracies[HELD_OUT], network.accuracies[LAST_OF_HELD_OUT])
        sentences.append(
            f"{name}: the epoch that is best on {measured.held_out:,} held-out images has "
            f"{mean_sd(network.accuracies[HELD_OUT], 100, 3)}% on the test set, {_bias(difference)} points more than "
            "the last epoch of the same trainings."
        )
    if not chosen:
        sentences.append("Choosing the epoch on held-out images is not measured: no training here kept any for that.")
    return sentences


def _overall(networks: Mapping[str, ProtocolAccuracies], protocol: str) -> str:
    mean, interval = mean_bias(networks, protocol)
    return points(mean, 3, sign=True) + (f" {brackets(interval, digits=3)}" if interval else "")


def _settled(measured: Selection) -> str:
    return plural(settled_epochs(measured.epochs), "epoch")


def _bias(by_seed: np.ndarray) -> str:
    interval = mean_over_seeds(by_seed)
    return points(float(by_seed.mean()), 3, sign=True) + (f" {brackets(interval, digits=3)}" if interval else "")


def _sd_within(network: ProtocolAccuracies) -> str:
    return DASH if network.sd_within is None else number(100 * network.sd_within, 3)
