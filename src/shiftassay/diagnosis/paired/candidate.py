"""Candidates for a verdict: estimated, scored on held-out pairs, ranked by cost."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.null_distribution import Fit
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.joint import fitted_to_nearest
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.null import fit_of
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.paired.round_numbers import with_round_numbers
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.paired.whole_pixels import fitted_to_places
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import Count, mapped
from shiftassay.shifts.estimation.pairs import Pairs, mean_squares
from shiftassay.shifts.family import FAMILIES, Shift

PLAUSIBLE = 0.05  # p-value from which a shift with noise needs no further part
NEXT_TO_NOTHING = 1e-2  # of the change
FEW = 16  # images that show whether a shift changes anything
CLEARLY = 4.0  # standard errors by which one of two shifts with noise leaves less than the other


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift, its remake on held-out pairs of a task, and its cost.

    The cost is log(misfit + tolerance) + complexity penalty + noise penalty; the tolerance is what implementations
    differ by.
    """

    remake: Remake
    cost: float
    task: Task

    @property
    def shift(self) -> Shift:
        return self.remake.shift

    @property
    def misfit(self) -> float:
        return self.remake.misfit

    @cached_property
    def fit(self) -> Fit:
        """Its misfit on all held-out pairs beside its null distribution."""
        screened_only = len(self.remake.residual) < len(self.task.held_out)
        made = remake(self.shift, self.task.evaluation, self.task.seed) if screened_only else self.remake
        return fit_of(made, self.task)

    @property
    def fits(self) -> bool:
        """Whether it can be a verdict.

        One that leaves too much of the change is not even tested.
        """
        budget = self.task.settings
        most = budget.hopeless if self.remake.noise_fraction else budget.hopeless_without_noise
        return self.misfit < most and self.fit.fits

    @property
    def limit(self) -> float | None:
        """The misfit up to which it would fit; None if that was not asked."""
        return self.fit.limit if "fit" in vars(self) else None


def settled(candidates: Sequence[Candidate]) -> bool:
    """Whether the first candidate, of few parameters, fits so well that none with more could win.

    One that costs less but does not fit may be part of what happened.
    """
    if not candidates:
        return False
    best = candidates[0]
    few = best.shift.degrees_of_freedom <= best.task.settings.settled and len(best.shift.components) == 1
    cheapest = all(best.cost <= candidate.cost for candidate in candidates)
    return few and cheapest and not general(best.shift) and best.fits and not room_for_more(best)


def room_for_more(best: Candidate) -> bool:
    """Whether another part could pay for itself.

    That is, a part with one parameter that explained all that the candidate leaves. A shift with noise that fits leaves
    no more than its own remakes do.
    """
    if best.remake.noise_fraction:
        return not best.fits
    penalties, degrees = calibration().penalties, best.shift.degrees_of_freedom
    price = penalties.part + penalties.doubling * float(np.log2((2 + degrees) / (1 + degrees)))
    return best.misfit > best.task.tolerance * float(np.expm1(price))


def first_that_fits(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates by cost, behind the cheapest of which it is known that it fits.

    Tested are the first few, those that leave least, and what was tested before.
    """
    ordered = ranked(candidates)
    promising = [c for c in ordered if c.misfit < c.task.settings.hopeless]
    most = promising[0].task.settings.tested if promising else 0
    nearest = sorted(promising, key=lambda c: c.misfit)[:most]
    tested = [c for i, c in enumerate(promising) if i < most or c in nearest or c.limit is not None]
    best = next((candidate for candidate in tested if candidate.fits), None)
    if best is None:
        return ordered
    best = _closest_alike(_simplest_alike(best, tested), tested)
    return [best, *(c for c in ordered if c is not best)]


def _simplest_alike(best: Candidate, tested: Sequence[Candidate]) -> Candidate:
    """The candidate itself, or one that fits as well as draws of noise can tell, with less.

    That is one without some of its parts, without its general map, or without draws.
    """
    if not best.remake.noise_fraction:
        return best
    predicted = [c for c in tested if draws_what_is_predicted(best, c) and c.fits]
    if predicted:  # one order of all images that fits, however many places it has, is no chance
        return predicted[0]
    enough, penalty = best.misfit + best.task.tolerance, complexity_penalty(best.shift)
    simpler = [
        c
        for c in tested
        if c.remake.noise_fraction
        and complexity_penalty(c.shift) < penalty
        and (_is_part_of(c, best) or (general(best.shift) and c.misfit <= enough))
    ]
    plausible = [c for c in simpler if c.fits and c.fit.p_value >= PLAUSIBLE]
    return min([best, *plausible], key=lambda c: complexity_penalty(c.shift))


def _closest_alike(best: Candidate, tested: Sequence[Candidate]) -> Candidate:
    """The candidate itself, or another with the same noise that fits and leaves clearly less.

    The statistics of noise hide which of two blurs came before it; the same pixels under both show it. The other has no
    more parameters.
    """
    alike = [c for c in tested if c is best or (_has_same_noise(c, best) and c.fits)]
    energies = {c: mean_squares(c.remake.residual) for c in alike if len(c.remake.residual) == len(c.task.held_out)}
    if best not in energies:
        return best
    closest = min(energies, key=lambda c: float(energies[c].mean()))
    less = energies[best] - energies[closest]
    return closest if less.mean() > CLEARLY * less.std() / np.sqrt(len(less)) else best


def _has_same_noise(candidate: Candidate, other: Candidate) -> bool:
    """Whether both have as many parts, of which the same are noise.

    And the first has no more parameters.
    """
    noises = [sorted(p.family for p in c.shift.components if p.random) for c in (candidate, other)]
    return (
        bool(candidate.remake.noise_fraction and other.remake.noise_fraction)
        and len(candidate.shift.components) == len(other.shift.components)
        and noises[0] == noises[1]
        and complexity_penalty(candidate.shift) <= complexity_penalty(other.shift)
    )


def _families(candidate: Candidate) -> list[str]:
    return [part.family for part in candidate.shift.components]


def _is_part_of(candidate: Candidate, whole: Candidate) -> bool:
    """Whether a candidate has some of the parts of another, and no others."""
    parts, of_whole = (Counter(_families(c)) for c in (candidate, whole))
    return parts < of_whole


def draws_what_is_predicted(candidate: Candidate, other: Candidate) -> bool:
    """Whether a candidate draws for each image what another predicts of all of them.

    Both are of the same families.
    """
    drawn, known = (c.remake.noise_fraction for c in (candidate, other))
    return bool(drawn and not known) and _families(candidate) == _families(other)


def estimates(families: Iterable[str], pairs: Pairs, count: Count | None = None) -> list[Shift]:
    """The estimates of all of the families."""
    return [shift for of_family in mapped(partial(estimate, pairs=pairs), families, count) for shift in of_family]


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
    promising = [c for c in best_under_nearest if 0 < c.misfit < task.settings.hopeless]
    shared = [c for c in promising if c.shift.search and c.shift.scope == "shared"]
    refitted = [fitted_to_nearest(c.shift, task.fit, c.remake.resampling) for c in shared]
    refitted += [of_places for c in shared if (of_places := fitted_to_places(c.shift, task.fit, c.remake.resampling))]
    exact = [shift for c in best if (shift := with_round_numbers(c.shift, task.fit)) is not None]
    return ranked(best + scored(refitted + exact, task) + ranking[count:])


def screened(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, scored on a few held-out pairs with our resampling alone; best first."""
    return _scored(shifts, task, task.screening, all_resamplings=False)


def scored(shifts: Iterable[Shift], task: Task) -> list[Candidate]:
    """The shifts, scored on all held-out pairs with every usual resampling; best first."""
    count = task.counting("comparing what candidates leave")
    return _scored(shifts, task, task.evaluation, all_resamplings=True, count=count)


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """By cost."""
    return sorted(candidates, key=lambda c: c.cost)


def _scored(
    shifts: Iterable[Shift],
    task: Task,
    evaluation: EvaluationPairs,
    all_resamplings: bool,
    count: Count | None = None,
) -> list[Candidate]:
    remade = partial(_remake, evaluation=evaluation, seed=task.seed, all_resamplings=all_resamplings)
    remakes = mapped(remade, shifts, count)
    return ranked(
        Candidate(made, _cost(made, task), task)
        for made in remakes
        if made is not None and not _imitated(made, evaluation.pairs, task)
    )


def _remake(shift: Shift, evaluation: EvaluationPairs, seed: int, all_resamplings: bool) -> Remake | None:
    """The shift's remake; None if it can't be applied to these images."""
    try:
        return remake(shift, evaluation, seed, all_resamplings)
    except (BadInput, np.linalg.LinAlgError):
        return None


def _cost(made: Remake, task: Task) -> float:
    noise = calibration().penalties.noise * made.noise_fraction
    return float(np.log(made.misfit + task.tolerance)) + complexity_penalty(made.shift) + noise


def _imitated(made: Remake, pairs: Pairs, task: Task) -> bool:
    """Whether a part only imitates what other implementations would leave.

    Such are noise that is weaker than what implementations differ by, a part that changes next to nothing, and a
    permutation that is really a smooth warp.
    """
    composed = len(made.shift.components) > 1
    if composed and 0 < made.noise_fraction < task.tolerance and _noise_survives(made.shift):
        return True
    if composed and made.noise_fraction and any(_barely_changes(part, pairs) for part in made.shift.components):
        return True
    return made.misfit > task.tolerance and any(part.permutes_smoothly(pairs) for part in made.shift.components)


def _barely_changes(part: Shift, pairs: Pairs) -> bool:
    """Whether a shared part without noise makes next to nothing of the change."""
    if part.random or part.scope != "shared":
        return False
    few = pairs.reference[:FEW]
    return float(mean_squares(part.apply(few, np.random.default_rng(0)) - few).mean()) < NEXT_TO_NOTHING * pairs.change


def general(shift: Shift) -> bool:
    """Whether a composition of simpler shifts may be equivalent."""
    return any(part.general for part in shift.components)


def _changes_anything(shift: Shift, pairs: Pairs) -> bool:
    few = pairs.reference[:FEW]
    return not np.allclose(shift.apply(few, np.random.default_rng(0)), few, atol=1e-4)


def _noise_survives(shift: Shift) -> bool:
    """Whether a part is noise and no blur follows, which would leave little of it."""
    groups = [part.group for part in shift.components]
    return "noise" in groups and "blur" not in groups[groups.index("noise") :]
