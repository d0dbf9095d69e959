"""How accuracy changed on each variant: the first question of the study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation, margin_in_words
from shiftassay.records import Record
from shiftassay.report.evaluation_page import accuracy_figure
from shiftassay.report.finding import Finding, Table
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.words.numbers import (
    DASH,
    mean_sd,
    p_cell,
    percent,
    percent_with_interval,
    points,
    points_with_interval,
    times,
)

KEY, TITLE, VERSION, PLACE = "accuracy", "Accuracy on each variant", 1, 20


@dataclass(frozen=True)
class EvaluatedMembers(Record):
    """The evaluations of each member, on clean and on every variant.

    `classes` is the number of classes.
    """

    evaluations: tuple[tuple[Evaluation, ...], ...]
    classes: int


def measure(context: StudyContext) -> EvaluatedMembers:
    return EvaluatedMembers(tuple(map(tuple, context.evaluations)), context.dataset.classes)


def findings(measured: EvaluatedMembers) -> list[Finding]:
    evaluations = measured.evaluations
    first, several = evaluations[0], len(evaluations) > 1
    by_set = list(zip(*evaluations, strict=True))
    effects = {rows[0].name: effect_over_seeds(rows) for rows in by_set[1:]}
    seeds = [[evaluation.accuracy.estimate for evaluation in group] for group in by_set]
    figure = accuracy_figure(
        first,
        seeds,
        measured.classes,
        "Accuracy of the first seed's model with its 95% interval"
        + (", and that of every seed (orange)" if several else "")
        + ". Dotted: clean; dashed: chance.",
    )
    numbers = {
        "evaluations": measured.to_json()["evaluations"],
        "effects": {name: effect.to_json() for name, effect in effects.items()},
    }
    sentences = tuple(f"{name} is {effect}." for name, effect in effects.items())
    tables = (_effects(by_set, effects), *([_tests(first)] if any(e.comparison for e in first) else []))
    return [Finding(KEY, TITLE, sentences, tables, (figure,), numbers)]


def summary(context: StudyContext) -> tuple[str, ...]:
    """What happened on clean and on each variant, in a line each."""
    clean, *shifted = context.evaluations[0]
    lines = [f"clean: {percent(clean.accuracy.estimate, 2)} right of {clean.n:,} images."]
    for evaluation, origin in zip(shifted, context.variants.origins, strict=True):
        name = evaluation.name if origin.startswith(evaluation.name) else f"{evaluation.name}, {origin}"
        effect = context.effects[evaluation.name]
        first = " with the model of training seed 0" if effect.seeds > 1 else ""
        lines.append(f"{name}: {percent(evaluation.accuracy.estimate, 2)}{first}. {_over_seeds(effect)}.")
    return tuple(lines)


def _over_seeds(effect: EffectOverSeeds) -> str:
    """The effect, of which the first seed's accuracy is only one part."""
    change = effect.comparison
    errors = "" if change.error_ratio is None else f", {times(change.error_ratio)} the errors"
    within = f" (shown to be within ±{100 * change.margin:g})" if change.equivalent else ""
    effect_and_seeds = f"Over {effect.seeds} training seeds {effect.effect}" if effect.seeds > 1 else effect.effect
    start = effect_and_seeds[0].upper() + effect_and_seeds[1:]
    return f"{start}{errors}, {points(change.difference.estimate, sign=True)} points{within}"


def _effects(by_set: Sequence[Sequence[Evaluation]], effects: Mapping[str, EffectOverSeeds]) -> Table:
    """Every set over all seeds."""
    count, rows = len(by_set[0]), []
    for evaluations in by_set:
        first, effect = evaluations[0], effects.get(evaluations[0].name)
        row = [first.name, f"{first.n:,}", percent_with_interval(first.accuracy)]
        row += [mean_sd([e.accuracy.estimate for e in evaluations], 100)] if count > 1 else []
        if effect is None:
            rows.append((*row, "", "", "reference"))
            continue
        ratio = effect.comparison.error_ratio
        errors = DASH if ratio is None else times(ratio)
        rows.append((*row, errors, points_with_interval(effect.comparison.difference, sign=True), effect.effect))
    over = f"{count} seeds" if count > 1 else "one seed"
    columns = ["set", "images", "accuracy, first seed [95%]" if count > 1 else "accuracy [95%]"]
    columns += [f"mean ± sd of {count} seeds"] if count > 1 else []
    columns += [f"errors, as a multiple of those on clean, {over} [95%]", f"change, points, {over} [95%]", "effect"]
    return Table(tuple(columns), tuple(rows), _how(by_set, count), words=("effect",))


def _how(by_set: Sequence[Sequence[Evaluation]], count: int) -> str:
    change = next((rows[0].comparison for rows in by_set if rows[0].comparison), None)
    if change is None:
        return "Wilson's intervals."
    seeds = (
        " Each seed's model is compared with itself on clean; the intervals are for new seeds and new images."
        if count > 1
        else ""
    )
    clean_errors = 1 - by_set[0][0].accuracy.estimate
    return (
        "Accuracies have Wilson's intervals. Changes on the same images have Tango's score intervals joined with exact "
        "ones, so that an interval excludes 0 exactly where McNemar's exact test rejects at 5%."
        f"{seeds} Slightly harmed: accuracy is shown to be lower, and by less than "
        f"{margin_in_words(change.margin, clean_errors, change.reference)}. The study's file sets this margin; the "
        "ratio of errors does not depend on it."
    )


def _tests(first: Sequence[Evaluation]) -> Table:
    """The tests of the first seed's model, image by image."""
    rows = [
        (
            evaluation.name,
            f"{evaluation.n:,}",
            f"{change.gained:,} / {change.lost:,}" if change.paired else "not paired",
            points_with_interval(change.difference, sign=True),
            p_cell(change.p_value),
            p_cell(change.equivalence_p),
            change.effect,
        )
        for evaluation in first
        if (change := evaluation.comparison) is not None
    ]
    return Table(
        ("set", "images", "gained / lost", "change, points [95%]", "McNemar p", "change < margin, p", "effect"),
        tuple(rows),
        "The first seed's model alone. McNemar's exact test, and two one-sided score tests against the margin.",
        words=("effect",),
        folded="The tests of the first seed's model",
    )
