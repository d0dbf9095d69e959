"""What became of one variant: effect, verdict, reason, repair, and the best that was found."""

from dataclasses import dataclass

from shiftassay.diagnosis.ceiling.ceiling import Above
from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Evaluation, change_in_words
from shiftassay.records import Record
from shiftassay.repairs.result import AccuracyChange, Attempt, Outcome, Repair
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.best_found import BestFound
from shiftassay.studies.shifted.claim import verdict_text
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.numbers import DASH, points, points_with_interval

REASONS = 2
OUTCOMES: dict[Outcome, str] = {
    "nothing_to_repair": "nothing to repair",
    "repaired": "repaired",
    "partly_repaired": "repaired in part",
    "no_repair_found": "no repair was found",
    "information_lost": "no repair was found; information is lost",
    "cannot_be_repaired": "no repair can exist",
}


@dataclass(frozen=True)
class VariantOutcome(Record):
    """One variant's row.

    `effect` is over all seeds, the rest of the first seed's model. `change` is what the recommended repair did on the
    same images: under attacks made on each model anew where those decide (`after_is_attacked`), while `on_file` is then
    what it did on the variant as it is. `after` is where `change` ends, `regained` the share of the lost accuracy that
    it brings back; None where nothing is recommended. The verdict rests on `diagnosed_on` images, the repair on
    `judged_on`. `theory` is what can be proved of the shift, `agreement` is Σ g·δ / Σ |g||δ|
    with the gradient g of the model. `ceiling` is that of any classifier, where it is known or
    estimated, and `best` the best classifier found in the whole study, where no repair comes near clean accuracy.
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
    theory: str = ""
    agreement: float | None = None
    ceiling: Above | None = None
    best: BestFound | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is read."""
        return self.variant, self._effect(), self.verdict, self.why, self.repair, self._change()

    def _effect(self) -> str:
        if self.effect is None:
            return points_with_interval(self.accuracy)
        change = change_in_words(self.effect.comparison)
        return f"{self.effect.effect}: {change} ({self.effect.measured_on})"

    def _change(self) -> str:
        if self.change is None:
            return DASH
        if self.on_file is None:
            return _before_and_after(self.change)
        return f"attacked afresh: {_before_and_after(self.change)}; the file: {_before_and_after(self.on_file)}"


def outcome_of(
    effect: EffectOverSeeds,
    evaluation: Evaluation,
    diagnosed: DiagnosedVariant,
    repair: Repair,
    best: BestFound | None = None,
) -> VariantOutcome:
    """One variant's row; `evaluation` is of the first seed's model on all of its images."""
    chosen = repair.chosen if repair.recommended != "none" else None
    repaired = repair.outcome in ("repaired", "partly_repaired", "nothing_to_repair")
    return VariantOutcome(
        variant=evaluation.name,
        accuracy=evaluation.accuracy,
        verdict=verdict_text(diagnosed),
        why=_why(diagnosed),
        outcome=repair.outcome,
        repair=f"{chosen.strategy} ({chosen.what})" if chosen else OUTCOMES[repair.outcome],
        after=chosen.deciding.after if chosen else None,
        after_is_attacked=chosen is not None and chosen.attacked is not None,
        regained=_share_regained(chosen, repair.clean) if chosen else None,
        judged_on=chosen.deciding.n if chosen else diagnosed.images,
        diagnosed_on=diagnosed.images,
        effect=effect,
        change=chosen.deciding if chosen else None,
        on_file=chosen.variant if chosen and chosen.attacked else None,
        theory=(diagnosed.shift.theory or "") if diagnosed.shift is not None else "",
        agreement=_agreement(diagnosed),
        ceiling=repair.ceiling.above if repair.ceiling else None,
        best=None if repaired else best,
    )


def _before_and_after(change: AccuracyChange) -> str:
    return f"{points(change.before.estimate)} → {points_with_interval(change.after)} of {change.n:,}"


def _why(diagnosed: DiagnosedVariant) -> str:
    if diagnosed.family == "identity":
        return "the images are the same"
    present = [m.brief for m in diagnosed.diagnosis.mechanisms if m.explains]
    return "; ".join(present[:REASONS]) or "not known"


def _agreement(diagnosed: DiagnosedVariant) -> float | None:
    numbers = next((m.numbers for m in diagnosed.diagnosis.mechanisms if m.name == "adds_up"), {})
    agreement = numbers.get("agreement")
    shifted = agreement.get("shifted") if isinstance(agreement, dict) else None
    return shifted if isinstance(shifted, float) else None


def _share_regained(attempt: Attempt, clean: Interval) -> float:
    change = attempt.deciding
    lost = clean.estimate - change.before.estimate
    return (change.after.estimate - change.before.estimate) / max(lost, 1e-9)
