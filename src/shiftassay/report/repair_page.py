"""Repairs of a model for a shifted set, as a page."""

from collections.abc import Mapping

from shiftassay.repairs.result import Attempt, Repair
from shiftassay.report.diagnosis_figures import Dot, DotKind
from shiftassay.report.finding import Card, Figure, Finding, Report, Table
from shiftassay.report.provenance import made_of
from shiftassay.statistics.intervals import Interval
from shiftassay.words.numbers import percent, points_with_interval

TITLES = {
    "nothing_to_repair": "There is nothing to repair",
    "repaired": "Repaired",
    "partly_repaired": "Repaired in part",
    "cannot_be_repaired": "No repair can exist",
    "information_lost": "No repair was found: what was lost can't be brought back",
    "no_repair_found": "No repair was found",
}


def report(repair: Repair, about: Mapping[str, str]) -> Report:
    """What to take, then everything that was tried, with what it brings and what it costs."""
    share = "accuracy" if repair.judged_by == "labels" else "agreement"
    return Report(
        _title(repair, share),
        repair.sentence,
        (),
        (_attempts(repair, share), _skipped(repair)),
        made_of(about),
        facts=("repair",),
        cards=_cards(repair, share),
    )


def _title(repair: Repair, share: str) -> str:
    title, chosen = TITLES[repair.outcome], repair.chosen
    if chosen is None or chosen.strategy == "none":
        return title
    change = chosen.deciding
    return (
        f"{title} by {chosen.strategy}: {share} goes from {percent(change.before.estimate, 1)} to "
        f"{percent(change.after.estimate, 1)}"
    )


def _cards(repair: Repair, share: str) -> tuple[Card, ...]:
    missing = Card("What is missing", f"{points_with_interval(repair.missing, 1, sign=True)} points", f"of {share}")
    chosen = repair.chosen
    if chosen is None:
        return (missing, Card("What to take", "No repair", repair.sentence))
    gain, clean, cost = chosen.deciding.difference, chosen.clean.difference, chosen.cost
    return (
        missing,
        Card("What to take", chosen.strategy, chosen.what, "action"),
        Card(
            "What it brings", f"{points_with_interval(gain, 1, sign=True)} points", f"on {chosen.deciding.n:,} images"
        ),
        Card(
            "What it costs",
            f"{points_with_interval(clean, 1, sign=True)} points on clean",
            f"{cost.parameters_trained:,} parameters trained on {cost.images:,} images; {chosen.assumption}",
        ),
    )


def _attempts(repair: Repair, share: str) -> Finding:
    rows = [_dot("clean", repair.clean, "reference"), _dot("shifted", repair.variant, "shifted")]
    tried = [attempt for attempt in repair.attempts if attempt.strategy != "none"]
    rows += [_dot(attempt.strategy, attempt.deciding.after, "undone") for attempt in tried]
    caption = f"The {share} with its 95% interval: on clean images, on the shifted set, and there after each repair."
    columns = ("repair", "what it does", "shifted, %", "change, points", "clean, change", "parameters trained", "needs")
    table = Table(columns, tuple(map(_row, tried)), "Intervals of 95%.", ("what it does", "needs"))
    figure = Figure("dots", {"rows": rows, "chance": None}, caption)
    return Finding("attempts", "What was tried", (), (table,) if tried else (), (figure,))


def _row(attempt: Attempt) -> tuple[str, ...]:
    return (
        attempt.strategy,
        attempt.what,
        points_with_interval(attempt.deciding.after),
        points_with_interval(attempt.deciding.difference, sign=True),
        points_with_interval(attempt.clean.difference, sign=True),
        f"{attempt.cost.parameters_trained:,}",
        attempt.assumption,
    )


def _skipped(repair: Repair) -> Finding:
    sentences = [f"{name}, since {why}." for name, why in repair.skipped.items() if name != "none"]
    return Finding("skipped", "What was not tried, and notes", (*sentences, *repair.notes))


def _dot(name: str, interval: Interval, kind: DotKind) -> Dot:
    return {"name": name, "estimate": interval.estimate, "low": interval.low, "high": interval.high, "kind": kind}
