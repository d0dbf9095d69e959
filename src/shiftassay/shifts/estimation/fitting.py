"""Estimating a family's parameters by least squares, over all images together or for each image.

From the best of a grid of starts, damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963) with finite differences
of the family's `apply`: a family declares no more than where to start and how far to step.
"""

from dataclasses import MISSING, dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fit_error import Family, errors_of, mask_of, remake
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs, in_bytes
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import PerImage, is_drawn

COARSE = 48  # images for the grid of starts
FINE = 120
EXACT = 0.003  # of the error without a shift: below, the residual leaves no room for differences between images
SOME, SOME_STEPS = 16, 4  # images, and steps, to see whether parameters differ between images
WORTHWHILE = 0.85  # of the error without a shift: above, the fit explains nothing
WORTHWHILE_UNDER_MORE = 0.98  # the same where a map of grey values is free: noise may have come as well
KEPT = 3  # starts that are refined where the picture moves; elsewhere the error has one minimum
STEPS = 10
INK = 0.02  # of the contrast: by how much a pixel of ink differs from the background
OUTLIER = 2.0  # sds of the residual
ROUNDS, ROUND_STEPS = 15, 3  # rounds of trimming at most, and steps in each
SINGLE = 1e-6  # of the grey scale: what single precision rounds
SHRUNK = 0.5  # of the untrimmed fit's sd of residuals: what trimming has to reach


@dataclass(frozen=True)
class Refit:
    """Stands in for a family: only the shift's searched parameters vary, all others stay."""

    shift: Shift

    @property
    def smooth(self) -> bool:
        return self.shift.smooth

    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.shift.search_steps()

    def search_lengths(self) -> np.ndarray:
        return self.shift.search_lengths()

    def from_numbers(self, numbers: np.ndarray) -> Shift:
        made = self.shift.from_numbers(numbers)
        searched = [f.name for f in fields(made) if f.name in self.shift.search or f.default is MISSING]
        return replace(self.shift, scope="shared", **{name: getattr(made, name) for name in searched})

    def from_numbers_per_image(self, numbers: np.ndarray) -> Shift:
        parameters = vars(self.shift.from_numbers_per_image(numbers))
        return replace(self.shift, **{name: value for name, value in parameters.items() if isinstance(value, PerImage)})


class LeastSquares:
    """The estimator of families fitted by least squares.

    It estimates shared parameters and, where images differ, per-image ones.
    """

    def estimate(self, family: type[Shift], pairs: Pairs) -> list[Shift]:
        return fitted(family, pairs)

    def infer_draws(self, shift: Shift, pairs: Pairs) -> Shift | None:
        refit = Refit(shift)
        try:
            return refit.from_numbers_per_image(fit_each(refit, shift.candidate_draws(), pairs))
        except BadInput:  # numbers that the family does not allow
            return None


def fitted(family: type[Shift], pairs: Pairs) -> list[Shift]:
    """The best shared shift and, where images differ, the best per-image distribution.

    The latter only if the family has that scope. An empty list if the best fit leaves about as much as no shift at all.
    """
    if not family.search_steps()[0].any():
        return on_grid(family, pairs)
    first, *finer_views = _views(family, pairs)
    small, few = first.pairs, pairs.first(FINE)
    starts = family.search_starts(small)
    coarse = (small.smooth if family.smooth else small).first(COARSE)
    unshifted = float(coarse.errors(coarse.reference).mean())
    errors = _on_grid(family, starts, coarse)
    best = np.argsort(errors.mean(1))[: KEPT if family.smooth else 1]
    shared = refine(family, starts[best], coarse)
    if finer_views:
        shared = _from_images(family, shared, starts, errors, coarse)
    shared_errors = errors_of(family, shared[None], coarse)
    remaining = float(shared_errors.mean())
    estimates: list[Shift] = []
    finer = shared * first.scale
    if remaining < (WORTHWHILE_UNDER_MORE if pairs.contrast else WORTHWHILE) * unshifted:
        finer = _refined(family, finer, few)
        estimates.append(family.from_numbers(finer))
    if "per_image" in family.scopes and remaining > EXACT * unshifted:
        starts, errors = np.vstack([starts, shared]), np.vstack([errors, shared_errors])
        some = small.first(SOME)
        each = _each_from(family, starts[errors[:, : len(some)].argmin(0)], some, SOME_STEPS)
        if _gain(family, each, shared, some) < WORTHWHILE:
            each = fit_each(family, starts * first.scale, few)
            # Small pictures may seem to differ by what full ones show to be alike.
            if not finer_views or _gain(family, each, finer, few) < WORTHWHILE:
                estimates += _if_drawn(summarized(family, each, few))
    return estimates


class _View(NamedTuple):
    """Pairs, perhaps made small, for a fit.

    In the full pictures its numbers are multiplied by `scale`.
    """

    pairs: Pairs
    scale: Float64[np.ndarray, "k"]


def _views(family: "type[Shift] | Refit", pairs: Pairs) -> list[_View]:
    """The pairs for one fit after another, the full ones last.

    Large pictures that move are made small first: there a few pixels are a large part of the picture.
    """
    if not family.smooth:
        return [_View(pairs, np.ones(len(family.search_steps()[0])))]
    lengths = family.search_lengths()
    return [_View(pairs.reduced(by), np.where(lengths, by, 1.0)) for by in pairs.reductions]


def _refined(family: type[Shift], numbers: Float64[np.ndarray, "k"], pairs: Pairs) -> Float64[np.ndarray, "k"]:
    """The parameters fitted to larger and larger pictures, from those that the smallest gave."""
    first, *finer = _views(family, pairs)
    for view in finer or [first]:
        numbers = refine(family, (numbers / view.scale)[None], view.pairs) * view.scale
    return numbers


def _from_images(
    family: type[Shift],
    shared: Float64[np.ndarray, "k"],
    starts: Float64[np.ndarray, "g k"],
    errors: Float64[np.ndarray, "g n"],
    pairs: Pairs,
) -> Float64[np.ndarray, "k"]:
    """The shared parameters, or better ones from a fit that begins at the median over images.

    Large moves have few starts nearby: some images find what all together miss.
    """
    values, _ = _gauss_newton(family, starts[errors.argmin(0)], pairs, pooled=False)
    return refine(family, np.stack([shared, np.median(values, 0)]), pairs)


def on_grid(family: type[Shift], pairs: Pairs) -> list[Shift]:
    """Estimates over a grid, for parameters without a useful derivative.

    The start with the least error, over all images and for each. Of a stretch of equally good starts, the middle is
    taken.
    """
    few = pairs.first(COARSE)
    starts = family.search_starts(pairs)
    estimates = [family.from_numbers(starts[_middle(_on_grid(family, starts, few).mean(1))])]
    if "per_image" in family.scopes:
        estimates += _if_drawn(summarized(family, fit_each(family, starts, few), few))
    return estimates


def _if_drawn(shift: Shift) -> list[Shift]:
    """The shift, unless all its parameters turned out to be constant."""
    return [shift] if any(map(is_drawn, vars(shift).values())) else []


def _middle(errors: Float64[np.ndarray, "g"]) -> int:
    """The middle of the stretch of least error."""
    best = int(errors.argmin())
    as_good = errors <= errors[best] * (1 + 1e-6) + 1e-12
    first = best - int(np.argmin(np.append(as_good[best::-1], False))) + 1
    last = best + int(np.argmin(np.append(as_good[best:], False))) - 1
    return (first + last) // 2


def refine(family: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "k"]:
    """The best of several starts after Gauss-Newton steps over all images together."""
    fits = [_gauss_newton(family, start[None], pairs, pooled=True) for start in starts]
    return min(fits, key=lambda fit: fit[1].mean())[0][0]


def trimmed(family: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "k"] | None:
    """The parameters of a robust fit, by least trimmed squares (Rousseeuw 1984).

    Occlusions are outliers: a fit to all pixels, which begins at the first of the starts, is biased by them. From
    there, or from the start with the least median residual, steps use the pixels that are no outliers. None if the
    median residual stays above rounding and above half of that of the fit to all pixels.
    """
    whole = refine(family, starts[:1], pairs)
    enough = max(SHRUNK * _scale(family, whole, pairs)[0], ROUNDING)
    values = min([whole, *starts], key=lambda start: _scale(family, start, pairs)[0])
    for _ in range(ROUNDS):
        scale, residual = _scale(family, values, pairs)
        outliers = np.abs(residual) > max(OUTLIER * scale, ROUNDING)
        kept = replace(pairs, shifted=pairs.shifted - residual * outliers)
        before, values = values, _gauss_newton(family, values[None], kept, pooled=True, steps=ROUND_STEPS)[0][0]
        if np.allclose(values, before, rtol=0, atol=1e-4):
            break
    return values if _scale(family, values, pairs)[0] < enough else None


def without_outliers(family: Family, values: Float64[np.ndarray, "k"], pairs: Pairs) -> Images:
    """1 at the values that a robust fit with these parameters explains, 0 at its outliers."""
    scale, residual = _scale(family, values, pairs)
    exact = ROUNDING if in_bytes(pairs.shifted) else SINGLE
    return (np.abs(residual) <= max(OUTLIER * scale, exact)).astype(np.float32)


def _scale(family: Family, values: Float64[np.ndarray, "k"], pairs: Pairs) -> tuple[float, Images]:
    """A robust sd of the residual, and the residual.

    Over pixels where the remake has ink or differs from the reference.
    """
    remade = remake(family, values[None], pairs.reference)
    contrast = np.abs(remade - np.median(remade))
    informative = (contrast > INK * contrast.max()) | (np.abs(remade - pairs.reference) > INK)
    residual = pairs.residual(remade)
    # The median of |x| over a normal distribution is 0.6745 sd.
    return float(np.median(np.abs(residual[informative]))) / 0.6745 if informative.any() else np.inf, residual


def fit_each(
    family: type[Shift] | Refit, starts: Float64[np.ndarray, "g k"], pairs: Pairs
) -> Float64[np.ndarray, "n k"]:
    """The parameters of each image, from its own best start."""
    first, *finer = _views(family, pairs)
    starts = starts / first.scale
    errors = _on_grid(family, starts, first.pairs.smooth if family.smooth else first.pairs)
    if not family.search_steps()[0].any():
        return starts[[_middle(column) for column in errors.T]]
    values = _each_from(family, starts[errors.argmin(0)], first.pairs) * first.scale
    for view in finer:
        values = _each_from(family, values / view.scale, view.pairs, SOME_STEPS) * view.scale
    return values


def _each_from(
    family: Family, values: Float64[np.ndarray, "n k"], pairs: Pairs, steps: int = STEPS
) -> Float64[np.ndarray, "n k"]:
    """Each image's parameters by Gauss-Newton steps.

    On blurred images first where the picture moves.
    """
    for view in (pairs.smooth, pairs) if family.smooth else (pairs,):
        values, _ = _gauss_newton(family, values, view, pooled=False, steps=steps)
    return values


def summarized(family: type[Shift], values: Float64[np.ndarray, "n k"], pairs: Pairs) -> Shift:
    """The shift with the distributions of its parameters: constant, a choice, or uniform.

    Failed fits do not count.
    """
    return family.from_draws(values[good(errors_of(family, values, pairs))])


def good(errors: Float64[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Which images' fits did not fail, by their errors."""
    return errors <= 4 * np.median(errors) + 1e-6


def _gain(family: Family, each: np.ndarray, shared: np.ndarray, pairs: Pairs) -> float:
    """The error of per-image parameters as a share of that of shared ones."""
    of_each, of_shared = (errors_of(family, values, pairs).mean() for values in (each, shared[None]))
    return float(of_each / max(of_shared, 1e-12))


def _on_grid(family: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "g n"]:
    return np.stack([errors_of(family, start[None], pairs) for start in starts])


def _gauss_newton(
    family: Family, values: Float64[np.ndarray, "m k"], pairs: Pairs, pooled: bool, steps: int = STEPS
) -> tuple[Float64[np.ndarray, "m k"], Float64[np.ndarray, "n"]]:
    step, low, high = family.search_steps()
    damping = np.full(len(values), 1e-3)
    base = remake(family, values, pairs.reference)
    errors = errors_of(family, values, pairs, base)
    gains: list[float] = []
    better = np.array([True])
    for _ in range(steps):
        if better.any():
            curvature, gradient = _normal_equations(family, values, pairs, base)
        diagonal = np.einsum("nkk->nk", curvature)
        damped = curvature + np.eye(len(low)) * (damping[:, None] * diagonal + 1e-9)[:, :, None]
        move = np.linalg.solve(damped, gradient[..., None])[..., 0]
        proposed = np.clip(values + move, low, high)
        try:
            new = remake(family, proposed, pairs.reference)
        except BadInput:  # numbers that the family does not allow
            break
        new_errors = errors_of(family, proposed, pairs, new)
        better = np.array([new_errors.mean() < errors.mean()]) if pooled else new_errors < errors
        damping = np.where(better, damping / 5, damping * 8)
        if not better.any() and damping.min() > 1e3:
            break
        small = np.abs(proposed - values).max() < 0.002 * step.max()
        best = new_errors if pooled else np.minimum(errors, new_errors)
        gains.append((errors.mean() - best.mean()) / max(errors.mean(), 1e-12))
        values = np.where(better[:, None], proposed, values)
        if pooled:
            base, errors = (new, new_errors) if better[0] else (base, errors)
        else:
            base = np.where(better[:, None, None, None], new, base)
            errors = np.where(better, new_errors, errors)
        # Some of many images always get worse: only two small gains in a row count.
        gained_little = better.all() and gains[-1] < 1e-4 if pooled else len(gains) > 1 and max(gains[-2:]) < 1e-3
        if small or gained_little:
            break
    return values, errors


def _normal_equations(
    family: Family, values: Float64[np.ndarray, "m k"], pairs: Pairs, base: Images
) -> tuple[Float64[np.ndarray, "m k k"], Float64[np.ndarray, "m k"]]:
    """JᵀJ and Jᵀr, over all images or of each.

    J holds the derivatives of the remake, r is its residual.
    """
    step, low, high = family.search_steps()
    mask = mask_of(family, values, pairs)
    gain, _ = pairs.fit_intensity(base, mask)
    columns = []
    for k in range(len(step)):
        up, down = values.copy(), values.copy()
        up[:, k] = np.minimum(values[:, k] + step[k], high[k])
        down[:, k] = np.maximum(values[:, k] - step[k], low[k])
        width = np.maximum(up[:, k] - down[:, k], 1e-12).astype(np.float32)
        difference = remake(family, up, pairs.reference) - remake(family, down, pairs.reference)
        columns.append((gain * difference).reshape(len(values), -1) / width[:, None])
    residual = pairs.residual(base) if mask is None else pairs.residual(base, mask) * mask
    jacobian = np.stack(columns, 1)
    curvature = np.einsum("nkp,nlp->nkl", jacobian, jacobian)
    gradient = np.einsum("nkp,np->nk", jacobian, residual.reshape(len(values), -1))
    return curvature.astype(np.float64), gradient.astype(np.float64)
