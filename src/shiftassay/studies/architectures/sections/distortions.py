"""Finding 7a: the test that fits a spatial module: trained and tested on distorted images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool
from pydantic import model_validator

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.runs.recipe import Recipe
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.paired import mcnemar
from shiftassay.statistics.seeds import paired
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images, mean_over_seeds_and_images
from shiftassay.studies.architectures.experiment import Experiment, train_members
from shiftassay.studies.architectures.members import correct_after_last_epoch, labels_of
from shiftassay.studies.architectures.module_effects import (
    ModuleEffect,
    ModulesByNetwork,
    effects_by_quantity,
    effects_sentence,
    effects_table,
    modules_of_members,
    modules_of_registered,
)
from shiftassay.studies.architectures.trainings import Training
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, p_value, percent, points

KEY, TITLE, VERSION, PLACE = "distortions", "The test that fits: distorted digits", 2, 80
SAMPLES = 10
MEAN = "mean over the data sets"
OURS = "Where it does not specify a distortion, such as how far the corners of projective digits move, we chose."


@dataclass(frozen=True)
class Errors(Record):
    """A network's error rate by seed, with the 95% interval of the mean.

    The interval is for new seeds and new images.
    """

    errors: tuple[float, ...]
    interval: tuple[float, float]

    @property
    def mean(self) -> float:
        return float(np.mean(self.errors))


@dataclass(frozen=True)
class ErrorDifference(Record):
    """A network's error rate minus the control's, on one data set.

    The interval is for new seeds and new images; the p-value is over seeds, paired, and Holm's correction over all
    data sets.
    """

    network: str
    difference: float
    interval: tuple[float, float]
    p: float
    p_corrected: float | None = None

    @property
    def is_significant(self) -> bool:
        return self.p_corrected is not None and self.p_corrected < 0.05


@dataclass(frozen=True)
class DistortedResults(Record):
    """The error rates of all networks on one data set.

    With them, the shape of an image (c, h, w) and the number of training images; that of test images is None in results
    that do not say.
    """

    shape: tuple[int, int, int]
    images: int
    networks: Mapping[str, Errors]
    against_control: tuple[ErrorDifference, ...]
    test_images: int | None = None

    @property
    def different(self) -> tuple[ErrorDifference, ...]:
        """The networks that are shown to differ from the control."""
        return tuple(row for row in self.against_control if row.is_significant)


@dataclass(frozen=True)
class Distortions(Record):
    """Every data set's results, beside those that a source reports.

    `reported` holds error rates in percent by data set and by what reached them. `samples` is the file of the first
    test images, `names` the arrays in it.
    """

    datasets: Mapping[str, DistortedResults]
    reported: Mapping[str, Mapping[str, float]]
    epochs: int
    seeds: int
    recipe: Recipe
    control: str
    samples: str
    names: tuple[str, ...]
    source: str
    modules: ModulesByNetwork

    @cached_property
    def effects(self) -> Mapping[str, tuple[ModuleEffect, ...]]:
        """What each module does to the mean error over the data sets, and to that on each."""
        errors = {
            name: {network: row.errors for network, row in result.networks.items()}
            for name, result in self.datasets.items()
        }
        mean = {
            network: np.mean([errors[name][network] for name in errors], axis=0).tolist() for network in self.modules
        }
        return effects_by_quantity({MEAN: mean, **errors}, self.modules, largest=1.0)

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, content: Any) -> Any:
        """Results of version 1 have p-values of unpaired seeds, and do not name the modules."""
        if "modules" in content:
            return content
        results = {name: DistortedResults.from_json(result) for name, result in content["datasets"].items()}
        again = {name: _paired_again(result, content["control"]) for name, result in results.items()}
        networks = list(next(iter(results.values())).networks)
        return {**content, "datasets": _corrected(again), "modules": modules_of_registered(networks)}


def measure(experiment: Experiment) -> Distortions:
    study, settings = experiment.study, experiment.study.distortions
    if settings is None:
        raise BadInput("the study has no [distortions].")
    recipe = replace(
        study.training_recipe(**settings.recipe), name="distorted", epochs=settings.epochs, validate_on_test=False
    )
    results, samples = {}, {"plain": experiment.dataset.test.images[:SAMPLES]}
    for name in settings.datasets:
        whole = named_dataset(name)
        dataset = Dataset(name, whole.train.first(settings.images), whole.test)
        samples[name] = dataset.test.images[:SAMPLES]
        correct = {}
        for network in study.networks:
            training = Training(network, tuple(range(settings.seeds)), recipe, note=name)
            members = train_members(experiment, training, dataset)
            correct[network] = correct_after_last_epoch(members, labels_of(dataset.test))
        results[name] = DistortedResults(
            shape=dataset.train.shape,
            images=len(dataset.train),
            networks={network: _errors(right) for network, right in correct.items()},
            against_control=_differences(study.control, correct),
            test_images=len(dataset.test),
        )
    return Distortions(
        datasets=_corrected(results),
        reported={name: reported for name, reported in settings.reported.items() if name in results},
        epochs=settings.epochs,
        seeds=settings.seeds,
        recipe=recipe,
        control=study.control,
        samples=experiment.measurements.keep("distortions.safetensors", samples),
        names=tuple(samples),
        source=settings.source,
        modules=modules_of_members(experiment.members),
    )


def findings(measured: Distortions) -> list[Finding]:
    datasets = measured.datasets
    networks = list(next(iter(datasets.values())).networks)
    numbers = {key: value for key, value in measured.to_json().items() if key not in ("samples", "names")}
    figures = (
        Figure(
            "samples", {"file": measured.samples, "names": measured.names}, "The first test images of each data set."
        ),
        Figure(
            "matrix",
            {
                "rows": list(datasets),
                "columns": networks,
                "values": [[result.networks[network].mean for network in networks] for result in datasets.values()],
                "scale": 100,
                "format": ".2f",
                "reverse": True,
            },
            "Test error, %, trained and tested on each data set.",
        ),
    )
    tables = (_table(measured), *([_effects(measured)] if measured.effects else []))
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), tables, figures, numbers)]


def _errors(correct: Bool[np.ndarray, "seeds n"]) -> Errors:
    accuracy = mean_over_seeds_and_images(correct)
    return Errors(tuple((1 - correct.mean(1)).tolist()), (1 - accuracy.high, 1 - accuracy.low))


def _differences(control: str, correct: Mapping[str, Bool[np.ndarray, "seeds n"]]) -> tuple[ErrorDifference, ...]:
    """Each network's error rate minus the control's.

    It is tested over seeds, which are the same ones, or image by image if there is a single seed.
    """
    differences, other = [], correct[control]
    for name, right in correct.items():
        if name == control:
            continue
        tested = paired(right.mean(1), other.mean(1), resolution=1 / right.shape[1])
        gained, lost = int((right[0] & ~other[0]).sum()), int((~right[0] & other[0]).sum())
        p = tested.p_value if tested else mcnemar(gained, lost)
        interval = difference_over_seeds_and_images(~right, ~other)
        differences.append(ErrorDifference(name, interval.estimate, (interval.low, interval.high), p))
    return tuple(differences)


def _paired_again(result: DistortedResults, control: str) -> DistortedResults:
    """The results with p-values over seeds that are paired, from the stored error rates."""
    errors = {network: row.errors for network, row in result.networks.items()}
    tests = [paired(errors[row.network], errors[control]) for row in result.against_control]
    rows = [
        replace(row, p=test.p_value if test else row.p) for row, test in zip(result.against_control, tests, strict=True)
    ]
    return replace(result, against_control=tuple(rows))


def _corrected(results: Mapping[str, DistortedResults]) -> dict[str, DistortedResults]:
    p_values = iter(holm([row.p for result in results.values() for row in result.against_control]))
    return {
        name: replace(
            result, against_control=tuple(replace(row, p_corrected=next(p_values)) for row in result.against_control)
        )
        for name, result in results.items()
    }


def _table(measured: Distortions) -> Table:
    datasets, recipe = measured.datasets, measured.recipe
    first = next(iter(datasets.values()))
    rows = []
    for network in first.networks:
        errors = [result.networks[network] for result in datasets.values()]
        rows.append((network, *(f"{mean_sd(row.errors, 100, 2)} {brackets(row.interval)}" for row in errors)))
    sources = list(dict.fromkeys(source for reported in measured.reported.values() for source in reported))
    for source in sources:
        rates = [measured.reported.get(name, {}).get(source) for name in datasets]
        rows.append((f"{source}, as reported", *(DASH if rate is None else str(rate) for rate in rates)))
    sizes = [f"{name}, {result.shape[1]} × {result.shape[2]}" for name, result in datasets.items()]
    tested_on = f" of {first.test_images:,} images" if first.test_images else ""
    by = "over seeds, paired" if measured.seeds > 1 else "image by image (McNemar)"
    caption = (
        f"Test error, %{tested_on}, after {measured.epochs} epochs on {first.images:,} distorted training images: mean "
        f"± sd over {plural(measured.seeds, 'seed')}, and the mean's 95% interval for new seeds and new images; "
        f"learning rate {recipe.learning_rate:g}, momentum {recipe.momentum:g}, {recipe.schedule.replace('_', ' ')}. "
        f"Differences from {measured.control} are tested {by}, with Holm's correction for all data sets."
    )
    if sources:
        caption += f" As reported: {measured.source}. {OURS}"
    return Table(("network", *sizes), tuple(rows), caption)


def _effects(measured: Distortions) -> Table:
    images = next(iter(measured.datasets.values())).test_images
    of = f", each measured on the same {images:,} images of each data set" if images else ""
    return effects_table(measured.effects, "error, points", _effect_in_points, of)


def _effect_in_points(effect: ModuleEffect) -> str:
    return f"{points(effect.estimate, 1, sign=True)} {brackets(effect.interval, digits=1)}"


def _sentences(measured: Distortions) -> list[str]:
    sentences = [_summary(measured)]
    if measured.effects:
        error = f"the error on distorted digits ({MEAN})"
        effects = effects_sentence(measured.effects[MEAN], error, "changes by", _effect_in_points, " points")
        sentences = [f"{effects} {sentences[0]}"]
    for name, result in measured.datasets.items():
        parts = [f"{name}: {measured.control} errs on {percent(result.networks[measured.control].mean, 2)}"]
        for direction, sign in (("fewer", -1), ("more", 1)):
            rows = [row for row in result.different if sign * row.difference > 0]
            if rows:
                parts.append(f"{direction} errors are shown for " + ", ".join(map(_tested_difference, rows)))
        if not result.different:
            parts.append("no network is shown to differ from it")
        sentences.append("; ".join(parts) + ".")
    if measured.seeds == 1:
        sentences.append("One seed each: these comparisons are of single models, image by image, not of architectures.")
    return sentences


def _tested_difference(row: ErrorDifference) -> str:
    p = "" if row.p_corrected is None else f", p {p_value(row.p_corrected)}"
    return f"{row.network} ({points(row.difference, sign=True)} points{p})"


def _summary(measured: Distortions) -> str:
    """Which networks make fewer or more errors than the control, and where."""
    parts = []
    for direction, sign in (("fewer", -1), ("more", 1)):
        pairs = [
            f"{row.network} on {name} ({points(row.difference, 1, sign=True)} points)"
            for name, result in measured.datasets.items()
            for row in result.different
            if sign * row.difference > 0
        ]
        if pairs:
            parts.append(f"{direction} errors are shown for {listed(pairs)}")
    if not parts:
        return f"Trained and tested on distorted digits, no network is shown to differ from {measured.control}."
    return f"Trained and tested on distorted digits, against {measured.control}: {'; '.join(parts)}."
