"""The search for the shift between pairs: every family alone, then two and three in a row.

The package's docstring tells how it works.
"""

from collections.abc import Callable

from shiftassay.diagnosis.paired.candidate import (
    Candidate,
    estimates,
    first_that_fits,
    room_for_more,
    scored,
    screened_then_scored,
    settled,
)
from shiftassay.diagnosis.paired.compositions import compositions, recolored
from shiftassay.diagnosis.paired.fills import evident_fill, moving
from shiftassay.diagnosis.paired.hidden import two_linear_maps, with_integer_parameters
from shiftassay.diagnosis.paired.joint import fitted_jointly
from shiftassay.diagnosis.paired.remake import moves
from shiftassay.diagnosis.paired.task import Task
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.moved import as_in, moving_in


@one_thread_each()
def search(task: Task, is_attack: Callable[[], bool] = lambda: False) -> list[Candidate]:
    """All candidates, best first.

    `is_attack` returns whether the change is an adversarial attack's. It is asked, even if a single shift fits, unless
    one is settled, nearly exact, or moves another fill in. If it is true, compositions are not tried.
    """
    candidates: list[Candidate] = []
    tried: list[str] = []

    def count(done: int, _: int) -> None:
        task.watch("trying single shifts", len(tried) + done, len(task.families))

    for tier in sorted({FAMILIES[family].tier for family in task.families}):
        if settled(candidates):
            break
        families = [family for family in task.families if FAMILIES[family].tier == tier]
        candidates = first_that_fits(candidates + screened_then_scored(estimates(families, task.fit, count), task))
        tried += families
    if candidates and candidates[0].fits and moves(candidates[0].shift):
        candidates = first_that_fits(candidates + scored(recolored(candidates[0].shift, task), task))
    if settled(candidates):
        return candidates
    if candidates and candidates[0].fits and not candidates[0].remake.noise_fraction:
        # It fits: perhaps by its many parameters, a move perhaps as implementations of moves differ by so much.
        candidates = first_that_fits(candidates + scored(_simpler(candidates[0].shift, task), task))
        if not (moves(candidates[0].shift) and room_for_more(candidates[0])):
            return candidates
    fill = evident_fill(task.families, task.composed)
    if fill != "black":
        with moving_in(fill):
            moved = estimates(moving(task.families), task.fit)
        candidates = first_that_fits(candidates + screened_then_scored(moved, task))
        if candidates and candidates[0].fits:
            return candidates
    if is_attack():
        return candidates
    candidates = first_that_fits(candidates + compositions(candidates, task))
    if fill != "black" and not (candidates and candidates[0].fits):
        with moving_in(fill):
            candidates = first_that_fits(candidates + compositions(candidates, task))
    return candidates


@one_thread_each()
def search_again(task: Task, is_attack: Callable[[], bool], *, shift: Shift) -> list[Candidate]:
    """Search for one known shift: its parameters are estimated from these pairs.

    The fit of a composition begins at the known parameters. Parts of families that the task does not allow are dropped;
    without any part, the shift is the identity. Empty if the parameters can't be estimated.
    """
    parts = [part for part in shift.components if part.family in task.families]
    with as_in(shift):
        if len(parts) > 1:
            composition = Compose(tuple(parts))
            return scored([fitted_jointly(composition, task.composed)], task)
        single = parts[0] if parts else Identity()
        return screened_then_scored([e for e in estimates([single.family], task.fit) if e.scope == single.scope], task)


def _simpler(many_parameters: Shift, task: Task) -> list[Shift]:
    """Compositions with fewer parameters than a shift that is nearly exact but has many."""
    fit = task.composed
    factors = many_parameters.in_simpler_parts(fit)
    if factors is None:
        two_part_shifts = two_linear_maps(fit, task, many_parameters)
        return two_part_shifts + with_integer_parameters(two_part_shifts)
    smooth = two_linear_maps(fit, task) if many_parameters.permutes_smoothly(fit) else []
    return smooth + [shift for shift in factors if all(part.family in task.families for part in shift.components)]
