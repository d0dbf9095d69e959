"""Which shift lies between two samples that share no image: by portraits of the sets, which a right remake makes alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import minimize, nnls

from shiftassay.arrays.image_set import ImageSet
from shiftassay.diagnosis.freedom import price
from shiftassay.diagnosis.guesses import guesses
from shiftassay.diagnosis.permuted import matched_places
from shiftassay.diagnosis.portrait import Portrait, mixture, portrait
from shiftassay.errors import BadInput
from shiftassay.noise import seed_for
from shiftassay.shifts.catalogue import make
from shiftassay.shifts.family import FAMILIES, Images, Shift

LOOK = 150  # images of the reference for a first look at every guess
FIT = 400  # for the fit of the promising ones
RANK = 1000  # and for their ranking
PROMISING = 10
FINAL = 4
SPLITS = 12  # halvings of the reference that say what misfit chance leaves
STEP = 0.12  # of a number: the first step of its fit


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shift that may lie between two sets.

    `misfit` is the distance between the portraits of the remade and the shifted set, on images that nothing was fitted to, in units of
    sampling error: about 1 if the shift is right. `null` is what halves of the reference reach among themselves (mean + 3 sd):
    a misfit far above it means that the shift is another one.
    """

    shift: Shift
    misfit: float
    null: float

    @property
    def cost(self) -> float:
        """The logarithm of the misfit, as far as it is above chance, and the price of its numbers."""
        return float(np.log(max(self.misfit, self.null, 1.0))) + price(self.shift)


def estimate_unpaired(
    reference: ImageSet, shifted: ImageSet, families: Sequence[str] | None = None, seed: int = 0
) -> list[Candidate]:
    """Candidates for a shift that is shared, or noise of one strength, best first; `identity` is always among them.

    Every family's numbers are fitted to one half of either set (grids, then Nelder and Mead's simplex), and candidates
    are ranked on the other. If identity leaves no more than chance does, it is first.
    """
    rng = np.random.default_rng(seed_for(seed, "unpaired"))
    families = tuple(FAMILIES) if families is None else families
    (fit_x, rank_x), (fit_y, rank_y) = (_halves(side, rng) for side in (reference, shifted))
    low, high = float(shifted.images.min()), float(shifted.images.max())
    sight = _Sight(fit_x.images, portrait(fit_y.images[:RANK], low, high), low, high, seed)
    before = portrait(fit_x.images[:RANK], low, high)
    found = [
        how
        for family in families
        if family not in ("pixel_permutation", "class_prior", "identity")
        for how in guesses(family, fit_x.images[:FIT], fit_y.images[:RANK], before, sight.target)
    ]
    looked = sorted(((sight.misfit(how, LOOK), i) for i, how in enumerate(found)))
    chosen = _promising([found[i] for _, i in looked])
    if "pixel_permutation" in families:
        chosen += _permutation(sight, fit_x.images, fit_y.images)
    fitted = sorted((_refined(how, sight, LOOK, 14) for how in chosen), key=lambda how: sight.misfit(how, LOOK))[:FINAL]
    fitted = [_refined(how, sight, FIT, 40) for how in fitted] + [make("identity")]

    judge = _Sight(rank_x.images, portrait(rank_y.images[:RANK], low, high), low, high, seed + 1)
    null = _null(reference.images, len(rank_y.images[:RANK]), rng)
    candidates = [Candidate(how, judge.misfit(how, RANK), null) for how in fitted]
    if "class_prior" in families and reference.labels is not None:
        candidates += _class_prior(fit_x, rank_x, sight.target, judge, shifted.labels, null)
    candidates.sort(key=lambda c: (c.misfit > null or c.shift.family != "identity", c.cost))
    return candidates


@dataclass(frozen=True, eq=False)
class _Sight:
    """The images that remakes are made from, and the portrait they are compared with."""

    images: Images
    target: Portrait
    low: float
    high: float
    seed: int

    def misfit(self, how: Shift, count: int) -> float:
        try:
            made = how.apply(self.images[:count], np.random.default_rng(self.seed))
        except BadInput:
            return float("inf")
        return portrait(made, self.low, self.high).distance(self.target) if np.isfinite(made).all() else float("inf")


def _halves(side: ImageSet, rng: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    order = rng.permutation(len(side))[: 2 * RANK]
    middle = len(order) // 2
    parts = (order[:middle], order[middle:])
    first, second = (
        replace(side, images=side.images[p], labels=None if side.labels is None else side.labels[p]) for p in parts
    )
    return first, second


def _null(images: Images, n: int, rng: np.random.Generator) -> float:
    """The mean misfit of halves of the reference, and three sd."""
    low, high = float(images.min()), float(images.max())
    n = min(n, len(images) // 2)
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(len(images))[: 2 * n]
        one, other = (portrait(images[part], low, high) for part in (order[:n], order[n:]))
        found.append(one.distance(other))
    return float(np.mean(found) + 3 * np.std(found, ddof=1))


def _promising(found: list[Shift]) -> list[Shift]:
    """The best guesses, two of a family at most."""
    chosen: list[Shift] = []
    for how in found:
        if sum(c.family == how.family for c in chosen) < 2:
            chosen.append(how)
        if len(chosen) == PROMISING:
            break
    return chosen


def _refined(how: Shift, sight: _Sight, count: int, tries: int) -> Shift:
    """The shift with its real numbers fitted, and whole ones tried in their neighbourhood."""
    if how.family in ("quantize", "pixelate", "occlusion", "roll", "fixed_pattern"):
        return how  # every value was tried, or seen
    whole = [f.name for f in fields(how) if type(getattr(how, f.name)) is int]
    real = [f.name for f in fields(how) if type(getattr(how, f.name)) is float]
    if whole == ["quality"]:
        return _whole(how, "quality", sight, count)
    if not real or whole:
        return how
    begin = np.array([getattr(how, name) for name in real])
    step = np.array(
        [
            max(STEP * abs(v), 2 * how.search[n].step if n in how.search else 0.02)
            for n, v in zip(real, begin, strict=True)
        ]
    )

    def at(numbers: np.ndarray) -> Shift:
        return make(how.family, {**how.parameters, **dict(zip(real, map(float, numbers), strict=True))})

    def misfit(numbers: np.ndarray) -> float:
        return _tried(lambda: sight.misfit(at(numbers), count))

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
    for step in (8, -8, 4, -4, 2, -2, 1, -1):
        value = getattr(best, name) + step
        misfit = _tried(lambda value=value: sight.misfit(replace(best, **{name: value}), count))
        if misfit < least:
            best, least = replace(best, **{name: value}), misfit
    return best


def _tried(made: Callable[[], float]) -> float:
    try:
        return made()
    except BadInput:
        return float("inf")


def _permutation(sight: _Sight, reference: Images, shifted: Images) -> list[Shift]:
    """A permutation of places, where the grey values are the same and their places are not."""
    before = portrait(reference[:FIT], sight.low, sight.high).distances(sight.target)
    if before["values"] > 4 or before["pixels"] < 4:
        return []
    return [make("pixel_permutation", {"permutation": matched_places(reference, shifted).tolist()}, "shared")]


def _class_prior(
    fit: ImageSet, rank: ImageSet, target: Portrait, judge: _Sight, labels: np.ndarray | None, null: float
) -> list[Candidate]:
    """Other shares of the classes: counted where there are labels, else those whose mixture looks like the shifted set."""
    assert fit.labels is not None and rank.labels is not None  # noqa: PT018
    classes = int(max(fit.labels.max(), rank.labels.max())) + 1
    sides = [
        [portrait(side.images[side.labels == k], judge.low, judge.high) for k in range(classes)]  # pyright: ignore[reportOptionalSubscript]
        for side in (fit, rank)
        if min(np.bincount(side.labels, minlength=classes)) >= 3  # pyright: ignore[reportArgumentType, reportCallIssue]
    ]
    if len(sides) < 2:
        return []
    if labels is not None:
        if labels.max() >= classes:
            return []
        shares = np.bincount(labels, minlength=classes) / len(labels)
    else:
        shares = _shares(sides[0], target)
    misfit = mixture(sides[1], shares, len(rank)).distance(judge.target)
    return [Candidate(make("class_prior", {"proportions": (shares / shares.sum()).tolist()}), misfit, null)]


def _shares(parts: list[Portrait], target: Portrait) -> np.ndarray:
    """Shares of the classes by non-negative least squares on the portraits' numbers, in units of their errors."""
    columns, wanted = [], []
    for name in ("pixels", "squares", "amplitudes", "images"):
        error = np.sqrt(target.variance[name] / target.n) * np.sqrt(len(target.mean[name]))
        columns.append(np.stack([p.mean[name] / error for p in parts], axis=1))
        wanted.append(target.mean[name] / error)
    shares = nnls(np.concatenate(columns), np.concatenate(wanted))[0]
    return shares / max(shares.sum(), 1e-9)
