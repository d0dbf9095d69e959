"""Finding 7b: trained on plain images, tested on shifted ones: network × shift."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from shiftassay.errors import BadInput
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.shifts.catalog import parse, shift
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import difference_over_seeds_and_images, mean_over_seeds_and_images, welch
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import labels_of, predicted_classes
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, p_value, points
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "robustness", "Trained on plain digits, tested on shifted ones", 1, 90
SAMPLES = 10
PLAIN = "identity"  # beside the shifts, the test set as it is


@dataclass(frozen=True)
class ShiftedAccuracies(Record):
    """A network's accuracies under one shift, by seed.

    `interval` is that of the mean for new seeds and new images, `minus_control` that of its difference from the
    control's, with Bonferroni's correction over networks and shifts: a difference is shown where it leaves out 0.
    """

    accuracies: tuple[float, ...]
    interval: tuple[float, float]
    minus_control: tuple[float, float]

    @property
    def mean(self) -> float:
        return float(np.mean(self.accuracies))


@dataclass(frozen=True)
class Robustness(Record):
    """Accuracies by shift and network.

    `samples` is the file of the first shifted images, `names` the arrays in it.
    """

    shifts: Mapping[str, Mapping[str, ShiftedAccuracies]]
    control: str
    images: int
    seeds: int
    samples: str
    names: tuple[str, ...]

    @property
    def networks(self) -> list[str]:
        return list(next(iter(self.shifts.values())))


def measure(experiment: Experiment) -> Robustness:
    settings, members = experiment.study.robustness, experiment.members
    if settings is None:
        raise BadInput("the study has no [robustness].")
    test = experiment.dataset.test.first(settings.images)
    labels = labels_of(test)
    level = 1 - 0.05 / ((len(members) - 1) * (len(settings.shifts) + 1))
    shifts, samples = {}, {}
    for name in (PLAIN, *settings.shifts):
        experiment.console.print(spoken(f"testing under {name}"))
        shifted = shift(test, parse(name))
        samples[name] = shifted.images[:SAMPLES]
        correct = {
            network: np.stack([predicted_classes(member, shifted.images) == labels for member in group])
            for network, group in members.items()
        }
        control = correct[experiment.study.control]
        shifts[name] = {}
        for network, right in correct.items():
            mean, minus_control = (
                mean_over_seeds_and_images(right),
                difference_over_seeds_and_images(right, control, level),
            )
            shifts[name][network] = ShiftedAccuracies(
                accuracies=tuple(right.mean(1).tolist()),
                interval=(mean.low, mean.high),
                minus_control=(minus_control.low, minus_control.high),
            )
    return Robustness(
        shifts=shifts,
        control=experiment.study.control,
        images=len(test),
        seeds=len(next(iter(members.values()))),
        samples=experiment.measurements.keep("robustness.safetensors", samples),
        names=tuple(samples),
    )


def findings(measured: Robustness) -> list[Finding]:
    networks = measured.networks
    rows = tuple(
        (name, *(f"{points(row[n].mean, 1)} {brackets(row[n].interval, digits=1)}" for n in networks))
        for name, row in measured.shifts.items()
    )
    table = Table(
        ("shift", *networks),
        rows,
        f"Accuracy, %, on {measured.images:,} shifted test images, mean over {plural(measured.seeds, 'seed')} with its "
        "95% interval for new seeds and new images.",
    )
    figures = (
        Figure(
            "matrix",
            {
                "rows": list(measured.shifts),
                "columns": networks,
                "values": [[row[network].mean for network in networks] for row in measured.shifts.values()],
                "scale": 100,
                "format": ".1f",
            },
            "Accuracy, %, of networks that were trained on plain digits.",
        ),
        Figure(
            "samples", {"file": measured.samples, "names": measured.names}, "The first test images under each shift."
        ),
    )
    numbers = {key: value for key, value in measured.to_json().items() if key not in ("samples", "names")}
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (table,), figures, numbers)]


def _sentences(measured: Robustness) -> list[str]:
    control, networks = measured.control, measured.networks
    shifted = [row for name, row in measured.shifts.items() if name != PLAIN]
    # Each seed's mean over the shifts: one number a seed, whatever a single shift does.
    overall = {n: np.mean([row[n].accuracies for row in shifted], axis=0) for n in networks}
    order = sorted(networks, key=lambda n: -overall[n].mean())
    means = ", ".join(f"{n} {mean_sd(overall[n], 100, 1)}%" for n in order)
    sentences = [f"Mean accuracy over {plural(len(shifted), 'shift')}: {means}."]
    others = [network for network in networks if network != control]
    sentences += _overall_tests(control, others, overall)
    sentences += [_against_control(network, measured) for network in others]
    if measured.seeds == 1:
        sentences.append("One seed each: these are comparisons of single models, not of architectures.")
    return sentences


def _overall_tests(control: str, others: list[str], overall: Mapping[str, Float64[np.ndarray, "seeds"]]) -> list[str]:
    """Which networks differ from the control in their mean over the shifts.

    Single seeds allow no test: then there is no sentence.
    """
    p_values = [p for p in (welch(overall[network], overall[control]) for network in others) if p is not None]
    if not p_values:
        return []
    tested = zip(others, holm(p_values), strict=True)
    different = [f"{network} (p {p_value(p)})" for network, p in tested if p < 0.05]
    return [f"By that mean, {listed(different) or 'no network'} is shown to differ from {control}."]


def _against_control(network: str, measured: Robustness) -> str:
    intervals = {name: row[network].minus_control for name, row in measured.shifts.items() if name != PLAIN}
    better = [name for name, (low, _) in intervals.items() if low > 0]
    worse = [name for name, (_, high) in intervals.items() if high < 0]
    parts = [f"better under {', '.join(better)}"] if better else []
    parts += [f"worse under {', '.join(worse)}"] if worse else []
    return f"{network} against {measured.control}: {'; '.join(parts) or 'no shift under which a difference is shown'}."
