"""Finding 6: what the source suggests as further work, as one factorial experiment: what matters, and what interacts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.factorial import analyse
from shiftassay.studies.architectures.lab import Lab, Members
from shiftassay.words.numbers import p_cell

KEY, TITLE, VERSION, PLACE = "suggestions", "Dropout, schedule, optimiser, epochs", 1, 70
FACTORS = ("network", "dropout", "schedule", "optimiser", "epochs")


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    """Train every combination once, each with a seed of its own, and judge it on training images that were held out."""
    asked = lab.study.suggestions
    if asked is None:
        raise BadInput("the study has no [suggestions].")
    runs = []
    held_out = min(asked.held_out, len(lab.dataset.train) // 4)
    levels = (asked.networks, asked.dropout, asked.schedules, tuple(asked.optimizers), asked.epochs)
    for seed, combination in enumerate(product(*levels)):
        network, dropout, schedule, optimizer, epochs = combination
        recipe = replace(
            lab.recipe(schedule=schedule, **asked.optimizers[optimizer]),
            name=f"{optimizer}-{schedule}",
            epochs=epochs,
            held_out=held_out,
            validate_on_test=False,
        )
        [member] = lab.train(
            network, [seed], parameters={"dropout": dropout}, recipe=recipe, what=f"dropout {dropout:g}, {recipe.name}"
        )
        runs.append({**dict(zip(FACTORS, combination, strict=True)), "accuracy": member.metrics[-1].validation_accuracy})  # fmt: skip
    varied = [factor for factor, values in zip(FACTORS, levels, strict=True) if len(values) > 1]
    response = [_log_error(run["accuracy"], held_out) for run in runs]
    effects = analyse([{factor: run[factor] for factor in varied} for run in runs], response)
    return {
        "runs": runs,
        "levels": dict(zip(FACTORS, map(list, levels), strict=True)),
        "effects": [effect.to_json() for effect in effects],
        "held_out": held_out,
    }


def finding(found: dict[str, Any]) -> Finding:
    effects, runs, levels = found["effects"], found["runs"], found["levels"]
    varied = [factor for factor in FACTORS if len(levels[factor]) > 1]
    best = max(runs, key=lambda run: run["accuracy"])
    said = [
        f"{len(runs)} trainings, every combination once, judged on {found['held_out']:,} held-out training images: "
        f"accuracy from {100 * min(run['accuracy'] for run in runs):.2f} to {100 * best['accuracy']:.2f}%{_most(effects)}.",
        *_sentences(effects, runs, levels, found["held_out"]),
        f"The best combination: {', '.join(f'{factor} {best[factor]}' for factor in FACTORS)}. It is the best of {len(runs)}, and so optimistic.",
    ]
    figures = [
        Figure(
            "effects",
            {"factors": {factor: _means(runs, factor, levels[factor]) for factor in varied or FACTORS}},
            "Mean accuracy at each level of each factor over all combinations of the others (small marks: the single trainings).",
        )
    ]
    pairs = _interacting(effects)
    if pairs:
        figures.append(
            Figure(
                "interactions",
                {"pairs": [{"factors": pair, "means": _cells(runs, pair, levels)} for pair in pairs]},
                "The strongest interactions: mean accuracy at each pair of levels. Lines that are not parallel interact.",
            )
        )
    return Finding(KEY, TITLE, tuple(said), (_table(effects),), tuple(figures), found)


def _log_error(accuracy: float | None, n: int) -> float:
    """The logarithm of the error rate, on which effects multiply and spread is even; half an image stands for none."""
    assert accuracy is not None
    return float(np.log(max(1 - accuracy, 0.5 / n)))


def _means(runs: Sequence[dict[str, Any]], factor: str, levels: Sequence[Any]) -> dict[str, list[float]]:
    return {str(level): [run["accuracy"] for run in runs if run[factor] == level] for level in levels}


def _cells(
    runs: Sequence[dict[str, Any]], pair: Sequence[str], levels: dict[str, list[Any]]
) -> dict[str, dict[str, float]]:
    first, second = pair
    return {
        str(b): {
            str(a): float(np.mean([run["accuracy"] for run in runs if run[first] == a and run[second] == b]))
            for a in levels[first]
        }
        for b in levels[second]
    }


def _interacting(effects: Sequence[dict[str, Any]], most: int = 3) -> list[list[str]]:
    found = [effect for effect in effects if len(effect["factors"]) == 2 and _shown(effect)]
    return [effect["factors"] for effect in sorted(found, key=lambda effect: -effect["share"])[:most]]


def _shown(effect: dict[str, Any]) -> bool:
    return effect["p_corrected"] is not None and effect["p_corrected"] < 0.05


def _most(effects: Sequence[dict[str, Any]]) -> str:
    """What makes most of that, if anything is shown to."""
    largest = max(effects, key=lambda effect: effect["share"])
    if not _shown(largest):
        return ""
    return f"; {' × '.join(largest['factors'])} explains the largest part of the spread ({100 * largest['share']:.0f}% of the variance)"


def _table(effects: Sequence[dict[str, Any]]) -> Table:
    return Table(
        ("effect", "share of variance", "F", "degrees of freedom", "p, corrected"),
        tuple(
            (
                " × ".join(effect["factors"]),
                f"{100 * effect['share']:.1f}%",
                "–" if effect["f"] is None else f"{effect['f']:.1f}",
                str(effect["freedom"]),
                p_cell(effect["p_corrected"]),
            )
            for effect in sorted(effects, key=lambda effect: -effect["share"])
        ),
        "Analysis of variance of the logarithm of the error rate, main effects and interactions of two; what is left is what higher "
        "interactions and seeds make. Holm's correction.",
    )


def _sentences(
    effects: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]], levels: dict[str, list[Any]], images: int
) -> list[str]:
    said = []
    for effect in sorted((e for e in effects if len(e["factors"]) == 1), key=lambda e: -e["share"]):
        [factor] = effect["factors"]
        by_level = _means(runs, factor, levels[factor])
        means = {level: float(np.mean(values)) for level, values in by_level.items()}
        errors = {level: np.mean([_log_error(value, images) for value in values]) for level, values in by_level.items()}
        best, worst = min(errors, key=lambda k: errors[k]), max(errors, key=lambda k: errors[k])
        spread = f"{best} has {100 * means[best]:.2f}% on average, {worst} {100 * means[worst]:.2f}%"
        matters = (
            "matters"
            if _shown(effect)
            else "is not shown to matter"
            if effect["p_corrected"] is not None
            else "was varied"
        )
        said.append(f"{factor.capitalize()} {matters} ({100 * effect['share']:.0f}% of the variance): {spread}.")
    interacting = [
        " × ".join(effect["factors"]) for effect in effects if len(effect["factors"]) == 2 and _shown(effect)
    ]
    said.append("Interactions that are shown: " + (", ".join(interacting) if interacting else "none") + ".")
    return said
