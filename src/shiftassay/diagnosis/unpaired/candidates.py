"""Which shift lies between two samples that share no image: by summary statistics of the sets, which a right remake makes alike."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import minimize

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.paired.remake import in_bytes, moves, to_bytes
from shiftassay.diagnosis.settings import SETTINGS, SearchSettings
from shiftassay.diagnosis.unpaired.class_shares import class_prior
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.summary_statistics import (
    FeatureBasis,
    SummaryStatistics,
    feature_basis,
    summary_statistics,
)
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.sample import ClassPrior
from shiftassay.shifts.warp import OURS, Resampling, resampled

KERNELS = (OURS, Resampling("bicubic"), Resampling("nearest"))
STEP = 0.12  # of a number: the first step of its fit


@dataclass(frozen=True, eq=False)
class UnpairedCandidate:
    """A shift that may lie between two sets.

    `misfit` is the distance between the summary statistics of the remade and the shifted set, on images that nothing
    was fitted to, in units of sampling error: about 1 if the shift is right. `null` is what halves of the reference
    reach among themselves (mean + 3 sd): a misfit far above it means that the shift is another one.
    """

    shift: Shift
    misfit: float
    null: float

    @property
    def cost(self) -> float:
        """The logarithm of the misfit, as far as it is above chance, and its complexity."""
        above = float(np.log(max(self.misfit / self.null, 1.0)))
        return thresholds.UNPAIRED_WEIGHT * above + complexity_penalty(self.shift)


def estimate_unpaired(
    reference: ImageSet,
    shifted: ImageSet,
    families: Sequence[str] | None = None,
    seed: int = 0,
    settings: SearchSettings = SETTINGS,
) -> list[UnpairedCandidate]:
    """Candidates for a shift that is shared, or noise of one strength, best first; `identity` is always among them.

    Every family's numbers are fitted to one half of either set (grids, then Nelder and Mead's simplex), and candidates
    are ranked on the other. If identity leaves no more than chance does, it is first.
    """
    rng = np.random.default_rng(seed_for(seed, "unpaired"))
    families = tuple(FAMILIES) if families is None else families
    (fit_x, rank_x), (fit_y, rank_y) = (_halves(side, settings.unpaired_rank, rng) for side in (reference, shifted))
    seen = np.concatenate([fit_y.images, rank_y.images])
    basis = feature_basis(seen)
    rounded = in_bytes(shifted.images)
    look, many = settings.unpaired_look, settings.unpaired_rank
    sight = _Sight(fit_x.images, summary_statistics(fit_y.images[:many], basis), basis, seed, rounded)
    samples = Samples(fit_x.images, fit_y.images, summary_statistics(fit_x.images[:many], basis), sight.target, basis)
    found = [how for f in families if FAMILIES[f].screened for how in FAMILIES[f].guesses(samples)]
    looked = sorted(((sight.misfit(how, look), i) for i, how in enumerate(found)))
    chosen = _promising([found[i] for _, i in looked], settings.promising)
    chosen += [how for f in families if not FAMILIES[f].screened for how in FAMILIES[f].guesses(samples)]
    once = sorted(
        ((sight.misfit(how, look), i, how) for i, how in enumerate(_refined(h, sight, look, 14) for h in chosen))
    )
    once = [c for i, c in enumerate(once) if c[2].family not in {other[2].family for other in once[:i]}]
    near = [how for misfit, _, how in once[: settings.final] if misfit <= thresholds.NEAR_BEST * once[0][0]]
    fitted = [_refined(how, sight, settings.unpaired_fit, 30) for how in near] + [
        how for _, _, how in once[len(near) : settings.final]
    ]
    fitted.append(Identity())

    judge = _Sight(rank_x.images, summary_statistics(rank_y.images[:many], basis), basis, seed + 1, rounded)
    null, by_chance = _null(reference.images, len(rank_y.images[:many]), settings, rng)
    candidates = [UnpairedCandidate(how, judge.misfit(how, many), null) for how in fitted]
    if "class_prior" in families and reference.labels is not None:
        candidates += [
            UnpairedCandidate(ClassPrior(shares), mixed.distance(judge.target), null)
            for shares, mixed in class_prior(fit_x, rank_x, fit_y.images, shifted.labels, basis)
        ]
    candidates.sort(key=lambda c: (c.misfit > by_chance or c.shift.family != "identity", c.cost))
    # Which family it is has been judged on other images than its numbers: the best may now use them all.
    every = np.concatenate([fit_x.images, rank_x.images])[:many]
    whole = _Sight(every, summary_statistics(seen, basis), basis, seed, rounded)
    best = candidates[0]
    return [replace(best, shift=_refined(best.shift, whole, many, 16)), *candidates[1:]]


@dataclass(frozen=True, eq=False)
class _Sight:
    """The images that remakes are made from, and the summary statistics they are compared with."""

    images: Images
    target: SummaryStatistics
    basis: FeatureBasis
    seed: int
    rounded: bool
    """Whether the shifted set is rounded to 256 values, as remakes then have to be."""

    def misfit(self, how: Shift, count: int) -> float:
        """The distance of the summary statistics of the remake, resampled as it fits best if the picture moves."""
        return min(self._misfit(how, count, kernel) for kernel in (KERNELS if moves(how) else KERNELS[:1]))

    def _misfit(self, how: Shift, count: int, kernel: Resampling) -> float:
        try:
            with resampled(kernel):
                made = how.apply(self.images[:count], np.random.default_rng(self.seed))
        except BadInput:
            return float("inf")
        if not np.isfinite(made).all():
            return float("inf")
        return summary_statistics(to_bytes(made) if self.rounded else made, self.basis).distance(self.target)


def _halves(side: ImageSet, many: int, rng: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    order = rng.permutation(len(side))[: 2 * many]
    middle = len(order) // 2
    parts = (order[:middle], order[middle:])
    first, second = (
        replace(side, images=side.images[p], labels=None if side.labels is None else side.labels[p]) for p in parts
    )
    return first, second


def _null(images: Images, n: int, settings: SearchSettings, rng: np.random.Generator) -> tuple[float, float]:
    """The mean misfit of halves of the reference and three sd; and how far another sample of the same may be."""
    basis = feature_basis(images[rng.permutation(len(images))[: 2 * settings.unpaired_rank]])
    n = min(n, len(images) // 2)
    found = []
    for _ in range(settings.halvings):
        order = rng.permutation(len(images))[: 2 * n]
        one, other = (summary_statistics(images[part], basis) for part in (order[:n], order[n:]))
        found.append(one.distance(other))
    mean, sd = float(np.mean(found)), float(np.std(found, ddof=1))
    return mean + 3 * sd, max(mean + 3 * sd, thresholds.SAME_SOURCE * mean)


def _promising(found: list[Shift], count: int) -> list[Shift]:
    """The best guesses, two of a family at most."""
    chosen: list[Shift] = []
    for how in found:
        if sum(c.family == how.family for c in chosen) < 2:
            chosen.append(how)
        if len(chosen) == count:
            break
    return chosen


def _refined(how: Shift, sight: _Sight, count: int, tries: int) -> Shift:
    """The shift with its real numbers fitted, and whole ones tried in their neighbourhood."""
    kinds = {f.name: type(getattr(how, f.name)) for f in fields(how)}
    if how.refined is None:
        real = [] if int in kinds.values() else [name for name, kind in kinds.items() if kind is float]
    elif [kinds[name] for name in how.refined] == [int]:
        return _whole(how, how.refined[0], sight, count)
    else:
        real = list(how.refined)
    if not real:
        return how
    begin = np.array([getattr(how, name) for name in real])
    step = np.array(
        [
            max(STEP * abs(v), 2 * how.search[n].step if n in how.search else 0.02)
            for n, v in zip(real, begin, strict=True)
        ]
    )

    def at(numbers: np.ndarray) -> Shift:
        return replace(how, **dict(zip(real, map(float, numbers), strict=True)))

    def misfit(numbers: np.ndarray) -> float:
        try:
            return sight.misfit(at(numbers), count)
        except BadInput:
            return float("inf")

    simplex = np.vstack([begin, begin + np.diag(step)])
    result = minimize(
        misfit,
        begin,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxfev": tries * (1 + len(real)) // 2, "xatol": 1e-3, "fatol": 1e-3},
    )
    return at(result.x) if np.isfinite(result.fun) else how


def _whole(how: Shift, name: str, sight: _Sight, count: int) -> Shift:
    best, least = how, sight.misfit(how, count)
    for step in (4, -4, 2, -2, 1, -1):
        try:
            other = replace(best, **{name: getattr(best, name) + step})
        except BadInput:
            continue
        if (misfit := sight.misfit(other, count)) < least:
            best, least = other, misfit
    return best
