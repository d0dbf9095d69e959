"""Compositions of two and three shifts.

First a part that explains most of the change, then a family that explains what happened after it, or before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, estimate, estimates, judged, looked_at, ranked, settled
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.hidden import (
    curve_pairs,
    depends_on_value_alone,
    linear_pairs,
    of_simpler_maps,
    two_valued,
    with_whole_numbers,
    without_idle_numbers,
)
from shiftassay.diagnosis.paired.joint import fitted_jointly, noise_moves
from shiftassay.diagnosis.paired.remake import change_of
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose, infer_first_part
from shiftassay.shifts.estimation.fitting import Refit, trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.warp import Resampling, resampled

KEEPING_NOISE = Resampling("bicubic")  # bilinear resampling would smooth noise that came before
# Misfit of two parts, below which a third would not pay for itself.
NO_ROOM = thresholds.TOLERANCE * float(np.expm1(thresholds.PART_PENALTY))


def compositions(singles: list[Candidate], task: Task) -> list[Candidate]:
    """Compositions of two parts, and of three where two leave much of the change, best first.

    `singles` are the single shifts that were tried.
    """
    budget = task.settings
    fit = task.fit.first(budget.composed)
    firsts = _first_parts(singles, fit, task)
    value_alone = depends_on_value_alone(fit)
    if value_alone:
        firsts = [shift for shift in firsts if shift.group == "intensity"]
    best = _fitted(_completed(firsts[: budget.likely], fit, task.families), fit, task, budget.joint_fits)
    if best and settled(best[0]):
        return best
    pairs = curve_pairs(fit, task) if value_alone else linear_pairs(fit, task) + two_valued(fit, task)
    pairs += _completed(firsts[budget.likely :], fit, task.families)
    best = ranked(best + _fitted(pairs, fit, task, budget.joint_fits))
    if best and NO_ROOM < best[0].misfit < thresholds.HOPELESS and not settled(best[0]):
        extended = [c.shift for c in best[: budget.extended]]
        best = ranked(best + _fitted(_completed(extended, fit, task.families), fit, task, budget.joint_fits_of_three))
    if not best:
        return best
    return best + _fitted(of_simpler_maps(best[0].shift, fit, task), fit, task, budget.joint_fits_of_three)


def _fitted(shifts: Iterable[Shift], fit: Pairs, task: Task, count: int) -> list[Candidate]:
    """The most promising compositions, in either order, fitted jointly and judged."""
    chosen = _chosen([c.shift for c in looked_at(shifts, task)], count, task.settings.alike)
    turned = [shift for shift in chosen[: task.settings.turned] if isinstance(shift, Compose) and len(shift.parts) == 2]
    chosen = list(dict.fromkeys(chosen + [Compose(shift.parts[::-1]) for shift in turned]))
    fit_jointly = partial(fitted_jointly, pairs=fit)
    fitted = mapped(fit_jointly, chosen)
    fitted += mapped(fit_jointly, without_idle_numbers(fitted))
    with resampled(KEEPING_NOISE):
        fitted += mapped(fit_jointly, filter(noise_moves, chosen))
    fitted += with_whole_numbers(fitted)
    return judged(dict.fromkeys(fitted), task)


def _chosen(shifts: Iterable[Shift], count: int, alike: int) -> list[Shift]:
    """The first of the shifts, so many at most, and so many of the same families and scopes."""
    chosen: list[Shift] = []
    kinds: list[tuple[str, ...]] = []
    for shift in shifts:
        kind = tuple(sorted(f"{part.family} {part.scope}" for part in shift.components))
        if kinds.count(kind) < alike and len(chosen) < count:
            chosen.append(shift)
            kinds.append(kind)
    return chosen


def _first_parts(singles: list[Candidate], fit: Pairs, task: Task) -> list[Shift]:
    """The shifts without noise that explain most of the change.

    The best linear map of grey values may follow each.
    """
    budget, held_out = task.settings, task.held_out.first(task.settings.composed)
    # By their residual alone: exactness can't be judged before the other part is known.
    change = change_of(held_out)
    residuals = {
        c.shift: float(np.mean(c.remake.residual**2)) / change for c in singles if c.remake.noise_fraction == 0
    }
    by_residual = sorted(residuals, key=lambda shift: residuals[shift])
    leading = [f for f in task.families if FAMILIES[f].found_as_first_part and FAMILIES[f].tier < 2]
    shifts = [shift for shift in by_residual if residuals[shift] < thresholds.FIRST_PART_RESIDUAL]
    shifts += estimates(leading, Pairs(fit.reference, fit.shifted, contrast=True))
    screening = Pairs(held_out.reference, held_out.shifted, contrast=True).first(budget.screened)
    costs = [
        (cost, shift) for shift in shifts if (cost := _cost_before_others(shift, screening, task.seed)) is not None
    ]
    costs.sort(key=lambda cost: cost[0])
    chosen: list[Shift] = []
    for _, shift in costs:
        if all(type(shift) is not type(c) for c in chosen) and shift.group != "none":
            chosen.append(shift)
    chosen = chosen[: budget.first_parts]
    others = by_residual[: budget.first_parts_as_they_are]
    as_they_are = [shift for shift in others if all(type(shift) is not type(k) for k in chosen)]
    evident = [shift for f in task.families for shift in FAMILIES[f].evident_first_parts(fit)]
    return evident + chosen + as_they_are


def _cost_before_others(shift: Shift, pairs: Pairs, seed: int) -> np.floating | float | None:
    """A first part's cost, with a linear map of grey values free; None for one that draws noise."""
    draws = shift.infer_draws(pairs) or shift
    remade = draws.apply(pairs.reference, np.random.default_rng(seed))
    if not np.array_equal(remade, draws.apply(pairs.reference, np.random.default_rng(seed + 1))):
        return None
    residual = float(pairs.errors(remade).mean()) / max(float(pairs.shifted.var()), 1e-9)
    return np.log(residual + thresholds.TOLERANCE) + complexity_penalty(shift)


@dataclass(frozen=True, eq=False)
class _Gap:
    """The pairs that a family is asked to explain: after or before a composition's known parts."""

    family: str
    pairs: Pairs
    parts: tuple[Shift, ...]
    after: bool

    def closed_by(self, shift: Shift) -> Compose:
        return Compose((*self.parts, shift) if self.after else (shift, *self.parts))


def _completed(firsts: Iterable[Shift], pairs: Pairs, families: Sequence[str]) -> list[Shift]:
    """Each of the shifts composed with one more, after it or before it.

    Occlusions are outliers, by which a least-squares fit is biased: so each shift is also fitted robustly and
    composed with an occlusion.
    """
    by_first = {first: others for first in firsts if (others := _partners(first.components, families))}
    gaps = [gap for first, others in by_first.items() for gap in _gaps(first, others, pairs)]
    robust = mapped(partial(_fitted_robustly, pairs=pairs), by_first)
    for first, others in zip(robust, by_first.values(), strict=True):
        if first is not None:
            covering = [f for f in others if FAMILIES[f].covers or FAMILIES[f].group == "overlay"]
            gaps += _gaps(first, covering, pairs)
    estimated = mapped(_estimate, gaps)
    completed = [gap.closed_by(shift) for gap, shifts in zip(gaps, estimated, strict=True) for shift in shifts]
    return [shift for shift in completed if not _hidden_by_noise(shift, pairs, families)]


def _gaps(first: Shift, others: Sequence[str], pairs: Pairs) -> list[_Gap]:
    """After the first part: between its remake and the shifted images.

    Before it: between the reference and the shifted images with the first part undone.
    """
    parts = first.components
    draws = infer_first_part(first, pairs)
    after = Pairs(draws.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted)
    gaps = [_Gap(family, after, parts, after=True) for family in others]
    undone = draws.undo(pairs.shifted, np.random.default_rng(0))
    if undone is not None:
        before = Pairs(pairs.reference, undone)
        gaps += [_Gap(family, before, parts, after=False) for family in others]
    return gaps


def _estimate(gap: _Gap) -> list[Shift]:
    return estimate(gap.family, gap.pairs)


def _hidden_by_noise(shift: Shift, pairs: Pairs, families: Sequence[str]) -> bool:
    """Whether noise hides what tells a part from a simpler family's shift."""
    if not any(part.random for part in shift.components):
        return False
    return any(part.imitates(pairs.reference) in families for part in shift.components)


def _fitted_robustly(first: Shift, pairs: Pairs) -> Shift | None:
    """The first part, fitted to the pixels that nothing covers.

    None if that makes no difference.
    """
    if first.scope != "shared" or not first.search or not first.search_steps()[0].any():
        return None
    begin, family = first.candidate_draws()[0], Refit(first)
    try:
        numbers = trimmed(family, np.vstack([begin, first.search_starts(pairs.reference.shape[2:])]), pairs)
        return None if numbers is None or np.allclose(numbers, begin, atol=1e-3) else family.from_numbers(numbers)
    except (BadInput, np.linalg.LinAlgError):
        return None


def _partners(parts: Sequence[Shift], families: Sequence[str]) -> list[str]:
    """The families that may come before or after all of the parts."""
    if any(part.group == "noise" for part in parts):
        return []
    return [f for f in families if FAMILIES[f].tier < 2 and all(_may_complete(f, part) for part in parts)]


def _may_complete(family: str, part: Shift) -> bool:
    return FAMILIES[family].group in part.completed_by or part.group in FAMILIES[family].completes
