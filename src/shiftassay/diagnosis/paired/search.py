"""The search for the shift between pairs: every family alone, then two and three in a row.

The package's docstring tells how it works.
"""

from collections.abc import Callable

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, estimates, fits, judged, ranked, settled, tried
from shiftassay.diagnosis.paired.compositions import compositions
from shiftassay.diagnosis.paired.hidden import linear_pairs, with_whole_numbers
from shiftassay.diagnosis.paired.joint import fitted_jointly
from shiftassay.diagnosis.paired.remake import moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity


@one_thread_each()
def search(task: Task, is_attack: Callable[[], bool] = lambda: False) -> list[Candidate]:
    """All candidates, best first.

    Where no single shift fits, `is_attack` is asked whether the change is one: then no composition is looked for.
    """
    candidates: list[Candidate] = []
    for tier in sorted({FAMILIES[family].tier for family in task.families}):
        if candidates and settled(candidates[0]):
            return candidates
        families = [family for family in task.families if FAMILIES[family].tier == tier]
        candidates = ranked(candidates + tried(estimates(families, task.fit), task))
    if candidates and settled(candidates[0]):
        return candidates
    if candidates and candidates[0].misfit < thresholds.SETTLED_MISFIT and not candidates[0].remake.noise_fraction:
        return ranked(candidates + judged(_simpler(candidates[0].shift, task), task))
    negatives = [FAMILIES[family]() for family in task.families if FAMILIES[family].negative]
    if task.fit.on_white and negatives:
        candidates = ranked(candidates + judged(_moved_on_white(negatives, task), task))
        if fits(candidates[0]):
            return candidates
    if is_attack():
        return candidates
    return ranked(candidates + compositions(candidates, task))


@one_thread_each()
def search_again(task: Task, is_attack: Callable[[], bool], *, shift: Shift) -> list[Candidate]:
    """Search for one known shift: its parameters are estimated from these pairs.

    No candidates if they can't be.
    """
    parts = [part for part in shift.components if part.family in task.families]
    if len(parts) > 1:
        composition = Compose(tuple(parts))
        return judged([fitted_jointly(composition, task.fit.first(task.settings.composed))], task)
    single = parts[0] if parts else Identity()
    return tried([e for e in estimates([single.family], task.fit) if e.scope == single.scope], task)


def _moved_on_white(negatives: list[Shift], task: Task) -> list[Shift]:
    """Geometric shifts of pictures on white, where white moves in.

    Inverted, moved as pictures on black are, and inverted back.
    """
    moving = [f for f in task.families if FAMILIES[f].group == "geometry" and FAMILIES[f].tier < 2]
    fit = Pairs(1 - task.fit.reference, 1 - task.fit.shifted)
    moved = [shift for shift in estimates(moving, fit) if moves(shift)]
    return [Compose((negative, shift, negative)) for negative in negatives for shift in moved]


def _simpler(exact: Shift, task: Task) -> list[Shift]:
    """Compositions with fewer parameters than a shift that fits but has many."""
    fit = task.fit.first(task.settings.composed)
    factors = exact.factors(fit)
    if factors is None:
        pairs = linear_pairs(fit, task, exact)
        return pairs + with_whole_numbers(pairs)
    smooth = linear_pairs(fit, task) if exact.permutes_smoothly(fit) else []
    return smooth + [shift for shift in factors if all(part.family in task.families for part in shift.components)]
