"""Compositions of two and three shifts.

First a part that explains some of the change, then a composable family that explains what happened after or before.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import (
    PLAUSIBLE,
    Candidate,
    ranked,
    room_for_more,
    scored,
    screened,
    screened_then_scored,
)
from shiftassay.diagnosis.paired.first_parts import best_resampling, first_parts
from shiftassay.diagnosis.paired.further_parts import (
    followed_by_one_of,
    partners_completed_by,
    usual_partners,
    with_a_further_part,
)
from shiftassay.diagnosis.paired.hidden import (
    depends_on_value_alone,
    ending_in_two_values,
    of_more_general_maps,
    of_other_curves,
    of_simpler_maps,
    two_curves,
    two_linear_maps,
    with_integer_parameters,
    without_idle_parts,
    without_negligible_parameters,
)
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.joint import fitted_jointly, last_noise_again, last_part_again
from shiftassay.diagnosis.paired.noise_between import with_noise
from shiftassay.diagnosis.paired.remake import KEEPING_NOISE, noise_blurs, noise_moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.paired.whole_steps import in_whole_steps
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.warp import current_resampling, resampled

OTHER_KERNEL = 10  # times as much is left, at most, where noise moved under another kernel


def compositions(singles: list[Candidate], task: Task) -> list[Candidate]:
    """Compositions of two parts, and of three where two leave much of the change; not sorted.

    `singles` are the single shifts that were scored. Where the best composition has a general affine map, two simpler
    maps are tried in its place, so it can become one of four; where it does not fit, a more general one. Of three
    parts, each is tried to be left out.
    """
    fit = task.composed
    firsts = first_parts(singles, fit, task)
    with resampled(best_resampling(firsts, fit)):
        return _compositions(singles, firsts, fit, task)


def _compositions(singles: list[Candidate], firsts: list[Shift], fit: Pairs, task: Task) -> list[Candidate]:
    budget = task.settings
    value_alone = depends_on_value_alone(fit, task)
    if value_alone:
        firsts = [shift for shift in firsts if shift.group == "intensity"]
    best = _fitted(with_a_further_part(firsts[: budget.n_likely], fit, task), fit, task, budget.joint_fits)
    if not _suffices(best):
        hidden = two_curves(fit, task) if value_alone else two_linear_maps(fit, task) + ending_in_two_values(fit, task)
        # How much they leave alone says little of what covers beneath noise.
        covering = [c.shift for c in ranked(singles) if c.remake.noise_fraction and c.shift.covers]
        noisy = with_noise(firsts, _chosen(covering, len(covering), 1), fit, task.families)
        two_part_shifts = hidden + noisy + with_a_further_part(firsts[budget.n_likely :], fit, task)
        two_part_shifts += with_a_further_part(firsts[: budget.n_completing], fit, task, partners_completed_by)
        best = ranked(best + _fitted(two_part_shifts, fit, task, budget.joint_fits))
    if best and not best[0].fits:
        best = ranked(best + scored(_by_more_pairs(best, task), task))
    if best and best[0].misfit < budget.hopeless and not best[0].fits and room_for_more(best[0]):
        extended = [c.shift for c in best[: budget.n_extended]]
        best = ranked(best + _fitted(with_a_further_part(extended, fit, task), fit, task, budget.joint_fits_of_three))
    if not best:
        return best
    best = ranked(best + _in_place_of(best[0], of_simpler_maps(best[0].shift, fit, task), fit, task))
    if not best[0].fits:
        others = of_more_general_maps(best[0].shift, fit, task) + of_other_curves(best[0].shift, fit, task)
        best = ranked(best + _in_place_of(best[0], others, fit, task))
    if not best[0].fits and best[0].misfit < budget.hopeless:
        others = _each_part_again(best[0].shift, fit, task)
        others += [in_whole_steps(c.shift, fit) for c in best[: budget.n_extended]]
        others += _in_other_orders(best[0].shift)
        best = ranked(best + _in_place_of(best[0], others, fit, task))
    return best + _in_place_of(best[0], _of_two_parts(best[0].shift), fit, task)


def _by_more_pairs(candidates: Iterable[Candidate], task: Task) -> list[Shift]:
    """The best compositions with noise, with their numbers fitted to all pairs.

    Few pairs show few draws of noise.
    """
    noisy = (c.shift for c in candidates if c.remake.noise_fraction and c.misfit < task.settings.hopeless)
    again = [last_noise_again(shift, task.fit) for shift in _chosen(noisy, task.settings.n_extended, 1)]
    return [measured(shift, task.fit, current_resampling(), thresholds.LEVEL)[0] for shift in again]


def recolored(move: Shift, task: Task) -> list[Shift]:
    """A move that fits, with the shifts of colours that explain some of what it leaves.

    Implementations of a move may differ by more than a change of colours.
    """
    if task.composed.reference.shape[1] == 1:
        return []
    colors = [f for f in usual_partners(move.components, task.families) if FAMILIES[f].group == "colour"]
    return [fitted_jointly(shift, task.composed) for shift in followed_by_one_of(colors, move, task.composed)]


def _suffices(best: list[Candidate]) -> bool:
    """Whether the first candidate fits, and no other part could pay for itself.

    One with noise that barely fits may only be near what happened.
    """
    if not best or not best[0].fits or room_for_more(best[0]):
        return False
    return not best[0].remake.noise_fraction or best[0].fit.p_value >= PLAUSIBLE


def _in_place_of(best: Candidate, others: Iterable[Shift], fit: Pairs, task: Task) -> list[Candidate]:
    """Other compositions, fitted jointly.

    In the place of one that fits only those are tried that leave little already.
    """
    if best.fits:
        others = [c.shift for c in screened(dict.fromkeys(others), task) if c.misfit < task.settings.hopeless]
    return _fitted(others, fit, task, task.settings.joint_fits_of_three)


def _of_two_parts(shift: Shift) -> list[Shift]:
    """A composition of three parts without one of them, which may have stood for nothing."""
    parts = shift.components
    return [Compose((*parts[:i], *parts[i + 1 :])) for i in range(len(parts))] if len(parts) == 3 else []


def _in_other_orders(shift: Shift) -> list[Shift]:
    """A composition of three parts with two neighbours exchanged."""
    parts = shift.components
    swapped = [(*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]) for i in range(len(parts) - 1)]
    return list(map(Compose, swapped)) if len(parts) == 3 else []


def _each_part_again(shift: Shift, fit: Pairs, task: Task) -> list[Shift]:
    """Of two parts, each estimated again beside the other, before it and after it.

    At first it was estimated beside the other's first estimate, or in the wrong place.
    """
    parts = shift.components
    if len(parts) != 2:
        return []
    beside = [(parts[1 - i], parts[i].family) for i in (0, 1)]
    return [
        c
        for known, family in beside
        for c in with_a_further_part([known], fit, task, lambda *_, family=family: [family])
    ]


def _fitted(shifts: Iterable[Shift], fit: Pairs, task: Task, count: int) -> list[Candidate]:
    """The most promising compositions, fitted jointly and scored.

    The first few are also tried in the other order, if they have two parts.
    """
    shifts = [either for shift in shifts for either in (shift, *_reversed_noise(shift))]
    ranking = screened(dict.fromkeys(shifts), task)
    ordered = [c.shift for c in ranking]
    # Screening sees few draws of what covers at random.
    covering = [shift for shift in ordered if any(part.random and part.covers for part in shift.components)]
    covering = _chosen(covering, task.settings.n_covering, 1)
    # Before the parameters are fitted together, what will pay for its parameters may leave much.
    nearest = [c.shift for c in sorted(ranking, key=lambda c: c.misfit)[: task.settings.n_nearest]]
    chosen = list(dict.fromkeys(_chosen(ordered, count, task.settings.n_alike) + covering + nearest))
    chosen += _promising([shift for shift in ordered if shift not in chosen], fit, task)
    likely = chosen[: task.settings.n_reversed]
    in_reverse = [Compose(s.parts[::-1]) for s in likely if isinstance(s, Compose) and len(s.parts) == 2]
    chosen = list(dict.fromkeys(chosen + in_reverse))
    fit_jointly = partial(fitted_jointly, pairs=fit)
    fitted = mapped(fit_jointly, chosen, task.counting("fitting shifts in a row"))
    fitted += mapped(fit_jointly, without_negligible_parameters(fitted) + without_idle_parts(fitted, fit))
    fitted += [last_part_again(shift, fit) for shift in with_integer_parameters(fitted)]
    best = screened_then_scored(dict.fromkeys(fitted), task)
    if _suffices(best) and not best[0].remake.noise_fraction:  # with noise, either order may fit
        return best
    best = ranked(best + _with_moved_noise(chosen, best, fit, task))
    return ranked(best + _in_other_forms(best, fit, task))


def _with_moved_noise(shifts: Iterable[Shift], best: Sequence[Candidate], fit: Pairs, task: Task) -> list[Candidate]:
    """The first compositions in which noise moves, under every other kernel that keeps noise.

    Only those that another kernel could still make the best.
    """
    limit = min([task.settings.hopeless, *(OTHER_KERNEL * c.misfit for c in best[:1] if c.fits)])
    near = {_kind(c.shift) for c in best if c.misfit < limit}
    moved_noise = [shift for shift in shifts if noise_moves(shift) and _kind(shift) in near]
    moved_noise = moved_noise[: task.settings.n_moved_noise]
    fitted: list[Shift] = []
    for resampling in KEEPING_NOISE:
        if resampling == current_resampling():
            continue  # under which all were fitted
        with resampled(resampling):
            counted = task.counting(f"fitting noise that moved ({resampling.kernel})")
            fitted += mapped(partial(fitted_jointly, pairs=fit), moved_noise, counted)
    return scored(dict.fromkeys(fitted), task)


def _in_other_forms(best: Sequence[Candidate], fit: Pairs, task: Task) -> list[Candidate]:
    """The first composition as other implementations blur.

    Only where it does not fit and a blur follows noise, which shows every weight of the kernel.
    """
    first = best[0] if best else None
    if first is None or not noise_blurs(first.shift) or first.misfit >= task.settings.hopeless or first.fits:
        return []
    fit_quickly = partial(fitted_jointly, pairs=fit.first(task.settings.n_quickly))
    counted = task.counting("fitting other forms of a blur")
    forms = screened(dict.fromkeys(mapped(fit_quickly, first.shift.alternatives().values(), counted)), task)
    return scored([fitted_jointly(c.shift, fit) for c in forms[: task.settings.n_promising]], task)


def _promising(shifts: Sequence[Shift], pairs: Pairs, task: Task) -> list[Shift]:
    """Further compositions without noise: those that cost least once fitted to a few pairs.

    Parts that were estimated one after the other may leave much of what both explain together.
    """
    budget = task.settings
    predictable = [shift for shift in shifts if not any(part.random for part in shift.components)]
    few = pairs.first(budget.n_quickly)
    few_of_each = _chosen(predictable, budget.quick_fits, 1)
    fitted = mapped(partial(fitted_jointly, pairs=few), few_of_each, task.counting("fitting shifts in a row quickly"))
    return [c.shift for c in screened(dict.fromkeys(fitted), task)[: budget.n_promising]]


def _reversed_noise(shift: Shift) -> list[Shift]:
    """Two parts in the other order, if one is noise.

    Noise was estimated as if it came last.
    """
    parts = shift.components
    return [Compose(parts[::-1])] if len(parts) == 2 and any(part.random for part in parts) else []


def _chosen(shifts: Iterable[Shift], count: int, alike: int) -> list[Shift]:
    """The first of the shifts: at most `count`, at most `alike` of the same families and scopes."""
    chosen: list[Shift] = []
    kinds: list[tuple[str, ...]] = []
    for shift in shifts:
        kind = _kind(shift)
        if kinds.count(kind) < alike and len(chosen) < count:
            chosen.append(shift)
            kinds.append(kind)
    return chosen


def _kind(shift: Shift) -> tuple[str, ...]:
    """Its families and scopes, in whatever order."""
    return tuple(sorted(f"{part.family} {part.scope}" for part in shift.components))
