"""Which of the repairs that were tried to recommend."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.repairs.bench import Bench
from shiftassay.repairs.result import Attempt, Outcome, Right, accuracy_change
from shiftassay.repairs.words import nothing_sentence, recommended_sentence, unrepaired_sentence


@dataclass(frozen=True)
class Choice:
    """The outcome, the strategy that is recommended, and why, in sentences."""

    outcome: Outcome
    recommended: str | None
    sentence: str


def nothing_to_repair(bench: Bench) -> Choice:
    """The choice where the shift does no harm."""
    shift = bench.shifts[0]
    group = shift.group if shift else ""
    sentence = nothing_sentence(
        bench.families[0],
        group,
        clean=bench.clean,
        variant=bench.variant,
        missing=bench.missing,
        images=len(bench.shifted),
    )
    return Choice("nothing_to_repair", None, sentence)


def choose(bench: Bench, attempts: Sequence[Attempt], ceiling: Ceiling | None) -> Choice:
    """The least intrusive repair that helps and is about as good as the best.

    About as good: not worse by more than the interval. Accuracy above that of the model on clean images comes from more
    training, not from more repair: a repair that is not shown to fall short of it is as good as the best.
    """
    verdict = next((half.verdict for half in bench.halves if half.verdict.shift is None), bench.halves[0].verdict)
    real = [attempt for attempt in attempts if attempt.strategy != "none"]
    helped = [attempt for attempt in real if attempt.deciding.direction == "higher"]
    destroyed = verdict.information == "destroyed" and all(map(bench.falls_short, real))
    if destroyed or not helped:
        outcome = _without_repair(bench, ceiling)
        sentence = unrepaired_sentence(outcome, verdict.family, real, bench.clean, ceiling, bench.loss_is_shown)
        return Choice(outcome, None if outcome == "no_repair_found" else "none", sentence)
    best = max(helped, key=lambda attempt: attempt.deciding.after.estimate)
    chosen = next(
        attempt
        for attempt in helped
        if not bench.falls_short(attempt) or _as_good(attempt.deciding_right, best.deciding_right)
    )
    remaining = bench.remaining_loss(chosen)
    outcome = "partly_repaired" if remaining.high < 0 else "repaired"
    return Choice(outcome, chosen.strategy, recommended_sentence(chosen, real, remaining, bench.clean))


def _without_repair(bench: Bench, ceiling: Ceiling | None) -> Outcome:
    """What is said where nothing repairs: whether a ceiling is below clean accuracy, and proved."""
    if ceiling is None or ceiling.above is None or ceiling.above.high >= bench.clean.low:
        return "no_repair_found"
    return "cannot_be_repaired" if ceiling.proved else "information_lost"


def _as_good(one: Right, best: Right) -> bool:
    return accuracy_change(best, one).difference.high >= 0
