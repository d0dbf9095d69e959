"""Candidates for a verdict: estimated, judged on held-out pairs, ranked by cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.joint import fitted_to_nearest
from shiftassay.diagnosis.paired.mismatch import Target
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift, its remake on held-out pairs, and its cost.

    The cost is log(misfit + tolerance) + complexity penalty + noise penalty.
    `misfit` is the weighted one, by which candidates are compared; what a reader is told, and `fits`, take that of
    the remake.
    """

    remake: Remake
    cost: float

    @property
    def shift(self) -> Shift:
        return self.remake.shift

    @property
    def draws(self) -> Shift:
        """The shift with its per-image parameters inferred from the held-out pairs."""
        return self.remake.draws

    @property
    def misfit(self) -> float:
        return self.remake.weighted_misfit


def fits(candidate: Candidate) -> bool:
    """Whether a candidate can be a verdict."""
    return candidate.remake.misfit <= limit(candidate)


def limit(candidate: Candidate) -> float:
    """The largest misfit of a verdict.

    It is lower for more complex shifts: with many parameters, anything can be imitated.
    """
    group, parts = candidate.shift.group, candidate.shift.components
    if all(part.exact for part in parts):
        lowest = thresholds.EXACT_MISFIT
    elif len(parts) > 1 and all(part.scope == "shared" and part.group != "rearrangement" for part in parts):
        lowest = thresholds.SHARED_MISFIT
    else:
        lowest = thresholds.BLURRED_MISFIT if group == "blur" else thresholds.SURE_MISFIT
    highest = {"several": thresholds.COMPOSED_MISFIT, "noise": thresholds.NOISE_MISFIT}.get(
        group, thresholds.RANDOM_MISFIT
    )
    noise = 1.0 if any(part.approximate for part in parts) else candidate.remake.noise_fraction
    allowed = lowest + (highest - lowest) * noise**0.5
    excess = max(complexity_penalty(candidate.shift) - thresholds.FREE_COMPLEXITY, 0.0)
    return allowed * float(np.exp(-thresholds.LIMIT_PER_COMPLEXITY * excess))


def settled(best: Candidate) -> bool:
    """Whether a candidate fits so well that nothing with more parameters can win."""
    good_enough = thresholds.SETTLED_NOISY_MISFIT if best.remake.noise_fraction else thresholds.SETTLED_MISFIT
    return best.misfit < good_enough and complexity_penalty(best.shift) < thresholds.COMPLEX


def estimates(families: Iterable[str], pairs: Pairs) -> list[Shift]:
    """The estimates of all of the families."""
    return [shift for of_family in mapped(partial(estimate, pairs=pairs), families) for shift in of_family]


def estimate(family: str, pairs: Pairs) -> list[Shift]:
    """A family's estimates that change anything.

    None where its fit ends at parameters that the family does not allow.
    """
    try:
        return [
            shift
            for shift in FAMILIES[family].estimate(pairs)
            if shift.group == "none" or _changes_anything(shift, pairs)
        ]
    except (BadInput, np.linalg.LinAlgError):
        return []


def tried(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts as candidates, best first.

    All get a first look; the most promising are judged on all pairs.
    """
    count = task.settings.judged
    screened = looked_at(shifts, task)
    best = judged([c.shift for c in screened[:count]], task)
    nearest = [c for c in best if c.remake.resampling.kernel == "nearest" and 0 < c.misfit < thresholds.HOPELESS]
    refitted = [
        fitted_to_nearest(c.shift, task.fit, c.remake.resampling)
        for c in nearest
        if c.shift.search and c.shift.scope == "shared"
    ]
    return ranked(best + judged(refitted, task) + screened[count:])


def looked_at(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, judged on a few held-out pairs with our resampling alone; best first."""
    return _judged(shifts, task.first_target, task.seed, all_resamplings=False)


def judged(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, judged on all held-out pairs with every usual resampling; best first."""
    return _judged(shifts, task.target, task.seed, all_resamplings=True)


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """By cost; those that fit first."""
    return sorted(candidates, key=lambda c: (not fits(c), c.cost))


def _judged(shifts: Iterable[Shift], target: Target, seed: int, all_resamplings: bool) -> list[Candidate]:
    candidates = mapped(partial(_candidate, target=target, seed=seed, all_resamplings=all_resamplings), shifts)
    return ranked([candidate for candidate in candidates if candidate is not None])


def _candidate(shift: Shift, target: Target, seed: int, all_resamplings: bool) -> Candidate | None:
    """None for a shift that can't be applied to these images, or that only imitates others."""
    try:
        best = remake(shift, target, seed, all_resamplings)
    except (BadInput, np.linalg.LinAlgError):
        return None
    if 0 < best.noise_fraction < thresholds.FAINT_NOISE and _ends_noisy(shift):
        return None
    misfit = best.weighted_misfit
    if misfit > thresholds.PERMUTATION_MISFIT and any(p.permutes_smoothly(target.pairs) for p in shift.components):
        return None
    general = any(part.general for part in shift.components) and best.resampling.kernel == "nearest"
    tolerance = thresholds.TOLERANCE_OF_NEAREST if general else thresholds.TOLERANCE
    noise_penalty = thresholds.NOISE_PENALTY * best.noise_fraction
    return Candidate(best, float(np.log(misfit + tolerance)) + complexity_penalty(shift) + noise_penalty)


def _changes_anything(shift: Shift, pairs: Pairs) -> bool:
    few = pairs.reference[:16]
    return not np.allclose(shift.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def _ends_noisy(shift: Shift) -> bool:
    """Whether a part is noise, and no blur follows that would leave little of it."""
    groups = [part.group for part in shift.components]
    return "noise" in groups and "blur" not in groups[groups.index("noise") :]
