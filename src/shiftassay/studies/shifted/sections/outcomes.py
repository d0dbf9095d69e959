"""The whole study in one table: variant, accuracy, verdict, why, repair, after."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import Attempt, Outcome, Repair
from shiftassay.report.finding import Finding, Table
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.claim import verdict_text
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.lists import listed
from shiftassay.words.numbers import DASH, percent, points_with_interval

KEY, TITLE, VERSION, PLACE = "answers", "What happened, why, and what can be done", 1, 30
COLUMNS = ("variant", "accuracy, % [95%]", "verdict", "why", "repair", "after, % [95%]")
REASONS = 2
OUTCOMES: dict[Outcome, str] = {
    "nothing_to_repair": "nothing to repair",
    "repaired": "accuracy comes back",
    "partly_repaired": "accuracy comes back in part",
    "no_repair_found": "no repair was found",
    "cannot_be_repaired": "no repair can exist",
}


@dataclass(frozen=True)
class VariantOutcome(Record):
    """One variant's row.

    `after` is the accuracy after the recommended repair, under a fresh attack where that decides (`after_is_attacked`),
    and `regained` the share of the lost accuracy that it brings back; None where nothing is recommended. Verdict and
    repair rest on `judged_on` images.
    """

    variant: str
    accuracy: Interval
    verdict: str
    why: str
    outcome: Outcome
    repair: str
    after: Interval | None
    after_is_attacked: bool
    regained: float | None
    judged_on: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is read."""
        attacked = ", attacked afresh" if self.after_is_attacked else ""
        after = DASH if self.after is None else points_with_interval(self.after) + attacked
        return self.variant, points_with_interval(self.accuracy), self.verdict, self.why, self.repair, after


@dataclass(frozen=True)
class Outcomes(Record):
    """What became of each variant."""

    answers: tuple[VariantOutcome, ...]


def measure(context: StudyContext) -> Outcomes | None:
    if not context.diagnoses:
        return None
    first = {evaluation.name: evaluation for evaluation in context.evaluations[0]}
    rows = [outcome_of(first[n], diagnosed, context.repairs[n]) for n, diagnosed in context.diagnoses.items()]
    return Outcomes(tuple(rows))


def findings(measured: Outcomes) -> list[Finding]:
    """The table that the argument begins with."""
    table = Table(
        COLUMNS,
        tuple(row.cells for row in measured.answers),
        "Each has a page below. Verdict, why and repair are of the first seed's model.",
        words=COLUMNS[2:5],
    )
    return [Finding(KEY, TITLE, (_sentence(measured.answers),), (table,), numbers=measured.to_json())]


def outcome_of(evaluation: Evaluation, diagnosed: DiagnosedVariant, repair: Repair) -> VariantOutcome:
    """One variant's row; `evaluation` is of the first seed's model on all of its images."""
    chosen = repair.chosen if repair.recommended != "none" else None
    return VariantOutcome(
        variant=evaluation.name,
        accuracy=evaluation.accuracy,
        verdict=verdict_text(diagnosed),
        why=_why(diagnosed),
        outcome=repair.outcome,
        repair=f"{chosen.strategy}: {chosen.what}" if chosen else repair.outcome.replace("_", " "),
        after=chosen.deciding.after if chosen else None,
        after_is_attacked=chosen is not None and chosen.attacked is not None,
        regained=_share_regained(chosen, repair.clean) if chosen else None,
        judged_on=diagnosed.images,
    )


def _why(diagnosed: DiagnosedVariant) -> str:
    if diagnosed.family == "identity":
        return "the images are the same"
    present = [m.brief for m in diagnosed.diagnosis.mechanisms if m.present]
    return "; ".join(present[:REASONS]) or "not known"


def _share_regained(attempt: Attempt, clean: Interval) -> float:
    change = attempt.deciding
    lost = clean.estimate - change.before.estimate
    return (change.after.estimate - change.before.estimate) / max(lost, 1e-9)


def _sentence(rows: Sequence[VariantOutcome]) -> str:
    names: dict[str, list[str]] = {}
    for row in rows:
        name = row.variant
        if row.outcome == "partly_repaired" and row.regained is not None:
            name += f" ({percent(row.regained, 0)} of what was lost)"
        names.setdefault(row.outcome, []).append(name)
    return " ".join(f"{listed(names[outcome])}: {what}." for outcome, what in OUTCOMES.items() if outcome in names)
