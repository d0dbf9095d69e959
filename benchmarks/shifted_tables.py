"""The README's tables of studies of shifted test sets."""

from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.markdown import markdown

from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation, margin_in_words
from shiftassay.repairs.result import Attempt
from shiftassay.runs.environment import Environment
from shiftassay.statistics.intervals import wilson
from shiftassay.statistics.paired import difference_paired, ratio_paired
from shiftassay.studies.shifted.answered_variant import VariantOutcome
from shiftassay.studies.shifted.sections.outcomes import COLUMNS
from shiftassay.studies.shifted.served_sentences import chosen_design, why_chosen
from shiftassay.studies.shifted.served_variants import ServedVariants
from shiftassay.studies.shifted.serving import FRESH
from shiftassay.words.lists import plural
from shiftassay.words.numbers import DASH, mean_sd, number, points, points_with_interval, times

Results = dict[str, Any]
"""A file of docs/results: each has keys of its own."""


def model_table(results: Results) -> str:
    validation = [member["validation_accuracy"] for member in results["members"]]
    clean = [Evaluation.from_json(member["evaluations"][0]) for member in results["members"]]
    test, first = [evaluation.accuracy.estimate for evaluation in clean], clean[0]
    seconds = [_environment(member)["seconds"] for member in results["members"]]
    rows = [
        (f"{results['recipe']['held_out']:,} held-out training images", mean_sd(validation, 100), spread(validation)),
        (f"{first.n:,} test images", mean_sd(test, 100), spread(test)),
    ]
    made = Environment.from_json(results["environment"])
    note = (
        f"*{len(test)} seeds; {number(np.median(seconds), 0)} s of training each, "
        f"{plural(made.threads or 0, 'thread')}, {made.processor}; `{results['command']}`.*"
    )
    return markdown(("accuracy on", "mean ± sd over seeds", "lowest to highest"), rows) + f"\n\n{note}"


def variants_table(results: Results) -> str:
    """What happened to accuracy on each set: errors first, then points, over all seeds."""
    rows, effects = [], effects_of(results)
    for place, image_set in enumerate(results["sets"]):
        of_seeds = [Evaluation.from_json(member["evaluations"][place]) for member in results["members"]]
        first, effect = of_seeds[0], effects.get(image_set["name"])
        row = [image_set["name"], image_set["origin"], points_with_interval(first.accuracy)]
        row.append(mean_sd([evaluation.accuracy.estimate for evaluation in of_seeds], 100))
        if effect is None:
            rows.append((*row, "", "", "reference"))
            continue
        change = effect.comparison
        ratio = DASH if change.error_ratio is None else times(change.error_ratio)
        rows.append((*row, ratio, points_with_interval(change.difference, sign=True), effect.effect))
    some = next(iter(effects.values()))
    seeds = f"{some.seeds} seeds"
    columns = (
        "set",
        "what it is",
        "accuracy, seed 0, % [95%]",
        f"{seeds}, mean ± sd",
        f"errors, as a multiple of those on clean, {seeds} [95%]",
        f"change, points, {seeds} [95%]",
        "effect",
    )
    margin = margin_in_words(some.comparison.margin, some.reference_errors, some.comparison.reference)
    note = (
        f"*{some.images:,} images of each set. Each training seed's model is compared with itself on clean; intervals "
        "allow for other training seeds and other images. Slightly harmed: accuracy is shown to be lower, and by less "
        f"than {margin}, a margin that the study's file sets; `{results['command']}`.*"
    )
    return markdown(columns, rows) + f"\n\n{note}"


def answers_table(results: Results) -> str:
    """What happened to each variant, why, and what can be done."""
    rows, effects = [], effects_of(results)
    for row in results["answers"]:
        outcome = VariantOutcome.from_json(row)
        repair = results["argument"]["repairs"][outcome.variant]
        chosen = next((a for a in repair["attempts"] if a["strategy"] == repair["recommended"] != "none"), None)
        attempt = None if chosen is None else Attempt.from_json(chosen)
        outcome = replace(
            outcome,
            effect=effects[outcome.variant],
            change=attempt.deciding if attempt else None,
            on_file=attempt.variant if attempt and attempt.attacked else None,
        )
        rows.append(outcome.cells)
    note = (
        "*The effect is over all training seeds; the rest is of training seed 0. Each repair was made twice, fitted to "
        "one half of the images and judged on the other, so that all are judged. Before and after are of the same "
        f"images; a fresh attack is made on either model in the same way. `{results['command']}`.*"
    )
    return markdown(COLUMNS, rows) + f"\n\n{note}"


def effects_of(results: Results) -> dict[str, EffectOverSeeds]:
    """What happened to accuracy on each variant, from the evaluations of every seed."""
    members = [[_evaluation(row) for row in member["evaluations"]] for member in results["members"]]
    return {rows[0].name: effect_over_seeds(rows) for rows in list(zip(*members, strict=True))[1:]}


def one_for_all_table(results: Results) -> str:
    """What each design of one model for all variants reaches on each of them, and which to take."""
    served = _served(results["argument"]["one_for_all"], results["recipe"]["held_out"])
    columns = list(next(iter(served.designs.values())).accuracy)
    rows = [
        (
            name,
            *(points_with_interval(design.accuracy[column], 1) for column in columns),
            f"{design.parameters:,}",
            f"{design.for_one_more:,}",
        )
        for name, design in served.designs.items()
    ]
    attacked = served.attacked or served.asked  # results of earlier versions attacked as many as were asked
    headings = (f"{column}, {attacked:,} images" if column.endswith(FRESH) else column for column in columns)
    router = "; ".join(f"{name} {points_with_interval(right, 1)}" for name, right in served.router.accuracy.items())
    note = (
        f"{why_chosen(served, chosen_design(served))}\n\n"
        f"*Accuracy, % [95%, for new seeds and new images], {served.images:,} images but for the fresh attack, mean "
        f"over {served.seeds} seeds of {served.epochs} epochs each. If the set is not told, a small network guesses it "
        f"from the image; on {served.asked:,} images of each it is right on, %: {router}. `{results['command']}`.*"
    )
    return markdown(("design", *headings, "parameters", "parameters for one more set"), rows) + f"\n\n{note}"


def _evaluation(row: Results) -> Evaluation:
    """An evaluation whose comparison is worked out from its counts, whichever commit wrote them."""
    evaluation = Evaluation.from_json(row)
    change, n = evaluation.comparison, evaluation.n
    if change is None or change.gained is None or change.lost is None:
        return evaluation
    ratio = ratio_paired(change.gained, change.lost, n - evaluation.correct - change.lost, n)
    change = replace(change, difference=difference_paired(change.gained, change.lost, n), error_ratio=ratio)
    return replace(evaluation, comparison=change)


def _served(content: Results, held_out: int) -> ServedVariants:
    """What the table needs of one model for all variants; earlier results have less of the rest."""
    rest = {"environment": {"seconds": []}, "minus": {}, "minus_specialists": None, "wrong_id": None, "inferred": None}
    router = {
        name: right if isinstance(right, dict) else wilson(round(right * content["asked"]), content["asked"]).to_json()
        for name, right in content["router"]["accuracy"].items()
    }
    return ServedVariants.from_json(
        {
            "held_out_images": held_out,
            **content,
            "designs": {name: {**design, **rest} for name, design in content["designs"].items()},
            "router": {**content["router"], "accuracy": router},
        }
    )


def spread(shares: list[float]) -> str:
    return f"{points(min(shares))} to {points(max(shares))}"


def _environment(row: Results) -> Results:
    """Where times stand in results: apart from what two equal runs have in common; older files have them beside it."""
    return row.get("environment", row)
