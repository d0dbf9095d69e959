"""Which shift lies between two samples that share no image: by portraits of the sets, which a right remake makes alike."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import minimize

from shiftassay.diagnosis.paired.freedom import price
from shiftassay.diagnosis.paired.remake import in_bytes, moves, to_bytes
from shiftassay.diagnosis.unpaired.class_shares import class_prior
from shiftassay.diagnosis.unpaired.guesses import guesses
from shiftassay.diagnosis.unpaired.permuted import matched_places
from shiftassay.diagnosis.unpaired.portrait import Frame, Portrait, frame_of, portrait
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalogue import make
from shiftassay.shifts.family import FAMILIES, Images, Shift
from shiftassay.shifts.sample import ClassPrior
from shiftassay.shifts.warp import OURS, Resampling, resampled

LOOK = 120  # images of the reference for a first look at every guess
FIT = 400  # for the fit of the promising ones
RANK = 1000  # and for their ranking
PROMISING = 10
FINAL = 5
SPLITS = 12  # halvings of the reference that say what misfit chance leaves
APART = 3.0  # times the mean: what 350 pairs of fresh samples of MNIST were apart at most is 2.9, for halves of one are more alike
WEIGHT = 3.0  # of the misfit against freedom: misfits are of images that nothing was fitted to
NEAR = 4.0  # times the best misfit, up to which a candidate is fitted more closely
DRAWN = (
    "fog",
    "spatter",
    "dotted_line",
    "zigzag",
    "glass_blur",
    "elastic",
)  # whose strength alone is fitted, their first number
KERNELS = (OURS, Resampling("bicubic"), Resampling("nearest"))
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
        return WEIGHT * float(np.log(max(self.misfit / self.null, 1.0))) + price(self.shift)


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
    seen = np.concatenate([fit_y.images, rank_y.images])
    frame = frame_of(seen)
    rounded = in_bytes(shifted.images)
    sight = _Sight(fit_x.images, portrait(fit_y.images[:RANK], frame), frame, seed, rounded)
    before = portrait(fit_x.images[:RANK], frame)
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
    once = sorted(
        ((sight.misfit(how, LOOK), i, how) for i, how in enumerate(_refined(h, sight, LOOK, 14) for h in chosen))
    )
    once = [c for i, c in enumerate(once) if c[2].family not in {other[2].family for other in once[:i]}]
    near = [how for misfit, _, how in once[:FINAL] if misfit <= NEAR * once[0][0]]
    fitted = [_refined(how, sight, FIT, 30) for how in near] + [how for _, _, how in once[len(near) : FINAL]]
    fitted.append(make("identity"))

    judge = _Sight(rank_x.images, portrait(rank_y.images[:RANK], frame), frame, seed + 1, rounded)
    null, by_chance = _null(reference.images, len(rank_y.images[:RANK]), rng)
    candidates = [Candidate(how, judge.misfit(how, RANK), null) for how in fitted]
    if "class_prior" in families and reference.labels is not None:
        candidates += [
            Candidate(ClassPrior(shares), mixed.distance(judge.target), null)
            for shares, mixed in class_prior(fit_x, rank_x, fit_y.images, shifted.labels, frame)
        ]
    candidates.sort(key=lambda c: (c.misfit > by_chance or c.shift.family != "identity", c.cost))
    # Which family it is has been judged on other images than its numbers: the best may now use them all.
    every = np.concatenate([fit_x.images, rank_x.images])[:RANK]
    whole = _Sight(every, portrait(seen, frame), frame, seed, rounded)
    best = candidates[0]
    return [replace(best, shift=_refined(best.shift, whole, RANK, 16)), *candidates[1:]]


@dataclass(frozen=True, eq=False)
class _Sight:
    """The images that remakes are made from, and the portrait they are compared with."""

    images: Images
    target: Portrait
    frame: Frame
    seed: int
    rounded: bool
    """Whether the shifted set is rounded to 256 values, as remakes then have to be."""

    def misfit(self, how: Shift, count: int) -> float:
        """The distance of the remake's portrait, resampled as it fits best if the picture moves."""
        return min(self._misfit(how, count, kernel) for kernel in (KERNELS if moves(how) else KERNELS[:1]))

    def _misfit(self, how: Shift, count: int, kernel: Resampling) -> float:
        try:
            with resampled(kernel):
                made = how.apply(self.images[:count], np.random.default_rng(self.seed))
        except BadInput:
            return float("inf")
        if not np.isfinite(made).all():
            return float("inf")
        return portrait(to_bytes(made) if self.rounded else made, self.frame).distance(self.target)


def _halves(side: ImageSet, rng: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    order = rng.permutation(len(side))[: 2 * RANK]
    middle = len(order) // 2
    parts = (order[:middle], order[middle:])
    first, second = (
        replace(side, images=side.images[p], labels=None if side.labels is None else side.labels[p]) for p in parts
    )
    return first, second


def _null(images: Images, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """The mean misfit of halves of the reference and three sd; and how far another sample of the same may be."""
    frame = frame_of(images[rng.permutation(len(images))[: 2 * RANK]])
    n = min(n, len(images) // 2)
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(len(images))[: 2 * n]
        one, other = (portrait(images[part], frame) for part in (order[:n], order[n:]))
        found.append(one.distance(other))
    mean, sd = float(np.mean(found)), float(np.std(found, ddof=1))
    return mean + 3 * sd, max(mean + 3 * sd, APART * mean)


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
    if how.family in ("quantize", "pixelate", "occlusion", "roll", "fixed_pattern", "shot_noise", "canny_edges"):
        return how  # every value was tried, or seen
    whole = [f.name for f in fields(how) if type(getattr(how, f.name)) is int]
    real = [f.name for f in fields(how) if type(getattr(how, f.name)) is float]
    if how.family in DRAWN:
        real, whole = real[:1], []
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


def _permutation(sight: _Sight, reference: Images, shifted: Images) -> list[Shift]:
    """A permutation of places, where the grey values are the same and their places are not."""
    before = portrait(reference[:FIT], sight.frame).distances(sight.target)
    if before["values"] > 4 or before["pixels"] < 4:
        return []
    return [make("pixel_permutation", {"permutation": matched_places(reference, shifted).tolist()}, "shared")]
