"""What a further part of a composition has to explain, beside the parts that are known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from shiftassay.diagnosis.paired.candidate import estimate
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.compose import Compose, beneath, infer_first_part, is_linear
from shiftassay.shifts.estimation.fitting import Refit, trimmed
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

Place = Literal["after", "before"]
Partners = Callable[[Sequence[Shift], Sequence[str]], list[str]]


@dataclass(frozen=True, eq=False)
class _Subproblem:
    """What a further part has to explain: pairs after, or before, a composition's known parts.

    Where these can't be undone, what came before them is estimated as if it came after: a start for a joint fit.
    """

    family: str
    pairs: Pairs
    parts: tuple[Shift, ...]
    places: tuple[Place, ...]

    def compositions_with(self, shift: Shift) -> list[Compose]:
        further = shift.components
        ordered = {"after": (*self.parts, *further), "before": (*further, *self.parts)}
        return [Compose(ordered[place]) for place in self.places]


def with_a_further_part(
    firsts: Iterable[Shift], pairs: Pairs, task: Task, partners: Partners | None = None
) -> list[Shift]:
    """Each of the shifts composed with one more, after it or before it.

    Covered pixels are outliers, which bias a least-squares fit: so each shift is also fitted robustly and composed with
    the families that cover.
    """
    partners = partners or usual_partners
    by_first = {first: others for first in firsts if (others := partners(first.components, task.families))}
    subproblems = [s for first, others in by_first.items() for s in _subproblems(first, others, pairs)]
    robust = mapped(partial(_fitted_robustly, pairs=pairs), by_first, task.counting("fitting first parts"))
    for first, others in zip(robust, by_first.values(), strict=True):
        if first is not None:
            covering = [f for f in others if FAMILIES[f].covers or FAMILIES[f].group == "overlay"]
            subproblems += _subproblems(first, covering, pairs)
    estimated = mapped(_estimate, subproblems, task.counting("trying shifts in a row"))
    solved = zip(subproblems, estimated, strict=True)
    completed = [c for subproblem, shifts in solved for shift in shifts for c in subproblem.compositions_with(shift)]
    return [shift for shift in completed if not _hidden_by_noise(shift, pairs, task.families)]


def _subproblems(first: Shift, others: Sequence[str], pairs: Pairs) -> list[_Subproblem]:
    """What each other family has to explain: what happened after a first part, or before it.

    After: from the first part's remake to the shifted images. Before: from the reference to the shifted images with the
    first part undone, if it can be.
    """
    parts = first.components
    inferred = infer_first_part(first, pairs)
    after = Pairs(inferred.apply(pairs.reference, np.random.default_rng(0)), pairs.shifted)
    adding = [f for f in others if FAMILIES[f].adds] if is_linear(parts) else []
    others_than_adding = [f for f in others if f not in adding]
    undone = _undone(inferred, pairs.shifted)

    def of(families: Sequence[str], side: Pairs, *places: Place) -> list[_Subproblem]:
        return [_Subproblem(family, side, parts, places) for family in families]

    if undone is None:
        subproblems = of(others_than_adding, after, "after", "before")
    else:
        subproblems = of(others_than_adding, after, "after")
        subproblems += of(others_than_adding, Pairs(pairs.reference, undone), "before")
    if adding:
        subproblems += of(adding, after, "after")
        subproblems += of(adding, beneath(parts, pairs.reference, pairs.shifted), "before")
    return subproblems


def followed_by_one_of(families: Sequence[str], first: Shift, pairs: Pairs) -> list[Shift]:
    """The first part with each of the families after it."""
    after = [s for s in _subproblems(first, families, pairs) if "after" in s.places]
    return [Compose((*s.parts, *shift.components)) for s in after for shift in _estimate(s)]


def _undone(shift: Shift, images: Images) -> Images | None:
    """The images with all of the parts undone; None if one of them can't be."""
    before: Images | None = images
    for part in reversed(shift.components):
        before = None if before is None else part.undo(before, np.random.default_rng(0))
    return before


def _estimate(subproblem: _Subproblem) -> list[Shift]:
    return estimate(subproblem.family, subproblem.pairs)


def _hidden_by_noise(shift: Shift, pairs: Pairs, families: Sequence[str]) -> bool:
    """Whether noise makes a part indistinguishable from a simpler family's shift."""
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
        numbers = trimmed(family, np.vstack([begin, first.search_starts(pairs)]), pairs)
        return None if numbers is None or np.allclose(numbers, begin, atol=1e-3) else family.from_numbers(numbers)
    except (BadInput, np.linalg.LinAlgError):
        return None


def usual_partners(parts: Sequence[Shift], families: Sequence[str]) -> list[str]:
    """The families that may come before or after all of the parts."""
    if any(part.group == "noise" for part in parts):
        return []
    return [f for f in families if FAMILIES[f].composable() and all(_may_complete(f, part) for part in parts)]


def partners_completed_by(parts: Sequence[Shift], families: Sequence[str]) -> list[str]:
    """The other way round: families that these parts may complete and that are no `usual_partners`.

    Their shifts may have explained too little by themselves to be first parts.
    """
    usual = usual_partners(parts, families)
    composable = [f for f in families if FAMILIES[f].composable() and f not in usual]
    return [f for f in composable if all(part.group in FAMILIES[f].completed_by for part in parts)]


def _may_complete(family: str, part: Shift) -> bool:
    return FAMILIES[family].group in part.completed_by or part.group in FAMILIES[family].completes
