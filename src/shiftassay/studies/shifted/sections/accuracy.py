"""How accuracy changed on each variant: the first question of the study."""

from dataclasses import dataclass

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.words.numbers import mean_sd, p_cell, percent, percent_with_interval, points_with_interval

KEY, TITLE, VERSION, PLACE = "accuracy", "Accuracy on each variant", 1, 20
COLUMNS = (
    "set",
    "accuracy [95%]",
    "change, points [95%]",
    "gained / lost",
    "McNemar p",
    "change < margin, p",
    "verdict",
)
VERDICTS = {
    "equivalent": "no change that matters",
    "undecided": "neither a change nor its absence can be shown",
    "lower": "accuracy is lost",
    "higher": "accuracy is gained",
}


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
    seeds = [[evaluation.accuracy.estimate for evaluation in group] for group in zip(*evaluations, strict=True)]
    columns: list[str] = list(COLUMNS)
    rows = [list(_row(evaluation)) for evaluation in first]
    if several:
        columns.insert(2, f"mean ± sd of {len(evaluations)} seeds")
        for row, values in zip(rows, seeds, strict=True):
            row.insert(2, mean_sd(values, 100))
    comparison = next((evaluation.comparison for evaluation in first if evaluation.comparison), None)
    tests = (
        "Wilson intervals for accuracy, bootstrap intervals over images for the change (Newcombe's where images are "
        f"not paired); McNemar's exact test; an equivalence test with a margin of ±{100 * comparison.margin:g} points "
        "(small p: equal for practical purposes)."
        if comparison
        else ""
    )
    table = Table(tuple(columns), tuple(map(tuple, rows)), tests + " The model is that of the first seed.")
    figure = Figure(
        "accuracy",
        {
            "names": [evaluation.name for evaluation in first],
            "estimate": [evaluation.accuracy.estimate for evaluation in first],
            "low": [evaluation.accuracy.low for evaluation in first],
            "high": [evaluation.accuracy.high for evaluation in first],
            "seeds": seeds,
            "chance": 1 / measured.classes,
        },
        "Accuracy of the first seed's model with its 95% interval"
        + (", and that of every seed (orange)" if several else "")
        + ". Dotted: clean; dashed: chance.",
    )
    numbers = {"evaluations": measured.to_json()["evaluations"]}
    return [Finding(KEY, TITLE, tuple(map(str, first[1:])), (table,), (figure,), numbers)]


def summary(context: StudyContext) -> tuple[str, ...]:
    """What happened on clean and on each variant, in a line each."""
    clean, *shifted = context.evaluations[0]
    lines = [f"clean: {percent(clean.accuracy.estimate, 2)} right."]
    for evaluation, origin in zip(shifted, context.variants.origins, strict=True):
        name = evaluation.name if origin.startswith(evaluation.name) else f"{evaluation.name}, {origin}"
        verdict = f", {VERDICTS[evaluation.comparison.verdict]}" if evaluation.comparison else ""
        lines.append(f"{name}: {percent(evaluation.accuracy.estimate, 2)}{verdict}.")
    return tuple(lines)


def _row(evaluation: Evaluation) -> tuple[str, ...]:
    change = evaluation.comparison
    accuracy = percent_with_interval(evaluation.accuracy)
    if change is None:
        return evaluation.name, accuracy, "", "", "", "", "reference"
    counts = f"{change.gained:,} / {change.lost:,}" if change.paired else "not paired"
    tests = (p_cell(change.p_value), p_cell(change.equivalence_p))
    difference = points_with_interval(change.difference, sign=True)
    return evaluation.name, accuracy, difference, counts, *tests, change.verdict
