"""Two and three shifts in a row: a first part that explains most, then what comes after it, or before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, estimate, estimates, judged, looked_at, ranked, settled
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.hidden import (
    by_value,
    curve_pairs,
    linear_pairs,
    of_simpler_maps,
    two_valued,
    with_whole_numbers,
    without_idle_numbers,
)
from shiftassay.diagnosis.paired.joint import noise_moves, polished
from shiftassay.diagnosis.paired.remake import change_of
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose, begun_by
from shiftassay.shifts.estimation.fitting import Refit, trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.warp import Resampling, resampled

KEEPING_NOISE = Resampling("bicubic")  # bilinear resampling smooths noise that came before, others' does not
# Misfit of two parts, below which a third would not pay for itself.
LITTLE = thresholds.NO_MISFIT * float(np.expm1(thresholds.PART))


def compositions(singles: list[Candidate], task: Task) -> list[Candidate]:
    """Two parts, and three where two leave much."""
    budget = task.settings
    fit = task.fit.first(budget.composed)
    firsts = _firsts(singles, fit, task)
    values_alone = by_value(fit)
    if values_alone:
        firsts = [how for how in firsts if how.group == "intensity"]
    best = _fitted(_with_others(firsts[: budget.likely], fit, task.families), fit, task, budget.polished)
    if best and settled(best[0]):
        return best
    pairs = curve_pairs(fit, task) if values_alone else linear_pairs(fit, task) + two_valued(fit, task)
    pairs += _with_others(firsts[budget.likely :], fit, task.families)
    best = ranked(best + _fitted(pairs, fit, task, budget.polished))
    if best and LITTLE < best[0].misfit < thresholds.HOPELESS and not settled(best[0]):
        begun = [c.shift for c in best[: budget.extended]]
        best = ranked(best + _fitted(_with_others(begun, fit, task.families), fit, task, budget.polished_of_three))
    if not best:
        return best
    return best + _fitted(of_simpler_maps(best[0].shift, fit, task), fit, task, budget.polished_of_three)


def _fitted(shifts: Iterable[Shift], fit: Pairs, task: Task, count: int) -> list[Candidate]:
    """The most promising compositions, in either order, with their numbers fitted together, judged."""
    looked = [c.shift for c in looked_at(shifts, task)]
    chosen: list[Shift] = []
    kinds: list[tuple[str, ...]] = []
    for how in looked:
        kind = tuple(sorted(f"{part.family} {part.scope}" for part in how.components))
        if kinds.count(kind) < task.settings.alike and len(chosen) < count:
            chosen.append(how)
            kinds.append(kind)
    in_turn = [how for how in chosen[: task.settings.turned] if isinstance(how, Compose) and len(how.parts) == 2]
    chosen = list(dict.fromkeys(chosen + [Compose(how.parts[::-1]) for how in in_turn]))
    fit_together = partial(polished, pairs=fit)
    fitted = mapped(fit_together, chosen)
    fitted += mapped(fit_together, without_idle_numbers(fitted))
    with resampled(KEEPING_NOISE):
        fitted += mapped(fit_together, filter(noise_moves, chosen))
    fitted += with_whole_numbers(fitted)
    return judged(dict.fromkeys(fitted), task)


def _firsts(singles: list[Candidate], fit: Pairs, task: Task) -> list[Shift]:
    """The shifts without chance that explain most of the change, up to a linear map of grey values."""
    budget, held = task.settings, task.held.first(task.settings.composed)
    free = Pairs(fit.reference, fit.shifted, contrast=True)
    leading = [f for f in task.families if FAMILIES[f].found_as_first_part and FAMILIES[f].tier < 2]
    # By what they leave alone: how exact a shift has to be is no question before the other part is known.
    left_by = {c.shift: float(np.mean(c.remade.residual**2)) / change_of(held) for c in singles if c.remade.chance == 0}
    still = sorted(left_by, key=lambda how: left_by[how])
    shifts = [how for how in still if left_by[how] < thresholds.WORTHWHILE] + estimates(leading, free)
    costs = []
    looked = Pairs(held.reference, held.shifted, contrast=True).first(budget.screened)
    for how in shifts:
        infer_draws = how.infer_draws(looked) or how
        made = infer_draws.apply(looked.reference, np.random.default_rng(task.seed))
        if np.array_equal(made, infer_draws.apply(looked.reference, np.random.default_rng(task.seed + 1))):
            left = float(looked.errors(made).mean()) / max(float(looked.shifted.var()), 1e-9)
            costs.append((np.log(left + thresholds.NO_MISFIT) + complexity_penalty(how), how))
    costs.sort(key=lambda cost: cost[0])
    chosen: list[Shift] = []
    for _, how in costs:
        if all(type(how) is not type(c) for c in chosen) and how.group != "none":
            chosen.append(how)
    chosen = chosen[: budget.first_parts]
    plain = [how for how in still[: budget.first_parts_as_they_are] if all(type(how) is not type(k) for k in chosen)]
    evident = [how for f in task.families for how in FAMILIES[f].evident_first_parts(fit)]
    return evident + chosen + plain


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of a family: what may have happened between these pairs, after the parts, or before them."""

    family: str
    pairs: Pairs
    parts: tuple[Shift, ...]
    after: bool

    def composed(self, how: Shift) -> Compose:
        return Compose((*self.parts, how) if self.after else (how, *self.parts))


def _with_others(firsts: Iterable[Shift], pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """Each of the shifts and one more, after it or before it; and each, fitted to the pixels that nothing covers, with what covers some."""
    by_first = {first: others for first in firsts if (others := _others(first.components, families))}
    asked = [question for first, others in by_first.items() for question in _questions(first, others, pairs)]
    uncovered = mapped(partial(_uncovered, pairs=pairs), by_first)
    for first, others in zip(uncovered, by_first.values(), strict=True):
        if first is not None:
            covering = [f for f in others if FAMILIES[f].covers or FAMILIES[f].group == "overlay"]
            asked += _questions(first, covering, pairs)
    answers = mapped(_answer, asked)
    found: list[Shift] = [question.composed(how) for question, hows in zip(asked, answers, strict=True) for how in hows]
    return [how for how in found if not _hidden_by_chance(how, pairs, families)]


def _questions(first: Shift, others: Sequence[str], pairs: Pairs) -> list[_Question]:
    parts = first.components
    infer_draws = begun_by(first, pairs)
    after = Pairs(infer_draws.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted)
    asked = [_Question(family, after, parts, after=True) for family in others]
    undone = infer_draws.undo(pairs.shifted, np.random.default_rng(0))
    if undone is not None:
        before = Pairs(pairs.reference, undone)
        asked += [_Question(family, before, parts, after=False) for family in others]
    return asked


def _answer(question: _Question) -> list[Shift]:
    return estimate(question.family, question.pairs)


def _hidden_by_chance(how: Shift, pairs: Pairs, families: Sequence[str]) -> bool:
    """Whether chance hides what tells a part from a simpler family's shift."""
    if not any(part.random for part in how.components):
        return False
    return any(part.imitates(pairs.reference) in families for part in how.components)


def _uncovered(first: Shift, pairs: Pairs) -> Shift | None:
    """The first part by the pixels that nothing covers, if there are such."""
    if first.scope != "shared" or not first.search or not first.search_steps()[0].any():
        return None
    begin, family = first.candidate_draws()[0], Refit(first)
    try:
        found = trimmed(family, np.vstack([begin, first.search_starts(pairs.reference.shape[2:])]), pairs)
        return None if found is None or np.allclose(found, begin, atol=1e-3) else family.from_numbers(found)
    except (BadInput, np.linalg.LinAlgError):
        return None


def _others(parts: Sequence[Shift], families: Sequence[str]) -> list[str]:
    """The families that may come before or after all of the parts."""
    if any(part.group == "noise" for part in parts):
        return []
    return [f for f in families if FAMILIES[f].tier < 2 and all(_may_complete(f, part) for part in parts)]


def _may_complete(family: str, part: Shift) -> bool:
    return FAMILIES[family].group in part.completed_by or part.group in FAMILIES[family].completes
