"""Estimating a fading motion blur: half a Gaussian in one direction."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.moments import lowest
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.parameters import Choice, Number, PerImage, Uniform

FEW, MANY = 12, 32  # images: for the grid, and for what is refined
FADINGS = (1.0, 2.0, 4.0, 8.0, 14.0)
ANGLES = np.arange(0.0, 360.0, 20.0)
BENDS = (7.0, 2.5, 1.0)  # degrees to either side at which the parabola of errors is measured
SPENT = 3.0  # sds after which a tail has faded
CUTS = (1.0, 1.5, 2.0, 2.5)  # sds at which a tail may visibly end
EXPLAINED = 0.5  # of the change, at least
LOST = 0.95  # of the squared differences of neighbouring pixels: where as much is left, nothing was blurred


@dataclass(frozen=True, eq=False)
class Tail:
    """Length and sd of the weights in pixels, and the angle in degrees.

    And whether each image has its own angle.
    """

    length: float
    angle: Number
    fading: float
    each: bool = False


@dataclass(frozen=True, eq=False)
class Tails:
    """The pairs, and `blurred`, which blurs images with a tail."""

    pairs: Pairs
    blurred: Callable[[Images, Tail], Images]

    def first(self, n: int) -> "Tails":
        return replace(self, pairs=self.pairs.first(n))

    def errors(self, tail: Tail) -> Float64[np.ndarray, "n"]:
        """The mean squared error of each image."""
        return self.pairs.errors(self.blurred(self.pairs.reference, tail))

    def error(self, tail: Tail) -> float:
        return float(self.errors(tail).mean())

    def grid(self, fading: float, length: float | None = None) -> Float64[np.ndarray, "angles n"]:
        return np.stack([self.errors(_tail(fading, angle, length)) for angle in ANGLES])


def best_tails(tails: Tails) -> list[Tail]:
    """The best tail for all images, and one with an angle per image if that leaves much less.

    Squared errors on a grid of sds and angles, then a simplex search for all images, or parabolas of each image's
    angle within a search for the sd. The length is where the tail ends; beyond three sds that can't be seen, and
    three are reported. Empty where images lose no contrast, or no tail explains half of the change. Noise may hide
    both: then both sides are smoothed, which blurs bear.
    """
    if min(tails.pairs.reference.shape[2:]) < 3:
        return []
    few, more = tails.first(FEW), tails.first(MANY)
    if not _loses_contrast(tails.pairs):
        few, more = (replace(some, pairs=some.pairs.smooth) for some in (few, more))
        if not _loses_contrast(more.pairs):
            return []
    grid = np.stack([few.grid(fading) for fading in FADINGS])  # (fadings, angles, images)
    change = max(float(few.pairs.errors(few.pairs.reference).mean()), 1e-12)
    shared, each = grid.mean(2).min(), grid.min(1).mean(1).min()
    estimates: list[Tail] = []
    if shared < (1 - EXPLAINED) * change and shared < 4 * each:
        i, j = np.unravel_index(grid.mean(2).argmin(), grid.shape[:2])

        def error(p: np.ndarray) -> float:
            return more.error(_tail(float(np.exp(np.clip(p[0], -1.0, 3.2))), float(p[1])))

        start = np.array([np.log(FADINGS[i]), ANGLES[j]])
        simplex = start + np.array([[0.0, 0.0], [0.2, 0.0], [0.0, 6.0]])
        options = {"initial_simplex": simplex, "maxfev": 45, "xatol": 0.003, "fatol": 1e-9}
        best = minimize(error, start, method="Nelder-Mead", options=options).x
        estimates.append(_cut(more, float(np.exp(np.clip(best[0], -1.0, 3.2))), float(best[1] % 360)))
    if each < (1 - EXPLAINED) * change and each < 0.7 * shared:
        i = int(grid.min(1).mean(1).argmin())
        start = ANGLES[more.grid(FADINGS[i]).argmin(0)]

        def refined(log_fading: float) -> float:
            return more.error(_tail(float(np.exp(log_fading)), PerImage(_bent(more, start, np.exp(log_fading)))))

        low, high = np.log([FADINGS[max(i - 1, 0)] / 1.5, FADINGS[min(i + 1, len(FADINGS) - 1)] * 1.5])
        fading = float(np.exp(lowest(refined, low, high, tries=9, near=0.01)[0]))
        values = _bent(more, start, fading)
        cut = _cut(more, fading, PerImage(values))
        estimates.append(replace(cut, angle=_drawn(values)))
    return estimates


def _loses_contrast(pairs: Pairs) -> bool:
    """Whether neighbouring pixels differ less than they did."""
    before, after = (
        sum(np.mean(np.diff(side, axis=axis) ** 2) for axis in (2, 3)) for side in (pairs.reference, pairs.shifted)
    )
    return bool(after < LOST * before)


def angles(tails: Tails, fading: float, length: float) -> Float64[np.ndarray, "n"]:
    """The direction of each image's tail, in degrees."""
    return _bent(tails, ANGLES[tails.grid(fading, length).argmin(0)], fading, length)


def _tail(fading: float, angle: float | PerImage, length: float | None = None) -> Tail:
    length = max(float(round(SPENT * fading)) + 1, 2.0) if length is None else length
    return Tail(length, angle, fading, each=isinstance(angle, PerImage))


def _bent(tails: Tails, at: np.ndarray, fading: float, length: float | None = None) -> Float64[np.ndarray, "n"]:
    """Each image's angle: three steps to the minimum of a parabola.

    It passes through the errors at the angle and on either side of it.
    """
    for bend in BENDS:
        middle, less, more = (tails.errors(_tail(fading, PerImage(at + away), length)) for away in (0.0, -bend, bend))
        curvature = less - 2 * middle + more
        step = np.where(curvature > 1e-12, (less - more) / (2 * np.maximum(curvature, 1e-12)), np.sign(less - more))
        at = at + bend * np.clip(step, -1.5, 1.5)
    return at % 360


def _cut(tails: Tails, fading: float, angle: float | PerImage) -> Tail:
    """The tail in full length, or shorter where that explains clearly more."""
    whole = _tail(fading, angle)
    least, best = 0.8 * tails.error(whole), whole
    for cut in CUTS:
        length = float(np.ceil(cut * fading))
        for wider in (1.0, 1.15, 1.4):
            tail = _tail(fading * wider, angle, max(length, 2.0))
            error = tails.error(tail)
            if error < least:
                least, best = error, tail
    if best is whole:
        return whole
    # Length and sd trade off: a few integer lengths, each with its best sd.
    for length in best.length + np.arange(-2, 3):
        if length < 1:
            continue
        fading, error = lowest(
            lambda f, length=length: tails.error(_tail(f, angle, float(length))),
            best.fading * 0.7,
            best.fading * 1.5,
            tries=6,
        )
        if error < least:
            least, best = error, _tail(fading, angle, float(length))
    return best


def _drawn(values: Float64[np.ndarray, "n"]) -> float | Choice | Uniform:
    """The distribution of angles, unwrapped at the widest gap on the circle.

    So 350 and 10 are near each other.
    """
    ordered = np.sort(values)
    gaps = np.diff(np.r_[ordered, ordered[0] + 360])
    start = ordered[(int(gaps.argmax()) + 1) % len(ordered)]
    return distribution(start + (values - start) % 360, 6.0)
