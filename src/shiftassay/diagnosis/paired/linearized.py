"""The fit of a shift without noise, corrected for what other implementations of it would have made.

With J the derivatives of the remake by the parameters, a least-squares fit moves by J⁺e if its residual is e. So one
solve gives the fit under every implementation. How the residual's contributions scatter over images, over positions and
over roundings gives the sampling error.

Beside noise, J, its transpose and the remake each have draws of their own: with the same draws, what is random in them
would be correlated, and the fit biased (Durbin 1954, instrumental variables).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.diagnosis.paired.implementations import Implementation, Rounding, other_implementations, rounded
from shiftassay.diagnosis.paired.whole_pixels import whole_pixel_fit
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fit_error import away_from_edges
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import Resampling

STEPS = 3  # of Gauss and Newton: the search came close
PHASES = 4096  # to which the place of a value between two bytes is told apart
FEW_BYTES = 4  # from black or white, where the mean effect of rounding is not 0
WHOLE = 0.02  # of a byte: nearer values are whole
ROUNDING = 1 / 255**2 / 12  # energy of rounding to bytes
SMALLEST = 1e-13  # energy of rounding to single precision
PLACES, SINGLE = 3e-6, 6e-8  # sds of single precision: of places, as a share of a step, and of a number
LEAST_NUMBER = 0.5  # whose precision smaller ones have: they are differences of such
CHANCE = 10  # times the variance of a mean energy
RING = 2  # pixels along the border that cubic kernels treat in different ways
HIGH = 0.8
NEGLIGIBLE = 1e-3  # share of the likelihood
# Degrees of freedom of what no implementation explains: a likelihood proportional to energy^(−this / 2).
FREEDOM = 2


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Numbers of a shift with their variances.

    One is of sampling, one of not knowing the implementation.
    """

    numbers: Float64[np.ndarray, "k"]
    sampling: Float64[np.ndarray, "k"]
    systematic: Float64[np.ndarray, "k"]
    unexplained: float
    """The energy that the best implementation leaves, beyond that of rounding."""
    best: Implementation

    @property
    def sd(self) -> Float64[np.ndarray, "k"]:
        return np.sqrt(self.sampling + self.systematic)


def linear_fit(free: FreeNumbers, pairs: Pairs, resampling: Resampling, uncovered: Images | None = None) -> LinearFit:
    """The numbers under the most likely implementations, with their variances.

    These are the implementations that explain the images about as well as the best. `uncovered`: 1 at the values that
    are compared, 0 where something covers them.
    """
    if resampling.kernel == "nearest" and (exact := whole_pixel_fit(free, pairs, resampling)) is not None:
        return LinearFit(exact[0], exact[1], np.zeros_like(exact[1]), 0.0, Implementation(resampling))
    ways = _ways(free.shift, resampling, in_bytes(pairs.shifted))
    numbers, low, high = free.values, *free.limits
    unknown = np.zeros(len(numbers))
    noisy, moving = (any(p.random for p in free.shift.components), any(p.smooth for p in free.shift.components))
    for i in range(STEPS):
        shift = free.with_values(numbers)
        weights = _weights(shift, pairs) if uncovered is None else _weights(shift, pairs) * uncovered.reshape(-1)
        derivatives = _derivatives(free, numbers, pairs, ways[0], seed=1) * weights
        others = _derivatives(free, numbers, pairs, ways[0], seed=2) * weights if noisy else derivatives
        solve = np.linalg.pinv((derivatives @ others.T).astype(np.float64)) @ derivatives
        fits = sorted((_under(way, shift, pairs, weights, derivatives, solve) for way in ways), key=lambda u: u.energy)
        if i == 0:
            unknown = _bias_per_energy(fits)
        likelihood = _likelihood(fits)
        fits = [fit for fit, share in zip(fits, likelihood, strict=True) if share > NEGLIGIBLE]
        ways = [fit.way for fit in fits]
        last, numbers = numbers, np.clip(numbers + fits[0].step, low, high)
    steps = np.array([fit.step for fit in fits])
    likelihood = _likelihood(fits)
    middle = likelihood @ steps
    between = likelihood @ (steps - middle) ** 2
    single = (PLACES * free.steps * moving + SINGLE * np.maximum(np.abs(numbers), LEAST_NUMBER)) ** 2
    sampling = _sampling_variance(fits[0], solve, pairs) + single
    unexplained = 0.0 if noisy else _unexplained(fits[0])
    return LinearFit(
        np.clip(last + middle, low, high), sampling, between + unknown * unexplained, unexplained, fits[0].way
    )


def _ways(shift: Shift, resampling: Resampling, rounded: bool) -> list[Implementation]:
    """The implementations that are fitted.

    What is moved by whole pixels only is fitted as if it were interpolated: its places are off by up to half a pixel,
    each by another amount.
    """
    if resampling.kernel == "nearest":
        return other_implementations(shift, replace(resampling, kernel="bilinear"), rounded)[:1]
    ways = other_implementations(shift, resampling, rounded)
    return [way for way in ways if way.resampling.kernel != "nearest"]


def _likelihood(fits: "Sequence[_Under]") -> Float64[np.ndarray, "w"]:
    """The share of each implementation.

    It depends on how much more energy it leaves than the best, which comes first.

    What the best leaves is the scale; where that is nothing, what rounding changes by chance.
    """
    best = fits[0]
    scale = _unexplained(best) + SMALLEST + CHANCE * best.rounding / best.residual.size
    shares = np.array([1 + (fit.energy - best.energy) / scale for fit in fits]) ** (-FREEDOM / 2)
    return shares / shares.sum()


def _unexplained(fit: "_Under") -> float:
    """The energy of the residual beyond that of rounding.

    Where there is none, one standard error of it.
    """
    return max(fit.energy - fit.rounding, 0.0) + fit.rounding * np.sqrt(2 / fit.residual.size)


@dataclass(frozen=True, eq=False)
class _Under:
    """How a shift fits under one implementation."""

    way: Implementation
    remake: Float32[np.ndarray, "p"]
    lost: Float32[np.ndarray, "p"]
    """By rounding the remake."""
    step: Float64[np.ndarray, "k"]
    residual: Float32[np.ndarray, "p"]
    energy: float
    """Of the residual."""
    rounding: float
    """The energy of what is lost by rounding."""


def _under(
    way: Implementation, shift: Shift, pairs: Pairs, weights: np.ndarray, derivatives: np.ndarray, solve: np.ndarray
) -> _Under:
    made = way.unrounded(shift, pairs.reference, np.random.default_rng(0))
    remake = (made + _mean_rounding(made, way.rounding)).reshape(-1) * weights
    residual = pairs.shifted.reshape(-1) * weights - remake
    step = solve @ residual
    left = residual - step.astype(np.float32) @ derivatives
    lost = rounded(made, way.rounding).reshape(-1) * weights - remake
    return _Under(way, made.reshape(-1), lost, step, left, *(float(np.vdot(v, v)) / v.size for v in (left, lost)))


def _weights(shift: Shift, pairs: Pairs) -> Float32[np.ndarray, "p"]:
    """0 where implementations blend the edges of a moved picture in different ways, else 1."""
    mask = away_from_edges(shift, pairs.reference, RING) if _reaches_border(pairs.reference) else None
    ones = np.ones(pairs.reference.shape, np.float32)
    return (ones if mask is None else ones * mask).reshape(-1)


def _reaches_border(images: Images) -> bool:
    return bool(np.any(images[:, :, [0, -1]]) or np.any(images[..., [0, -1]]))


def _derivatives(
    free: FreeNumbers, numbers: np.ndarray, pairs: Pairs, way: Implementation, seed: int
) -> Float32[np.ndarray, "k p"]:
    low, high = free.limits
    rows = []
    for k, step in enumerate(free.steps):
        ends = [numbers.copy(), numbers.copy()]
        ends[0][k], ends[1][k] = max(numbers[k] - step, low[k]), min(numbers[k] + step, high[k])
        made = [way.unrounded(free.with_values(e), pairs.reference, np.random.default_rng(seed)) for e in ends]
        rows.append((made[1] - made[0]).reshape(-1) / np.float32(ends[1][k] - ends[0][k]))
    return np.stack(rows)


def _mean_rounding(made: Images, rounding: Rounding) -> Images | float:
    """By how much rounding changes values of about this size, on average.

    Near black and white it is towards them more often than away. Rounding down takes half a byte, but of whole bytes.
    """
    if rounding == "none":
        return 0.0
    of_bytes = made * np.float32(255)
    mean = np.zeros_like(made)
    near = ((of_bytes > 0) & (of_bytes < FEW_BYTES)) | ((of_bytes < 255) & (of_bytes > 255 - FEW_BYTES))
    values = of_bytes[near]
    end = np.where(values < FEW_BYTES, 0, 255).astype(np.float32)
    spread = [end + (values - end) * np.float32(scale) for scale in np.linspace(0.75, 1.25, 11)]
    mean[near] = np.mean([np.rint(v) - v for v in spread], axis=0)
    if rounding == "down":
        mean[np.abs(of_bytes - np.rint(of_bytes)) > WHOLE] = -0.5
    return mean / np.float32(255)


def _bias_per_energy(fits: Sequence[_Under]) -> Float64[np.ndarray, "k"]:
    """The squared bias that a difference between two implementations causes.

    It is per unit of the energy that no parameter explains.

    A high quantile over all pairs of them. By it, what no implementation explains is taken for such a difference.
    """
    ratios = []
    for one, other in combinations(fits, 2):
        left = one.residual - other.residual
        energy = float(np.vdot(left, left)) / left.size
        if energy > SMALLEST:
            ratios.append((one.step - other.step) ** 2 / energy)
    return np.quantile(ratios, HIGH, axis=0) if ratios else np.zeros(len(fits[0].step))


def _sampling_variance(fit: _Under, solve: np.ndarray, pairs: Pairs) -> Float64[np.ndarray, "k"]:
    """The sampling variance of the numbers.

    Residuals of one image, or of one position, may depend on each other.

    Two-way clustering (Cameron, Gelbach and Miller 2011), not below either way alone; nor below what rounding to bytes
    gives where pixels of equal fraction are rounded alike.
    """
    n = len(pairs)
    parts = (solve * fit.residual).reshape(len(solve), n, -1)
    by_image, by_position = (np.sum(parts.sum(axis) ** 2, axis=1) for axis in (2, 1))
    each = np.sum(parts**2, axis=(1, 2))
    variance = np.max([by_image, by_position, by_image + by_position - each], axis=0) * n / max(n - 1, 1)
    if fit.rounding:
        of_bytes = fit.remake * np.float32(255)
        phase = (np.rint((of_bytes - np.floor(of_bytes)) * PHASES) % PHASES).astype(np.int64)
        sums = np.stack([np.bincount(phase, row, PHASES) for row in solve * ((fit.remake > 0) & (fit.remake < 1))])
        variance = np.maximum(variance, np.sum(sums**2, axis=1) * ROUNDING)
    return variance
