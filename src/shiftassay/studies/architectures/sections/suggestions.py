"""Finding 6: the further work that the source suggests, as a factorial experiment.

It shows which factors matter, and which interact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftassay.errors import BadInput
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.factorial import Effect, analyze
from shiftassay.studies.architectures.experiment import Experiment, train_members
from shiftassay.studies.architectures.trainings import Training
from shiftassay.words.lists import listed
from shiftassay.words.numbers import number, p_cell, percent, points

KEY, TITLE, VERSION, PLACE = "suggestions", "Dropout, schedule, optimiser, epochs", 1, 70
MOST_INTERACTIONS = 3  # in the figure

Level = str | int | float
"""A value of a factor."""


@dataclass(frozen=True)
class FactorialRun(Record):
    """One combination of levels, trained once, and its accuracy on the held-out images."""

    network: str
    dropout: float
    schedule: str
    optimizer: Annotated[str, Field(alias="optimiser")]
    epochs: int
    accuracy: float

    @property
    def levels(self) -> dict[str, Level]:
        """The level of each factor."""
        return {key: level for key, level in self.to_json().items() if key != "accuracy" and isinstance(level, Level)}


@dataclass(frozen=True)
class Factorial(Record):
    """Every run, the levels of each factor, and what factors and pairs of them explain."""

    runs: tuple[FactorialRun, ...]
    levels: Mapping[str, tuple[Level, ...]]
    effects: tuple[Effect, ...]
    held_out: int

    @property
    def varied(self) -> list[str]:
        """The factors with several levels."""
        return [factor for factor, levels in self.levels.items() if len(levels) > 1]

    def accuracies(self, **levels: Level) -> list[float]:
        """The accuracies of all runs at these levels of these factors."""
        return [run.accuracy for run in self.runs if levels.items() <= run.levels.items()]


def measure(experiment: Experiment) -> Factorial:
    """Train every combination once, with its own seed, and judge it on held-out training images."""
    study, settings = experiment.study, experiment.study.suggestions
    if settings is None:
        raise BadInput("the study has no [suggestions].")
    levels: dict[str, tuple[Level, ...]] = {
        "network": settings.networks,
        "dropout": settings.dropout,
        "schedule": settings.schedules,
        "optimiser": tuple(settings.optimizers),
        "epochs": settings.epochs,
    }
    held_out = min(settings.held_out, len(experiment.dataset.train) // 4)
    combinations = product(
        settings.networks, settings.dropout, settings.schedules, settings.optimizers.items(), settings.epochs
    )
    runs = []
    for seed, (network, dropout, schedule, (optimizer, changes), epochs) in enumerate(combinations):
        recipe = replace(
            study.training_recipe(schedule=schedule, **changes),
            name=f"{optimizer}-{schedule}",
            epochs=epochs,
            held_out=held_out,
            validate_on_test=False,
        )
        note = f"dropout {dropout:g}, {recipe.name}"
        [member] = train_members(experiment, Training(network, (seed,), recipe, {"dropout": dropout}, note))
        accuracy = member.metrics[-1].validation_accuracy
        if accuracy is None:
            raise RuntimeError(f"{member.trial.name} was not validated on held-out images")
        runs.append(FactorialRun(network, dropout, schedule, optimizer, epochs, accuracy))
    varied = [factor for factor, values in levels.items() if len(values) > 1]
    response = [_log_error(run.accuracy, held_out) for run in runs]
    effects = analyze([{factor: run.levels[factor] for factor in varied} for run in runs], response)
    return Factorial(tuple(runs), levels, tuple(effects), held_out)


def findings(measured: Factorial) -> list[Finding]:
    figures = [
        Figure(
            "effects",
            {
                "factors": {
                    factor: {str(level): measured.accuracies(**{factor: level}) for level in measured.levels[factor]}
                    for factor in measured.varied or measured.levels
                }
            },
            "Mean accuracy at each level of each factor over all combinations of the others (small marks: the single "
            "trainings).",
        )
    ]
    if interactions := _interactions(measured.effects)[:MOST_INTERACTIONS]:
        figures.append(
            Figure(
                "interactions",
                {
                    "pairs": [
                        {"factors": effect.factors, "means": _cell_means(measured, *effect.factors)}
                        for effect in interactions
                    ]
                },
                "The strongest interactions: mean accuracy at each pair of levels. Lines that are not parallel "
                "interact.",
            )
        )
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (_table(measured),), tuple(figures), measured.to_json())]


def _log_error(accuracy: float, n: int) -> float:
    """The logarithm of the error rate, on which effects multiply and spread is even.

    Without any error, half an image counts as one.
    """
    return float(np.log(max(1 - accuracy, 0.5 / n)))


def _cell_means(measured: Factorial, first: str, second: str) -> dict[str, dict[str, float]]:
    """The mean accuracy by level of the second factor, then of the first."""
    return {
        str(b): {str(a): float(np.mean(measured.accuracies(**{first: a, second: b}))) for a in measured.levels[first]}
        for b in measured.levels[second]
    }


def _is_significant(effect: Effect) -> bool:
    return effect.p_corrected is not None and effect.p_corrected < 0.05


def _interactions(effects: Sequence[Effect]) -> list[Effect]:
    """The significant interactions of two factors, the strongest first."""
    interactions = [effect for effect in effects if len(effect.factors) == 2 and _is_significant(effect)]
    return sorted(interactions, key=lambda effect: -effect.share)


def _table(measured: Factorial) -> Table:
    """Every effect, the strongest first."""
    rows = tuple(
        (
            " × ".join(effect.factors),
            percent(effect.share, 1),
            number(effect.f, 1),
            str(effect.freedom),
            p_cell(effect.p_corrected),
        )
        for effect in sorted(measured.effects, key=lambda effect: -effect.share)
    )
    return Table(
        ("effect", "share of variance", "F", "degrees of freedom", "p, corrected"),
        rows,
        f"Analysis of variance of the logarithm of the error rate on {measured.held_out:,} held-out images, "
        f"{len(measured.runs)} trainings with a seed each, main effects and interactions of two; the residual variance "
        "is that of higher interactions and seeds. Holm's correction.",
    )


def _sentences(measured: Factorial) -> list[str]:
    runs, effects = measured.runs, measured.effects
    best, lowest = max(runs, key=lambda run: run.accuracy), min(run.accuracy for run in runs)
    mains = sorted((effect for effect in effects if len(effect.factors) == 1), key=lambda effect: -effect.share)
    interactions = [" × ".join(e.factors) for e in effects if len(e.factors) == 2 and _is_significant(e)]
    levels = ", ".join(f"{factor} {level}" for factor, level in best.levels.items())
    return [
        f"{len(runs)} trainings, every combination once, judged on {measured.held_out:,} held-out training images: "
        f"accuracy from {points(lowest)} to {percent(best.accuracy, 2)}{_largest(effects)}.",
        *(_main_effect(effect, measured) for effect in mains),
        f"Interactions that are shown: {listed(interactions) or 'none'}.",
        f"The best combination: {levels}. It is the best of {len(runs)}, and so optimistic.",
    ]


def _largest(effects: Sequence[Effect]) -> str:
    """The effect that explains most, if it is significant."""
    largest = max(effects, key=lambda effect: effect.share)
    if not _is_significant(largest):
        return ""
    share = percent(largest.share, 0)
    return f"; {' × '.join(largest.factors)} explains the largest part of the spread ({share} of the variance)"


def _main_effect(effect: Effect, measured: Factorial) -> str:
    """Whether a factor matters, and its best and worst level.

    They are judged by the response that was analyzed.
    """
    [factor] = effect.factors
    by_level = {level: measured.accuracies(**{factor: level}) for level in measured.levels[factor]}
    errors = {
        level: np.mean([_log_error(accuracy, measured.held_out) for accuracy in accuracies])
        for level, accuracies in by_level.items()
    }
    best, worst = min(errors, key=lambda level: errors[level]), max(errors, key=lambda level: errors[level])
    verdict = "was varied" if effect.p_corrected is None else "is not shown to matter"
    if _is_significant(effect):
        verdict = "matters"
    return (
        f"{factor.capitalize()} {verdict} ({percent(effect.share, 0)} of the variance): {best} has "
        f"{percent(float(np.mean(by_level[best])), 2)} on average, {worst} "
        f"{percent(float(np.mean(by_level[worst])), 2)}."
    )
