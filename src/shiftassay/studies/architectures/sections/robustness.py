"""Finding 7b: trained on plain images, tested on shifted ones: network × shift."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import model_validator

from shiftassay.errors import BadInput
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import parse
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.paired import mcnemar
from shiftassay.statistics.seeds import paired
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images, mean_over_seeds_and_images
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import labels_of, predicted_classes
from shiftassay.studies.architectures.module_effects import (
    ModuleEffect,
    ModulesByNetwork,
    effects_sentence,
    module_effects,
    modules_of_members,
    modules_of_registered,
)
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, p_cell, p_value, points
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "robustness", "Trained on plain digits, tested on shifted ones", 2, 90
SAMPLES = 10
PLAIN = "identity"  # beside the shifts, the test set as it is


@dataclass(frozen=True)
class ShiftedAccuracies(Record):
    """A network's accuracies under one shift, by seed.

    `interval` is that of the mean for new seeds and new images, `minus_control` that of its difference from the
    control's. `p` tests, over seeds, or over images where there is one seed, that there is no difference; None for the
    control.
    """

    accuracies: tuple[float, ...]
    interval: tuple[float, float]
    minus_control: tuple[float, float]
    p: float | None = None

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
    modules: ModulesByNetwork

    @property
    def networks(self) -> list[str]:
        return list(next(iter(self.shifts.values())))

    @cached_property
    def p_corrected(self) -> Mapping[str, Mapping[str, float]]:
        """By shift and network, the p-value after Holm's correction for them all."""
        tests = {
            (shift, network): row.p
            for shift, rows in self.shifts.items()
            if shift != PLAIN
            for network, row in rows.items()
            if row.p is not None
        }
        corrected: dict[str, dict[str, float]] = {}
        for (shift, network), p in zip(tests, holm(list(tests.values())), strict=True):
            corrected.setdefault(shift, {})[network] = p
        return corrected

    @cached_property
    def overall(self) -> Mapping[str, Float64[np.ndarray, "seeds"]]:
        """Each seed's mean over the shifts: one number a seed, whatever a single shift does."""
        shifted = [row for name, row in self.shifts.items() if name != PLAIN]
        return {n: np.mean([row[n].accuracies for row in shifted], axis=0) for n in self.networks}

    @cached_property
    def effects(self) -> tuple[ModuleEffect, ...]:
        """What each module does to the mean over the shifts."""
        return module_effects(self.overall, self.modules, largest=1.0)

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, content: Any) -> Any:
        """Results of version 1 have no p-values, and do not name the modules."""
        if "modules" in content:
            return content
        control, images = content["control"], content["images"]
        shifts = {
            shift: {
                network: {**row, "p": None if network == control else _p(row, rows[control], images)}
                for network, row in rows.items()
            }
            for shift, rows in content["shifts"].items()
        }
        return {**content, "shifts": shifts, "modules": modules_of_registered(list(next(iter(shifts.values()))))}


def measure(experiment: Experiment) -> Robustness:
    settings, members = experiment.study.robustness, experiment.members
    if settings is None:
        raise BadInput("the study has no [robustness].")
    test = experiment.dataset.test.first(settings.images)
    labels = labels_of(test)
    shifts, samples = {}, {}
    for name in (PLAIN, *settings.shifts):
        experiment.console.print(spoken(f"testing under {name}"))
        shifted = catalog.shift(test, parse(name))
        samples[name] = shifted.images[:SAMPLES]
        correct = {
            network: np.stack([predicted_classes(member, shifted.images) == labels for member in group])
            for network, group in members.items()
        }
        control = correct[experiment.study.control]
        shifts[name] = {}
        for network, right in correct.items():
            mean = mean_over_seeds_and_images(right)
            minus_control = difference_over_seeds_and_images(right, control)
            shifts[name][network] = ShiftedAccuracies(
                accuracies=tuple(right.mean(1).tolist()),
                interval=(mean.low, mean.high),
                minus_control=(minus_control.low, minus_control.high),
                p=None if network == experiment.study.control else _test(right, control),
            )
    return Robustness(
        shifts=shifts,
        control=experiment.study.control,
        images=len(test),
        seeds=len(next(iter(members.values()))),
        samples=experiment.measurements.keep("robustness.safetensors", samples),
        names=tuple(samples),
        modules=modules_of_members(members),
    )


def findings(measured: Robustness) -> list[Finding]:
    networks = measured.networks
    rows = tuple(
        (name, *(f"{points(row[n].mean, 1)} {brackets(row[n].interval, digits=1)}" for n in networks))
        for name, row in measured.shifts.items()
    )
    interval = "95% interval for new seeds and new images"
    of = f"{measured.images:,} shifted test images, {plural(measured.seeds, 'seed')}"
    table = Table(("shift", *networks), rows, f"Accuracy, %, of {of}, with its {interval}.")
    others = [network for network in networks if network != measured.control]
    differences = Table(
        ("shift", *others),
        tuple(
            (name, *(_difference(measured, name, network) for network in others))
            for name in measured.shifts
            if name != PLAIN
        ),
        f"Accuracy minus that of {measured.control}, points, of {of}, with its {interval}; "
        f"p: {_how_tested(measured)}, after Holm's correction for the whole table.",
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
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (table, differences), figures, numbers)]


def _test(right: Bool[np.ndarray, "seeds n"], control: Bool[np.ndarray, "seeds n"]) -> float:
    """Over seeds, or over images for one seed, that two networks do not differ."""
    tested = paired(right.mean(1), control.mean(1), resolution=1 / right.shape[1])
    if tested:
        return tested.p_value
    return mcnemar(int((right[0] & ~control[0]).sum()), int((~right[0] & control[0]).sum()))


def _p(row: Mapping[str, Any], control: Mapping[str, Any], images: int) -> float | None:
    """The same from stored accuracies; None for one seed."""
    tested = paired(row["accuracies"], control["accuracies"], resolution=1 / images)
    return tested.p_value if tested else None


def _difference(measured: Robustness, shift: str, network: str) -> str:
    row = measured.shifts[shift]
    difference = points(row[network].mean - row[measured.control].mean, 1, sign=True)
    p = measured.p_corrected.get(shift, {}).get(network)
    return f"{difference} {brackets(row[network].minus_control, digits=1)}, p {p_cell(p)}"


def _how_tested(measured: Robustness) -> str:
    return "over seeds, paired" if measured.seeds > 1 else "image by image (McNemar)"


def _sentences(measured: Robustness) -> list[str]:
    control, networks, overall = measured.control, measured.networks, measured.overall
    order = sorted(networks, key=lambda n: -overall[n].mean())
    means = ", ".join(f"{n} {mean_sd(overall[n], 100, 1)}%" for n in order)
    sentences = [f"Mean accuracy over {plural(len(measured.shifts) - 1, 'shift')}: {means}."]
    others = [network for network in networks if network != control]
    if measured.effects:
        sentences.append(effects_sentence(measured.effects, "that mean", "changes by", _effect_in_points, " points"))
    sentences += _overall_tests(control, others, overall)
    sentences += [_against_control(network, measured) for network in others]
    if measured.seeds == 1:
        sentences.append("One seed each: these are comparisons of single models, not of architectures.")
    return sentences


def _overall_tests(control: str, others: list[str], overall: Mapping[str, Float64[np.ndarray, "seeds"]]) -> list[str]:
    """Which networks differ from the control in their mean over the shifts.

    Single seeds allow no test: then there is no sentence.
    """
    tests = [paired(overall[network], overall[control]) for network in others]
    p_values = [test.p_value for test in tests if test is not None]
    if not p_values:
        return []
    tested = zip(others, holm(p_values), strict=True)
    different = [f"{network} (p {p_value(p)})" for network, p in tested if p < 0.05]
    return [f"By that mean, {listed(different) or 'no network'} is shown to differ from {control}."]


def _against_control(network: str, measured: Robustness) -> str:
    shown = [shift for shift, p_values in measured.p_corrected.items() if p_values.get(network, 1) < 0.05]
    control = measured.control
    better = [s for s in shown if measured.shifts[s][network].mean > measured.shifts[s][control].mean]
    worse = [s for s in shown if s not in better]
    parts = [f"better under {', '.join(better)}"] if better else []
    parts += [f"worse under {', '.join(worse)}"] if worse else []
    return f"{network} against {control}: {'; '.join(parts) or 'no difference is shown under any shift'}."


def _effect_in_points(effect: ModuleEffect) -> str:
    return f"{points(effect.estimate, 1, sign=True)} {brackets(effect.interval, digits=1)}"
