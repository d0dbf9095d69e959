"""How well a model does on image sets, as a page."""

from collections.abc import Mapping, Sequence

from shiftassay.evaluation.agreement import Agreement
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.report.finding import Card, Figure, Finding, Report, Table, Tone
from shiftassay.report.provenance import made_of
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, p_cell, percent, percent_with_interval, points_with_interval, times

MOST_CLASSES = 20  # whose recalls can be read off a figure


def report(evaluations: Sequence[Evaluation], agreements: Sequence[Agreement], about: Mapping[str, str]) -> Report:
    """Accuracies on all sets, or without labels the agreement with the answers to the first."""
    findings = [*([_accuracies(evaluations)] if evaluations else []), *([_agreed(agreements)] if agreements else [])]
    if evaluations:
        findings.append(_classes(evaluations))
    n = max([evaluation.n for evaluation in evaluations] + [agreement.n for agreement in agreements])
    return Report(
        _title(evaluations, agreements),
        "Accuracy with its 95% interval; each further set is compared with the first, image by image where they are "
        "the same images."
        if evaluations
        else "Without labels: on how many images the answer is that to the first set.",
        (),
        tuple(findings),
        made_of(about),
        facts=("evaluation", f"{n:,} images"),
        cards=(*map(_card, evaluations), *map(_card_of_agreement, agreements)),
    )


def _title(evaluations: Sequence[Evaluation], agreements: Sequence[Agreement]) -> str:
    compared = [evaluation for evaluation in evaluations if evaluation.comparison is not None]
    if agreements:
        return f"The same answers for {listed([f'{percent(a.share.estimate, 1)} of {a.name}' for a in agreements])}"
    if not compared:
        first = evaluations[0]
        return f"{percent(first.accuracy.estimate, 1)} right of {first.n:,} images"
    lower = [e.name for e in compared if e.comparison and "harmed" in e.comparison.effect]
    if lower:
        return f"Accuracy is lower on {listed(lower)}"
    return f"No loss of accuracy is shown on {listed([evaluation.name for evaluation in compared])}"


def _card(evaluation: Evaluation) -> Card:
    change = evaluation.comparison
    detail = f"{percent_with_interval(evaluation.accuracy)} of {evaluation.n:,} images"
    if change is None:
        return Card(evaluation.name, percent(evaluation.accuracy.estimate, 1), detail)
    harmed = "harmed" in change.effect
    tone: Tone = "bad" if harmed else "good" if change.equivalent else "plain"
    changed = f"{change.effect}: {points_with_interval(change.difference, sign=True)} points"
    return Card(evaluation.name, percent(evaluation.accuracy.estimate, 1), f"{detail}; {changed}", tone)


def _card_of_agreement(agreement: Agreement) -> Card:
    detail = f"the same answers as {agreement.reference}: {percent_with_interval(agreement.share)} of {agreement.n:,}"
    return Card(agreement.name, percent(agreement.share.estimate, 1), detail)


def _accuracies(evaluations: Sequence[Evaluation]) -> Finding:
    columns = ("set", "images", "accuracy", "errors beside the first", "change, points", "lost / gained", "p", "effect")
    rows = []
    for evaluation in evaluations:
        row = (evaluation.name, f"{evaluation.n:,}", percent_with_interval(evaluation.accuracy))
        change = evaluation.comparison
        if change is None:
            rows.append((*row, DASH, DASH, DASH, DASH, "reference"))
            continue
        rows.append(
            (
                *row,
                DASH if change.error_ratio is None else times(change.error_ratio),
                points_with_interval(change.difference, sign=True),
                f"{change.lost:,} / {change.gained:,}" if change.lost is not None else "not paired",
                p_cell(change.p_value),
                change.effect,
            )
        )
    seeds = [[evaluation.accuracy.estimate] for evaluation in evaluations]
    shown = "Accuracy with its 95% interval. Dotted: the first set; dashed: chance."
    figure = accuracy_figure(evaluations, seeds, len(evaluations[0].recall), shown)
    caption = "Intervals of 95%. McNemar's exact test says whether accuracy differs on the same images."
    table = Table(columns, tuple(rows), caption, words=("effect",))
    return Finding("accuracy", "Accuracy", tuple(map(str, evaluations)), (table,), (figure,))


def accuracy_figure(
    evaluations: Sequence[Evaluation], seeds: Sequence[Sequence[float]], classes: int, caption: str
) -> Figure:
    """Accuracy on each set with its interval, the accuracies of all training seeds, and chance."""
    return Figure(
        "accuracy",
        {
            "names": [evaluation.name for evaluation in evaluations],
            "estimate": [evaluation.accuracy.estimate for evaluation in evaluations],
            "low": [evaluation.accuracy.low for evaluation in evaluations],
            "high": [evaluation.accuracy.high for evaluation in evaluations],
            "seeds": seeds,
            "chance": 1 / classes,
        },
        caption,
    )


def _classes(evaluations: Sequence[Evaluation]) -> Finding:
    known = next((e.classes for e in evaluations if e.classes is not None), None)
    count = len(evaluations[0].recall)
    names = [known[label] if known is not None and label < len(known) else str(label) for label in range(count)]
    rows = tuple(
        (name, *(DASH if (recall := e.recall[label]) is None else percent(recall, 1) for e in evaluations))
        for label, name in enumerate(names)
    )
    columns = ("class", *(f"recall on {evaluation.name}" for evaluation in evaluations))
    table = Table(
        columns, rows, "The share of each class's images that is right.", folded=plural(count, "class", "classes")
    )
    figures = (
        Figure(
            "recall",
            {"names": [e.name for e in evaluations], "recall": [list(e.recall) for e in evaluations]},
            "Recall of each class, %.",
        ),
        Figure(
            "confusions",
            {
                "names": [e.name for e in evaluations],
                "matrices": [[list(row) for row in e.confusion] for e in evaluations],
            },
            "Rows are true classes, columns the answers; darker is a larger share of the class.",
        ),
    )
    return Finding("classes", "Class by class", (), (table,), figures if count <= MOST_CLASSES else ())


def _agreed(agreements: Sequence[Agreement]) -> Finding:
    rows = tuple((a.name, a.reference, f"{a.n:,}", percent_with_interval(a.share)) for a in agreements)
    table = Table(("set", "reference", "images", "the same answers"), rows, "Intervals of 95%.", words=("reference",))
    return Finding("agreement", "Agreement", tuple(map(str, agreements)), (table,))
