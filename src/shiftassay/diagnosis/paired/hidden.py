"""Two shifts in a row that look like one: what a general map of places hides, or a curve of values, or a threshold."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations, permutations, product
from typing import TypeVar

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import estimate, estimates
from shiftassay.diagnosis.paired.joint import polished, simplex
from shiftassay.diagnosis.paired.remake import change_of
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

How = TypeVar("How", bound=Shift)

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def linear_pairs(pairs: Pairs, task: Task, exact: Shift | None = None) -> list[Shift]:
    """Two linear maps of places, or a mirror and one, fitted together: what a general affine map would hide.

    If that map is known, they begin with what it has of each.
    """
    linear = [f for f in task.families if FAMILIES[f].linear]
    mirrors = _possible([FAMILIES[f]() for f in task.families if FAMILIES[f].mirror], pairs)
    matrix = None if exact is None else exact.affine_map
    if matrix is not None:
        begun = {f: FAMILIES[f].from_affine(np.array(matrix)) for f in linear}
    else:
        found = mapped(partial(estimate, pairs=pairs), linear)
        begun = {f: FAMILIES[f].from_affine(np.array(IDENTITY)) for f in linear}
        begun |= {f: hows[0] for f, hows in zip(linear, found, strict=True) if hows}
    both = [Compose((begun[f], begun[g])) for f, g in combinations(linear, 2)]
    fitted = mapped(partial(polished, pairs=pairs), both)
    if fitted:
        best = _nearest(fitted, pairs)
        fitted.append(polished(Compose(best.components[::-1]), pairs))
    asked = [(mirror, f) for mirror in mirrors for f in linear]
    after = mapped(partial(_after, pairs=pairs), asked)
    return fitted + [Compose((mirror, how)) for (mirror, _), hows in zip(asked, after, strict=True) for how in hows]


def of_simpler_maps(how: Shift, pairs: Pairs, task: Task) -> list[Shift]:
    """A composition with two simpler maps in the place of a general one."""
    parts = how.components
    for i, part in enumerate(parts):
        if part.affine_map is not None:
            alone = Pairs(pairs.reference, part.apply(pairs.reference, np.random.default_rng(0)))
            simpler = linear_pairs(alone, task, part)
            return [Compose((*parts[:i], *two.components, *parts[i + 1 :])) for two in simpler]
    return []


def curve_pairs(pairs: Pairs, task: Task) -> list[Shift]:
    """Two curves of grey values, fitted together from the best of a grid."""
    few = pairs.first(task.settings.screened)
    found: list[Shift] = []
    for both in permutations([FAMILIES[f] for f in task.families if FAMILIES[f].curve], 2):
        numbers = product(*(next(iter(family.search.values())).starts for family in both))
        starts = [
            Compose(tuple(family.from_numbers(np.array([number])) for family, number in zip(both, start, strict=True)))
            for start in numbers
        ]
        found.append(polished(_nearest(starts, few), pairs))
    return found


def by_value(pairs: Pairs) -> bool:
    """Whether what became of a pixel depends on its grey value alone."""
    values = np.clip(np.rint(pairs.reference * 255), 0, 255).astype(np.int64).ravel()
    after = pairs.shifted.ravel().astype(np.float64)
    counts = np.bincount(values, minlength=256)
    mean = np.bincount(values, after, 256) / np.maximum(counts, 1)
    return float(np.mean((after - mean[values]) ** 2)) < thresholds.BY_VALUE * change_of(pairs)


def two_valued(pairs: Pairs, task: Task) -> list[Shift]:
    """What may come before a shift that leaves two values: they do not look like what was done first."""
    few = pairs.first(task.settings.screened)
    if len(np.unique(few.shifted)) != 2:
        return []
    found: list[Shift] = []
    for last in (f for f in task.families if FAMILIES[f].hides_blur):
        for blur in (FAMILIES[f] for f in task.families if FAMILIES[f].point_spread):
            starts = blur.search_starts(few.reference.shape[2:])
            both = [how for start in starts for how in _followed_by(last, blur.from_numbers(start), few)]
            if both:
                found.append(simplex(_nearest(both, few), pairs, tuple(FAMILIES[last].search)))
    for last in (f for f in task.families if FAMILIES[f].hides_moves):
        made = FAMILIES[last]().apply(pairs.reference, np.random.default_rng(0))
        moving = [f for f in task.families if FAMILIES[f].linear or FAMILIES[f].mirror]
        moved = estimates(moving, Pairs(made, pairs.shifted))
        found += [both for how in moved for both in _followed_by(last, how, pairs)]
    return found


def with_whole_numbers(found: Iterable[Shift]) -> list[Shift]:
    """Those compositions that nearly have whole numbers, with these."""
    return _changed(lambda how: how.rounded(), found)


def without_idle_numbers(found: Iterable[Shift]) -> list[Shift]:
    """Those compositions that have a number which hardly matters, without it."""
    return _changed(lambda how: how.without_negligible(), found)


def _changed(change: Callable[[Shift], Shift], found: Iterable[Shift]) -> list[Shift]:
    compositions = [how for how in found if isinstance(how, Compose)]
    return [other for how in compositions if (other := change(how)) is not how]


def _after(asked: tuple[Shift, str], pairs: Pairs) -> list[Shift]:
    """What a family guesses of what may have happened after a first part."""
    first, family = asked
    return estimate(family, Pairs(first.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted))


def _followed_by(last: str, first: Shift, pairs: Pairs) -> list[Compose]:
    """A shift, and a family's guesses at what became of its remake."""
    made = first.apply(pairs.reference, np.random.default_rng(0))
    return [Compose((first, how)) for how in estimates([last], Pairs(made, pairs.shifted)) if how.scope == "shared"]


def _nearest(shifts: Sequence[How], pairs: Pairs) -> How:
    """The shift of least squared error."""
    rng = np.random.default_rng(0)
    return min(shifts, key=lambda how: pairs.errors(how.apply(pairs.reference, rng)).mean())


def _possible(shifts: Iterable[Shift], pairs: Pairs) -> list[Shift]:
    """Those that images of this size can be given."""
    return [how for how in shifts if type(how).allowed({}, pairs.reference) is not None]
