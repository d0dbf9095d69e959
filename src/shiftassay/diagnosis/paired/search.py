"""Looking for the shift between pairs: every family, then two and three of them in a row.

Parameters are fitted to one part of the pairs, and candidates are ranked on another, by what their remake leaves and by how many
numbers they are free to choose. A first part of a composition is found although another follows, since a linear map of grey values
is left free; what follows is looked for between its remake and the shifted set, what went before between the reference and the
shifted set with it undone.
"""

from collections.abc import Callable

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, estimates, fits, judged, ranked, settled, tried
from shiftassay.diagnosis.paired.compositions import compositions
from shiftassay.diagnosis.paired.hidden import linear_pairs, with_whole_numbers
from shiftassay.diagnosis.paired.remake import moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift


@one_thread_each()
def search(task: Task, aimed: Callable[[], bool] = lambda: False) -> list[Candidate]:
    """All that was tried, best first.

    Where no single shift fits, `aimed` is asked whether the change is an attack's, which no composition would make.
    """
    tiers = sorted({FAMILIES[family].tier for family in task.families})
    found: list[Candidate] = []
    for tier in tiers:
        if found and settled(found[0]):
            return found
        families = [family for family in task.families if FAMILIES[family].tier == tier]
        found = ranked(found + tried(estimates(families, task.fit), task))
    if found and settled(found[0]):
        return found
    if found and found[0].misfit < thresholds.PERFECT and not found[0].remade.chance:
        return ranked(found + judged(_simpler(found[0].shift, task), task))
    negatives = [FAMILIES[family]() for family in task.families if FAMILIES[family].negative]
    if task.fit.on_white and negatives:
        found = ranked(found + judged(_with_white_moving_in(negatives, task), task))
        if fits(found[0]):
            return found
    if aimed():
        return found
    return ranked(found + compositions(found, task))


def _with_white_moving_in(negatives: list[Shift], task: Task) -> list[Shift]:
    """Pictures on white moved as those on black are: inverted, moved, and inverted back."""
    moving = [f for f in task.families if FAMILIES[f].group == "geometry" and FAMILIES[f].tier < 2]
    fit = Pairs(1 - task.fit.reference, 1 - task.fit.shifted)
    moved = [how for how in estimates(moving, fit) if moves(how)]
    return [Compose((negative, how, negative)) for negative in negatives for how in moved]


def _simpler(exact: Shift, task: Task) -> list[Shift]:
    """Shifts in a row with fewer numbers than one that fits but has many."""
    fit = task.fit.first(task.settings.composed)
    factors = exact.factors(fit)
    if factors is None:
        found = linear_pairs(fit, task, exact)
        return found + with_whole_numbers(found)
    smooth = linear_pairs(fit, task) if exact.permutes_smoothly(fit) else []
    return smooth + [how for how in factors if all(part.family in task.families for part in how.components)]
