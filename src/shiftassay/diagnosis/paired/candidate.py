"""Candidates for a verdict: estimated by their families, judged on held-out pairs, ranked by misfit and complexity."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.joint import rounded
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift, how well its remake fits, and its cost: the logarithm of the misfit, its complexity and what it leaves to chance.

    `misfit` is weighed for comparing candidates (see `Remake.weighted_misfit`); what is said of one, and `fits`, take its remake's own.
    """

    remade: Remake
    cost: float

    @property
    def shift(self) -> Shift:
        return self.remade.shift

    @property
    def misfit(self) -> float:
        return self.remade.weighted_misfit


def fits(best: Candidate) -> bool:
    """Whether a candidate can be a verdict."""
    return best.remade.misfit <= limit(best)


def limit(best: Candidate) -> float:
    """The misfit up to which a candidate can be a verdict: less, the more it was free to choose, for many numbers bend towards anything."""
    group, parts = best.shift.group, best.shift.components
    if all(part.exact for part in parts):
        least = thresholds.EXACT_MISFIT
    elif len(parts) > 1 and all(part.scope == "shared" and part.group != "rearrangement" for part in parts):
        least = thresholds.SHARED_MISFIT
    else:
        least = thresholds.BLURRED_MISFIT if group == "blur" else thresholds.SURE_MISFIT
    most = {"several": thresholds.COMPOSED_MISFIT, "noise": thresholds.NOISE_MISFIT}.get(
        group, thresholds.RANDOM_MISFIT
    )
    by_chance = 1.0 if any(part.approximate for part in parts) else best.remade.chance
    tolerated = least + (most - least) * by_chance**0.5
    beyond = max(complexity_penalty(best.shift) - thresholds.FREE_COMPLEXITY, 0.0)
    return tolerated * float(np.exp(-thresholds.STRAIN * beyond))


def settled(best: Candidate) -> bool:
    """Whether a candidate fits so well that nothing with more numbers can win."""
    good_enough = thresholds.GOOD if best.remade.chance else thresholds.PERFECT
    return best.misfit < good_enough and complexity_penalty(best.shift) < thresholds.COMPLEX


def estimates(families: Iterable[str], pairs: Pairs) -> list[Shift]:
    """What each of the families guesses."""
    return [how for found in mapped(partial(estimate, pairs=pairs), families) for how in found]


def estimate(family: str, pairs: Pairs) -> list[Shift]:
    """A family's guesses that change anything; none where its fit left what the family allows."""
    try:
        return [how for how in FAMILIES[family].estimate(pairs) if how.group == "none" or _changes_anything(how, pairs)]
    except (BadInput, np.linalg.LinAlgError):
        return []


def tried(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The most promising of the shifts, judged: a look at a few pairs sorts out the rest."""
    many = task.settings.judged
    looked = looked_at(shifts, task)
    best = judged([c.shift for c in looked[:many]], task)
    nearest = [c for c in best if c.remade.how.kernel == "nearest" and 0 < c.misfit < thresholds.HOPELESS]
    again = [rounded(c.shift, task.fit, c.remade.how) for c in nearest if c.shift.search and c.shift.scope == "shared"]
    return ranked(best + judged(again, task) + looked[many:])


def looked_at(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts judged on a few pairs, resampled as we do it."""
    return _judged(shifts, task.held.first(task.settings.screened), task.seed, others=False)


def judged(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts judged on all held-out pairs, resampled as others do it too; best first."""
    return _judged(shifts, task.held, task.seed, others=True)


def ranked(found: list[Candidate]) -> list[Candidate]:
    """Those that could be a verdict first; the cost only decides among them, and among the rest."""
    return sorted(found, key=lambda c: (not fits(c), c.cost))


def _judged(shifts: Iterable[Shift], held: Pairs, seed: int, others: bool) -> list[Candidate]:
    found = mapped(partial(_candidate, held=held, seed=seed, others=others), shifts)
    return ranked([candidate for candidate in found if candidate is not None])


def _candidate(how: Shift, held: Pairs, seed: int, others: bool) -> Candidate | None:
    try:
        remade = remake(how, held, seed, others)
    except (BadInput, np.linalg.LinAlgError):
        return None
    if 0 < remade.chance < thresholds.FAINT and _ends_noisy(how):
        return None
    if remade.weighted_misfit > thresholds.IMITATED and any(part.permutes_smoothly(held) for part in how.components):
        return None
    general = any(part.general for part in how.components) and remade.how.kernel == "nearest"
    floor = thresholds.NO_MISFIT_OF_NEIGHBOURS if general else thresholds.NO_MISFIT
    by_chance = thresholds.RANDOM * remade.chance
    return Candidate(remade, float(np.log(remade.weighted_misfit + floor)) + complexity_penalty(how) + by_chance)


def _changes_anything(how: Shift, pairs: Pairs) -> bool:
    """What was fitted to nothing does not."""
    few = pairs.reference[:16]
    return not np.allclose(how.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def _ends_noisy(how: Shift) -> bool:
    """Whether a part is noise, and no blur follows that would leave little of it."""
    groups = [part.group for part in how.components]
    return "noise" in groups and "blur" not in groups[groups.index("noise") :]
