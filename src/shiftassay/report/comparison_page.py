"""Networks over their seeds, or models on the same images, compared: as a page."""

from collections.abc import Mapping

from shiftassay.evaluation.agreement import ComparisonOfModels
from shiftassay.evaluation.compare import ComparisonOfGroups, Pair
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.report.provenance import made_of
from shiftassay.words.lists import plural
from shiftassay.words.numbers import (
    DASH,
    brackets,
    p_cell,
    percent,
    percent_with_interval,
    points,
    points_with_interval,
)


def report(comparison: ComparisonOfGroups | ComparisonOfModels, about: Mapping[str, str]) -> Report:
    """What every pair shows: the finding first, then all numbers."""
    groups = comparison if isinstance(comparison, ComparisonOfGroups) else comparison.accuracy
    findings = [] if groups is None else [_accuracies(groups), _pairs(groups)]
    if isinstance(comparison, ComparisonOfModels):
        findings.append(_agreements(comparison))
    title = _title(groups) if groups is not None else _title_of_answers(comparison)
    return Report(
        title,
        "Each pair is compared on what both have in common, with p-values corrected for the number of pairs.",
        tuple(comparison.sentences()),
        tuple(findings),
        made_of(about),
        facts=("comparison", f"{comparison.n:,} images"),
    )


def _title(groups: ComparisonOfGroups) -> str:
    if len(groups.pairs) == 1:
        return _in_a_line(groups.pairs[0], groups.margin)
    differ = sum(pair.differs for pair in groups.pairs)
    alike = sum(pair.verdict == "equivalent" and not pair.differs for pair in groups.pairs)
    undecided = len(groups.pairs) - differ - alike
    return f"Of {plural(len(groups.pairs), 'pair')} {differ} differ, {alike} are equivalent and {undecided} undecided"


def _title_of_answers(comparison: ComparisonOfGroups | ComparisonOfModels) -> str:
    shares = [a.share.estimate for a in comparison.agreements] if isinstance(comparison, ComparisonOfModels) else []
    ends = sorted({percent(min(shares), 1), percent(max(shares), 1)})
    return f"The models answer {' to '.join(ends)} of the images alike"


def _in_a_line(pair: Pair, margin: float) -> str:
    if pair.differs:
        better, other = (pair.first, pair.second) if pair.difference.estimate > 0 else (pair.second, pair.first)
        within = f", which is shown to be less than {100 * margin:g}" if pair.verdict == "equivalent" else ""
        return f"{better} is better than {other}, by {points(abs(pair.difference.estimate))} points{within}"
    if pair.verdict == "equivalent":
        return f"{pair.first} and {pair.second} are equivalent, within {100 * margin:g} points"
    return f"{pair.first} and {pair.second} can't be told apart"


def _verdict(pair: Pair) -> str:
    """A difference that is shown and that is shown to be small is both."""
    if pair.differs and pair.verdict == "equivalent":
        return f"{'higher' if pair.difference.estimate > 0 else 'lower'}, and equivalent"
    return pair.verdict


def _accuracies(groups: ComparisonOfGroups) -> Finding:
    rows = tuple(
        (
            group.name,
            str(len(group.accuracies)),
            percent(group.mean, 2) if group.interval is None else percent_with_interval(group.interval),
            DASH if group.sd is None else points(group.sd),
        )
        for group in groups.groups
    )
    figure = Figure(
        "groups",
        {
            "names": [group.name for group in groups.groups],
            "values": [list(group.accuracies) for group in groups.groups],
            "claimed": [None] * len(groups.groups),
            "scale": 100,
            "label": "accuracy, %",
        },
        "Accuracy of each seed (bars), and the mean with its 95% interval.",
    )
    table = Table(("network", "seeds", "accuracy, mean", "sd, points"), rows, "Intervals of 95% for new seeds.")
    return Finding("accuracy", "Accuracy of each", (), (table,), (figure,))


def _pairs(groups: ComparisonOfGroups) -> Finding:
    columns = ("pair", "difference, points", "on new images", "p", "p of no equivalence", "verdict")
    rows = tuple(
        (
            f"{pair.first} − {pair.second}",
            points_with_interval(pair.difference, sign=True),
            brackets(pair.on_new_images),
            p_cell(pair.p_corrected),
            p_cell(pair.equivalence_p),
            _verdict(pair),
        )
        for pair in groups.pairs
    )
    caption = f"Intervals of 95%; equivalent: shown to be within ±{100 * groups.margin:g} points."
    figure = Figure(
        "pairs",
        {
            "names": [f"{pair.first} − {pair.second}" for pair in groups.pairs],
            "difference": [[p.difference.estimate, p.difference.low, p.difference.high] for p in groups.pairs],
            "wider": [[p.on_new_images.low, p.on_new_images.high] for p in groups.pairs],
            "margin": groups.margin,
        },
        "Differences with their 95% intervals on these images (thick) and on new ones (thin); the band counts as none.",
    )
    return Finding(
        "pairs", "Pair by pair", (groups.sensitivity(),), (Table(columns, rows, caption, ("verdict",)),), (figure,)
    )


def _agreements(comparison: ComparisonOfModels) -> Finding:
    rows = tuple((a.name, a.reference, percent_with_interval(a.share)) for a in comparison.agreements)
    table = Table(("model", "other", "the same answers"), rows, "Intervals of 95%.", words=("other",))
    return Finding("agreement", "How far they agree", (), (table,))
