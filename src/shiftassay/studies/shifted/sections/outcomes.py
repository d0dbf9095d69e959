"""The whole study in one table: variant, accuracy, verdict, why, repair, after."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import AccuracyChange, Attempt, Outcome, Repair
from shiftassay.report.finding import Finding, Table
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.claim import verdict_text
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.lists import listed
from shiftassay.words.numbers import DASH, percent, points, points_with_interval, times

KEY, TITLE, VERSION, PLACE = "answers", "What happened, why, and what can be done", 1, 30
COLUMNS = ("variant", "effect on accuracy", "verdict", "why", "repair", "before → after, % [95%]")
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

    `effect` is over all seeds, the rest of the first seed's model. `change` is what the recommended repair did on the
    same images: under attacks made on each model anew where those decide (`after_is_attacked`), while `on_file` is then
    what it did on the variant as it is. `after` is where `change` ends, `regained` the share of the lost accuracy that
    it brings back; None where nothing is recommended. The verdict rests on `diagnosed_on` images, the repair on
    `judged_on`.
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
    diagnosed_on: int = 0
    effect: EffectOverSeeds | None = None
    change: AccuracyChange | None = None
    on_file: AccuracyChange | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is read."""
        return self.variant, self._effect(), self.verdict, self.why, self.repair, self._change()

    def _effect(self) -> str:
        if self.effect is None:
            return points_with_interval(self.accuracy)
        ratio = self.effect.comparison.error_ratio
        errors = "" if ratio is None else f": {times(ratio)} the errors"
        return f"{self.effect.effect}{errors} ({self.effect.measured_on})"

    def _change(self) -> str:
        if self.change is None:
            return DASH
        if self.on_file is None:
            return _before_and_after(self.change)
        return f"attacked afresh: {_before_and_after(self.change)}; the file: {_before_and_after(self.on_file)}"


@dataclass(frozen=True)
class Outcomes(Record):
    """What became of each variant."""

    answers: tuple[VariantOutcome, ...]


def measure(context: StudyContext) -> Outcomes | None:
    if not context.diagnoses:
        return None
    first = {evaluation.name: evaluation for evaluation in context.evaluations[0]}
    rows = [
        outcome_of(context.effects[name], first[name], diagnosed, context.repairs[name])
        for name, diagnosed in context.diagnoses.items()
    ]
    return Outcomes(tuple(rows))


def findings(measured: Outcomes) -> list[Finding]:
    """The table that the argument begins with."""
    table = Table(
        COLUMNS,
        tuple(row.cells for row in measured.answers),
        "Each has a page below. Verdict, why and repair are of the first seed's model. Before and after are of the "
        "same images; a fresh attack is made on either model in the same way.",
        words=COLUMNS[1:],
    )
    return [Finding(KEY, TITLE, (_sentence(measured.answers),), (table,), numbers=measured.to_json())]


def outcome_of(
    effect: EffectOverSeeds, evaluation: Evaluation, diagnosed: DiagnosedVariant, repair: Repair
) -> VariantOutcome:
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
        judged_on=chosen.deciding.n if chosen else diagnosed.images,
        diagnosed_on=diagnosed.images,
        effect=effect,
        change=chosen.deciding if chosen else None,
        on_file=chosen.variant if chosen and chosen.attacked else None,
    )


def _before_and_after(change: AccuracyChange) -> str:
    return f"{points(change.before.estimate)} → {points_with_interval(change.after)} of {change.n:,}"


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
        if row.effect is not None and row.effect.effect != "harmed":
            name += f" ({row.effect.effect})"
        if row.outcome == "partly_repaired" and row.regained is not None:
            name += f" ({percent(row.regained, 0)} of what was lost)"
        names.setdefault(row.outcome, []).append(name)
    return " ".join(f"{listed(names[outcome])}: {what}." for outcome, what in OUTCOMES.items() if outcome in names)
