"""Compositions of two shifts that look like one shift.

The one is a general linear map, a curve of grey values, or a threshold.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations, permutations, product
from typing import TypeVar

import numpy as np

from shiftassay.diagnosis.paired.candidate import estimate, estimates
from shiftassay.diagnosis.paired.joint import error_of, fitted_jointly, simplex
from shiftassay.diagnosis.paired.left_out import VISIBLE
from shiftassay.diagnosis.paired.remake import change_of
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

AnyShift = TypeVar("AnyShift", bound=Shift)

CLEARLY = 0.5  # of the squared error: what another order of a map and a mirror has to reach
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def two_linear_maps(pairs: Pairs, task: Task, affine: Shift | None = None) -> list[Shift]:
    """Compositions of two affine maps of few parameters, or of a mirror and one.

    A general affine map may be their product. Two maps are fitted together, beginning at their estimates; if `affine`
    is such a general map, at the member of each family nearest to its matrix. The best two are also fitted in the other
    order. A map after a mirror is estimated alone, and so is one before it where `affine` is given.
    """
    linear = [f for f in task.families if FAMILIES[f].linear]
    mirrors = _applicable([FAMILIES[f]() for f in task.families if FAMILIES[f].mirror], pairs)
    matrix = None if affine is None else affine.affine_map
    if matrix is not None:
        starts = {f: FAMILIES[f].from_affine(np.array(matrix)) for f in linear}
    else:
        estimated = mapped(partial(estimate, pairs=pairs), linear)
        starts = {f: FAMILIES[f].from_affine(np.array(IDENTITY)) for f in linear}
        starts |= {f: shifts[0] for f, shifts in zip(linear, estimated, strict=True) if shifts}
    two_part_shifts = [Compose((starts[f], starts[g])) for f, g in combinations(linear, 2)]
    fitted = mapped(partial(fitted_jointly, pairs=pairs), two_part_shifts, task.counting("fitting two maps in a row"))
    if fitted:
        best = _nearest(fitted, pairs)
        fitted.append(fitted_jointly(Compose(best.components[::-1]), pairs))
    mirrored = [(mirror, f) for mirror in mirrors for f in linear]
    after = mapped(partial(_estimate_after, pairs=pairs), mirrored)
    fitted += [Compose((m, shift)) for (m, _), shifts in zip(mirrored, after, strict=True) for shift in shifts]
    if affine is not None:
        before = mapped(partial(_estimate_before, pairs=pairs), mirrored)
        other = [Compose((shift, m)) for (m, _), shifts in zip(mirrored, before, strict=True) for shift in shifts]
        # Most maps before a mirror are maps of the same family after it.
        enough = CLEARLY * min((error_of(shift, pairs) for shift in fitted), default=np.inf)
        fitted += [shift for shift in other if error_of(shift, pairs) < enough]
    return fitted


def of_simpler_maps(shift: Shift, pairs: Pairs, task: Task) -> list[Shift]:
    """A composition with one or two simpler maps in the place of its first general one."""
    parts = shift.components
    for i, part in enumerate(parts):
        if part.general and part.scope == "shared":
            simpler = _simpler_maps(part, pairs, task)
            return [Compose((*parts[:i], *maps.components, *parts[i + 1 :])) for maps in simpler]
    return []


def of_more_general_maps(shift: Shift, pairs: Pairs, task: Task) -> list[Shift]:
    """A composition with a map of more parameters in the place of its first affine one.

    Fits begin there.
    """
    parts = shift.components
    for i, part in enumerate(parts):
        if part.affine_map is not None:
            larger = _other_general_maps(part, _alone(part, pairs), task)
            return [Compose((*parts[:i], general, *parts[i + 1 :])) for general in larger]
    return []


def of_other_curves(shift: Shift, pairs: Pairs, task: Task) -> list[Shift]:
    """A composition with another curve of grey values in the place of each of its own.

    It is the nearest of its family: beneath noise curves look alike.
    """
    parts, curves = shift.components, [f for f in task.families if FAMILIES[f].curve]
    return [
        Compose((*parts[:i], other, *parts[i + 1 :]))
        for i, part in enumerate(parts)
        if part.family in curves and part.scope == "shared" and len(parts) > 1
        for other in estimates([f for f in curves if f != part.family], _alone(part, pairs))
        if other.scope == "shared"
    ]


def _simpler_maps(general: Shift, pairs: Pairs, task: Task) -> list[Shift]:
    """The affine map nearest to a more general one, and simpler ones nearest to that."""
    alone = _alone(general, pairs)
    if general.affine_map is not None:
        affine, simpler = general, []
    else:
        others = _other_general_maps(general, alone, task)
        affine = next((shift for shift in others if shift.affine_map is not None), None)
        if affine is None:
            return []
        simpler = [affine]
    one = [FAMILIES[f].from_affine(np.array(affine.affine_map)) for f in task.families if FAMILIES[f].linear]
    return [*simpler, *one, *two_linear_maps(alone, task, affine)]


def _alone(part: Shift, pairs: Pairs) -> Pairs:
    """The reference before and after a part, and nothing else."""
    return Pairs(pairs.reference, part.apply(pairs.reference, np.random.default_rng(0)))


def _other_general_maps(part: Shift, alone: Pairs, task: Task) -> list[Shift]:
    """What the general maps of other families make of what one part did to all images."""
    others = [f for f in task.families if FAMILIES[f].general and not isinstance(part, FAMILIES[f])]
    return [shift for shift in estimates(others, alone) if shift.scope == "shared"]


def two_curves(pairs: Pairs, task: Task) -> list[Shift]:
    """Two curves of grey values, fitted together from the best point of a grid.

    A curve has one parameter.
    """
    few = pairs.first(task.settings.n_screened)
    compositions: list[Shift] = []
    for two_families in permutations([FAMILIES[f] for f in task.families if FAMILIES[f].curve], 2):
        grid = product(*(next(iter(family.search.values())).starts for family in two_families))
        starts = [
            Compose(
                tuple(
                    family.from_numbers(np.array([number]))
                    for family, number in zip(two_families, numbers, strict=True)
                )
            )
            for numbers in grid
        ]
        compositions.append(fitted_jointly(_nearest(starts, few), pairs))
    return compositions


def depends_on_value_alone(pairs: Pairs, task: Task) -> bool:
    """Whether the grey value of a shifted pixel depends on that of the reference pixel alone."""
    values = np.clip(np.rint(pairs.reference * 255), 0, 255).astype(np.int64).ravel()
    after = pairs.shifted.ravel().astype(np.float64)
    counts = np.bincount(values, minlength=256)
    mean = np.bincount(values, after, 256) / np.maximum(counts, 1)
    return float(np.mean((after - mean[values]) ** 2)) < task.settings.by_value * change_of(pairs)


def ending_in_two_values(pairs: Pairs, task: Task) -> list[Shift]:
    """Compositions of which the last part may have left two grey values; none if there are more.

    What was done first can't be seen in such images: `hides_blur` and `hides_moves` are traits of the last part.
    """
    few = pairs.first(task.settings.n_screened)
    if len(np.unique(few.shifted)) != 2:
        return []
    compositions: list[Shift] = []
    for last in (f for f in task.families if FAMILIES[f].hides_blur):
        for blur in (FAMILIES[f] for f in task.families if FAMILIES[f].point_spread):
            starts = blur.search_starts(few)
            two_part_shifts = [shift for start in starts for shift in _followed_by(blur.from_numbers(start), last, few)]
            if two_part_shifts:
                compositions.append(simplex(_nearest(two_part_shifts, few), pairs, tuple(FAMILIES[last].search)))
    for last in (f for f in task.families if FAMILIES[f].hides_moves):
        # The result moves as the picture before it: so the move is estimated after the last part, then put before it.
        unmoved = [shift for shift in estimates([last], pairs) if shift.scope == "shared"] or [FAMILIES[last]()]
        remade = unmoved[0].apply(pairs.reference, np.random.default_rng(0))
        moving = [f for f in task.families if FAMILIES[f].linear or FAMILIES[f].mirror]
        moved = estimates(moving, Pairs(remade, pairs.shifted))
        followed = [two for shift in moved if (two := _followed_by(shift, last, pairs))]
        free = tuple(FAMILIES[last].search)
        compositions += [simplex(_nearest(two, few), pairs, free, fixed_groups=frozenset()) for two in followed]
    return compositions


def with_integer_parameters(shifts: Iterable[Shift]) -> list[Shift]:
    """Those compositions with nearly integer parameters, rounded to integers."""
    return _changed(lambda shift: shift.rounded(), shifts)


def without_negligible_parameters(shifts: Iterable[Shift]) -> list[Shift]:
    """Those compositions with a negligible parameter, without it."""
    return _changed(lambda shift: shift.without_negligible(), shifts)


def without_idle_parts(shifts: Iterable[Shift], pairs: Pairs) -> list[Shift]:
    """Those compositions with a part that does nothing, without it.

    It changes no value of the reference by a byte.
    """

    def acts(part: Shift) -> bool:
        if part.random or part.scope != "shared":
            return True
        return float(np.abs(part.apply(pairs.reference, np.random.default_rng(0)) - pairs.reference).max()) >= VISIBLE

    def without(shift: Shift) -> Shift:
        acting = tuple(filter(acts, shift.components))
        if not 0 < len(acting) < len(shift.components):
            return shift
        return acting[0] if len(acting) == 1 else Compose(acting)

    return _changed(without, shifts)


def _changed(change: Callable[[Shift], Shift], shifts: Iterable[Shift]) -> list[Shift]:
    compositions = [shift for shift in shifts if isinstance(shift, Compose)]
    return [other for shift in compositions if (other := change(shift)) is not shift]


def _estimate_after(first_and_family: tuple[Shift, str], pairs: Pairs) -> list[Shift]:
    """A family's estimates of what happened after a first part."""
    first, family = first_and_family
    return estimate(family, Pairs(first.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted))


def _estimate_before(last_and_family: tuple[Shift, str], pairs: Pairs) -> list[Shift]:
    """A family's estimates of what happened before a last part that can be undone."""
    last, family = last_and_family
    undone = last.undo(pairs.shifted, np.random.default_rng(0))
    return [] if undone is None else estimate(family, Pairs(pairs.reference, undone))


def _followed_by(first: Shift, last: str, pairs: Pairs) -> list[Compose]:
    """A first part, and a family's shared estimates of what happened after it."""
    remade = first.apply(pairs.reference, np.random.default_rng(0))
    after = estimates([last], Pairs(remade, pairs.shifted))
    return [Compose((first, shift)) for shift in after if shift.scope == "shared"]


def _nearest(shifts: Sequence[AnyShift], pairs: Pairs) -> AnyShift:
    """The shift of least squared error."""
    return min(shifts, key=lambda shift: error_of(shift, pairs))


def _applicable(shifts: Iterable[Shift], pairs: Pairs) -> list[Shift]:
    """Those that can be applied to images of this size."""
    return [shift for shift in shifts if type(shift).allowed({}, pairs.reference) is not None]
