"""Which shift lies between two samples that share no image.

The remake of the right shift has the summary statistics of the shifted set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import minimize

from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.labels import proportions_differ
from shiftassay.diagnosis.null_distribution import Fit
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.diagnosis.unpaired.class_shares import class_prior
from shiftassay.diagnosis.unpaired.comparison import Comparison
from shiftassay.diagnosis.unpaired.null import by_chance, distances_of_halves, fit_of
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.progress import Watch, unwatched
from shiftassay.random_stream import seed_for
from shiftassay.shifts.compose import in_normal_form
from shiftassay.shifts.estimation.pairs import in_bytes
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.summary_statistics import (
    feature_basis,
    summary_statistics,
)
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.sample import ClassPrior

STEP = 0.12  # of a parameter: the first step of its fit


@dataclass(frozen=True, eq=False)
class UnpairedCandidate:
    """A shift that may lie between two sets.

    `misfit` is the distance between the summary statistics of the remade and the shifted set, on images that nothing
    was fitted to, in units of sampling error: about 1 if the shift is right. `by_chance` is how far two samples of one
    source may be apart. `fit` says whether the misfit is no more than that of the candidate's own remakes; None where
    that was not asked.
    """

    shift: Shift
    misfit: float
    by_chance: float
    fit: Fit | None = None

    @property
    def cost(self) -> float:
        """The logarithm of the misfit, as far as it is above chance, and its complexity."""
        above = float(np.log(max(self.misfit / self.by_chance, 1.0)))
        return calibration().penalties.unpaired * above + complexity_penalty(self.shift)


def estimate_unpaired(
    reference: ImageSet,
    shifted: ImageSet,
    families: Sequence[str] | None = None,
    seed: int = 0,
    settings: SearchSettings = SETTINGS,
    watch: Watch = unwatched,
) -> list[UnpairedCandidate]:
    """Candidates for a shift that is shared, or noise of one strength, best first.

    `identity` is always among them. Every family's parameters are fitted to one half of either set (grids, then Nelder
    and Mead's simplex), and candidates are ranked on the other. If identity leaves no more than chance does, it is
    first; where the labels' shares differ, `class_prior` is instead.
    """
    rng = np.random.default_rng(seed_for(seed, "unpaired"))
    families = tuple(FAMILIES) if families is None else families
    (fit_x, rank_x), (fit_y, rank_y) = (_halves(side, settings.unpaired_rank, rng) for side in (reference, shifted))
    both_y = np.concatenate([fit_y.images, rank_y.images])
    basis = feature_basis(both_y)
    rounded, left_out = in_bytes(shifted.images), shifted.left_out
    count = settings.unpaired_rank
    fit = Comparison(fit_x.images, summary_statistics(fit_y.images[:count], basis), basis, seed, rounded, left_out)
    samples = Samples(fit_x.images, fit_y.images, summary_statistics(fit_x.images[:count], basis), fit.target, basis)
    fitted = [*_fitted(families, samples, fit, settings, watch), Identity()]
    watch("comparing the sets' statistics with chance", 0, 0)

    rank = Comparison(
        rank_x.images, summary_statistics(rank_y.images[:count], basis), basis, seed + 1, rounded, left_out
    )
    n = len(rank_y.images[:count])
    chance = by_chance(distances_of_halves(reference.images, n, settings.halvings, count, rng))
    candidates = _one_of_each_family(
        [UnpairedCandidate(in_normal_form(shift), rank.misfit(shift, count), chance) for shift in fitted]
    )
    labels, shifted_labels = reference.labels, shifted.labels
    by_class = labels is not None and ClassPrior.family in families
    if by_class:
        candidates += [
            UnpairedCandidate(ClassPrior(shares), mixed.distance(rank.target), chance)
            for shares, mixed in class_prior(fit_x, rank_x, fit_y.images, shifted_labels, basis)
        ]
    # Samples of one source may differ in the shares of their classes; what their labels show is more than chance.
    drifted = labels is not None and shifted_labels is not None and proportions_differ(labels, shifted_labels)
    first = ClassPrior if by_class and drifted else Identity
    candidates.sort(key=lambda c: (c.misfit > chance or not isinstance(c.shift, first), c.cost))

    # The family was judged on other images than its parameters were fitted to: now it may use them all.
    both_x = np.concatenate([fit_x.images, rank_x.images])[:count]
    whole = Comparison(both_x, summary_statistics(both_y, basis), basis, seed, rounded, left_out)

    def tested(candidate: UnpairedCandidate) -> UnpairedCandidate:
        shift, misfit = candidate.shift, candidate.misfit
        if shift.is_identity or shift.group == "sample":  # nothing is remade
            return replace(candidate, fit=Fit(misfit, float(misfit <= chance), chance))
        refined = _refined(shift, whole, count, settings.unpaired_refined)
        misfit = min(misfit, rank.least_misfit(refined, count))
        fit = fit_of(refined, misfit, reference.images, n, basis, rounded, rng, left_out)
        return replace(candidate, shift=refined, fit=fit)

    return first_that_fits(candidates, tested, settings.unpaired_tested)


def _one_of_each_family(candidates: Sequence[UnpairedCandidate]) -> list[UnpairedCandidate]:
    """Of each family the candidate that leaves least.

    Two families may have come to the same shift.
    """
    nearest = sorted(candidates, key=lambda c: c.misfit, reverse=True)
    return list({candidate.shift.family: candidate for candidate in nearest}.values())


def first_that_fits(
    candidates: Sequence[UnpairedCandidate], tested: Callable[[UnpairedCandidate], UnpairedCandidate], most: int
) -> list[UnpairedCandidate]:
    """The candidates behind the first that fits, of so many that are tested at most."""
    ordered = list(candidates)
    for i, candidate in enumerate(ordered[:most]):
        ordered[i] = tested(candidate)
        if (fit := ordered[i].fit) is not None and fit.fits:
            return [ordered[i], *ordered[:i], *ordered[i + 1 :]]
    return ordered


def _fitted(
    families: Sequence[str], samples: Samples, fit: Comparison, settings: SearchSettings, watch: Watch
) -> list[Shift]:
    """The families' best guesses, one of each family, with their parameters fitted."""
    look = settings.unpaired_look
    guesses = [shift for f in families if FAMILIES[f].screened for shift in FAMILIES[f].guesses(samples)]
    order = sorted((fit.misfit(shift, look), i) for i, shift in enumerate(guesses))
    chosen = _promising([guesses[i] for _, i in order], settings.promising)
    chosen += [shift for f in families if not FAMILIES[f].screened for shift in FAMILIES[f].guesses(samples)]
    refined = []
    for number, shift in enumerate(chosen):
        watch("fitting single shifts", number, len(chosen))
        refined.append(_refined(shift, fit, look, 14))
    ranked = sorted((fit.misfit(shift, look), i, shift) for i, shift in enumerate(refined))
    ranked = [c for i, c in enumerate(ranked) if c[2].family not in {other[2].family for other in ranked[:i]}]
    final = ranked[: settings.final]
    near = [shift for misfit, _, shift in final if misfit <= settings.near_best * ranked[0][0]]
    rest = [shift for _, _, shift in final[len(near) :]]
    return [_refined(shift, fit, settings.unpaired_fit, 30) for shift in near] + rest


def _halves(side: ImageSet, size: int, rng: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    """Two random parts of a set, of `size` images at most."""
    order = rng.permutation(len(side))[: 2 * size]
    middle = len(order) // 2
    parts = (order[:middle], order[middle:])
    return side.subset(parts[0]), side.subset(parts[1])


def _promising(guesses: list[Shift], count: int) -> list[Shift]:
    """The first guesses, two of a family at most."""
    chosen: list[Shift] = []
    for shift in guesses:
        if sum(c.family == shift.family for c in chosen) < 2:
            chosen.append(shift)
        if len(chosen) == count:
            break
    return chosen


def _refined(shift: Shift, comparison: Comparison, count: int, trials: int) -> Shift:
    """The shift with its real parameters fitted; of a whole one, its neighbours are tried."""
    kinds = {f.name: type(getattr(shift, f.name)) for f in fields(shift)}
    if shift.refined is None:
        real = [] if int in kinds.values() else [name for name, kind in kinds.items() if kind is float]
    elif [kinds[name] for name in shift.refined] == [int]:
        return _nearby(shift, shift.refined[0], comparison, count)
    else:
        real = list(shift.refined)
    if not real:
        return shift
    begin = np.array([getattr(shift, name) for name in real])
    steps = [
        max(STEP * abs(value), 2 * shift.search[name].step if name in shift.search else 0.02)
        for name, value in zip(real, begin, strict=True)
    ]

    def at(numbers: np.ndarray) -> Shift:
        return replace(shift, **dict(zip(real, map(float, numbers), strict=True)))

    def misfit(numbers: np.ndarray) -> float:
        try:
            return comparison.misfit(at(numbers), count)
        except BadInput:
            return float("inf")

    result = minimize(
        misfit,
        begin,
        method="Nelder-Mead",
        options={
            "initial_simplex": np.vstack([begin, begin + np.diag(np.array(steps))]),
            "maxfev": trials * (1 + len(real)) // 2,
            "xatol": 1e-3,
            "fatol": 1e-3,
        },
    )
    return at(result.x) if np.isfinite(result.fun) else shift


def _nearby(shift: Shift, name: str, comparison: Comparison, count: int) -> Shift:
    """The best of some whole values of a parameter, stepping towards less misfit."""
    best, least = shift, comparison.misfit(shift, count)
    for step in (4, -4, 2, -2, 1, -1):
        try:
            other = replace(best, **{name: getattr(best, name) + step})
        except BadInput:
            continue
        if (misfit := comparison.misfit(other, count)) < least:
            best, least = other, misfit
    return best
