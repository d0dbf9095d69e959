"""Candidates for a verdict: estimated, scored on held-out pairs, ranked by cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.joint import fitted_to_nearest
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift, its remake on held-out pairs, and its cost.

    The cost is log(weighted misfit + tolerance) + complexity penalty + noise penalty. Candidates are compared by the
    weighted misfit; `fits` and the diagnosis use the remake's own.
    """

    remake: Remake
    cost: float

    @property
    def shift(self) -> Shift:
        return self.remake.shift

    @property
    def weighted_misfit(self) -> float:
        return self.remake.weighted_misfit


def fits(candidate: Candidate) -> bool:
    """Whether a candidate can be a verdict."""
    return candidate.remake.misfit <= limit(candidate)


def limit(candidate: Candidate) -> float:
    """The largest misfit of a verdict.

    It lies between a lowest and a highest value, at the square root of the share of noise:

    | parts | lowest: no noise |
    | --- | --- |
    | all `exact` | `EXACT_MISFIT` |
    | several, all shared, none a rearrangement | `SHARED_MISFIT` |
    | a single blur | `BLURRED_MISFIT` |
    | any other | `SURE_MISFIT` |

    | group | highest: all of the change is noise |
    | --- | --- |
    | several: a composition | `COMPOSED_MISFIT` |
    | noise | `NOISE_MISFIT` |
    | any other: random overlays, parameters drawn for each image | `RANDOM_MISFIT` |

    With an `approximate` part it is the highest, as even the right shift leaves a residual. It is lower for more
    complex shifts: many parameters can imitate anything.
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
    return best.weighted_misfit < good_enough and complexity_penalty(best.shift) < thresholds.COMPLEX


def estimates(families: Iterable[str], pairs: Pairs) -> list[Shift]:
    """The estimates of all of the families."""
    return [shift for of_family in mapped(partial(estimate, pairs=pairs), families) for shift in of_family]


def estimate(family: str, pairs: Pairs) -> list[Shift]:
    """A family's estimates that change anything.

    Empty where its fit ends at parameters that the family does not allow.
    """
    try:
        return [
            shift
            for shift in FAMILIES[family].estimate(pairs)
            if shift.group == "none" or _changes_anything(shift, pairs)
        ]
    except (BadInput, np.linalg.LinAlgError):
        return []


def screened_then_scored(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts as candidates, best first.

    All are screened, the best of them scored on all held-out pairs. The others keep the misfit of the screening: one of
    them can still win, or be the best rival.
    """
    count = task.settings.n_scored
    ranking = screened(shifts, task)
    best = scored([c.shift for c in ranking[:count]], task)
    # Least squares fits under our resampling; what fits best under nearest-neighbour is fitted again under that.
    best_under_nearest = [c for c in best if c.remake.resampling.kernel == "nearest"]
    promising = [c for c in best_under_nearest if 0 < c.weighted_misfit < thresholds.HOPELESS]
    refitted = [
        fitted_to_nearest(c.shift, task.fit, c.remake.resampling)
        for c in promising
        if c.shift.search and c.shift.scope == "shared"
    ]
    return ranked(best + scored(refitted, task) + ranking[count:])


def screened(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, scored on a few held-out pairs with our resampling alone; best first."""
    return _scored(shifts, task.screening, task.seed, all_resamplings=False)


def scored(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, scored on all held-out pairs with every usual resampling; best first."""
    return _scored(shifts, task.evaluation, task.seed, all_resamplings=True)


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """By cost; those that fit first."""
    return sorted(candidates, key=lambda c: (not fits(c), c.cost))


def _scored(shifts: Iterable[Shift], evaluation: EvaluationPairs, seed: int, all_resamplings: bool) -> list[Candidate]:
    candidates = mapped(partial(_candidate, evaluation=evaluation, seed=seed, all_resamplings=all_resamplings), shifts)
    return ranked([candidate for candidate in candidates if candidate is not None])


def _candidate(shift: Shift, evaluation: EvaluationPairs, seed: int, all_resamplings: bool) -> Candidate | None:
    """The shift with its remake and cost; None if it is ruled out.

    Ruled out are shifts that can't be applied to these images, noise too weak to count, and a permutation that is
    really a smooth warp.
    """
    try:
        best = remake(shift, evaluation, seed, all_resamplings)
    except (BadInput, np.linalg.LinAlgError):
        return None
    if 0 < best.noise_fraction < thresholds.FAINT_NOISE and _noise_survives(shift):
        return None
    misfit = best.weighted_misfit
    if misfit > thresholds.PERMUTATION_MISFIT and any(p.permutes_smoothly(evaluation.pairs) for p in shift.components):
        return None
    general = any(part.general for part in shift.components) and best.resampling.kernel == "nearest"
    tolerance = thresholds.TOLERANCE_OF_NEAREST if general else thresholds.TOLERANCE
    noise_penalty = thresholds.NOISE_PENALTY * best.noise_fraction
    return Candidate(best, float(np.log(misfit + tolerance)) + complexity_penalty(shift) + noise_penalty)


def _changes_anything(shift: Shift, pairs: Pairs) -> bool:
    few = pairs.reference[:16]
    return not np.allclose(shift.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def _noise_survives(shift: Shift) -> bool:
    """Whether a part is noise and no blur follows, which would leave little of it."""
    groups = [part.group for part in shift.components]
    return "noise" in groups and "blur" not in groups[groups.index("noise") :]
