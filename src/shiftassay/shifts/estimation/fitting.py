"""Estimating a family's parameters by least squares: over all images at once, or over each of them.

From the best of a grid of starts, damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963) with derivatives by finite
differences of the family's own `apply`, so that a family says no more than where to start and how far to step.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs, mean_squares
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import PerImage, is_drawn

COARSE = 48  # images for the grid of starts
FINE = 120
EXACT = 0.003  # of the error: what leaves less leaves nothing to differ between images
SOME, SOME_STEPS = 16, 4  # images, and steps, to see whether images differ
WORTHWHILE = 0.85  # of the error: what leaves more has explained nothing
KEPT = 3  # starts that are refined where the picture moves; elsewhere the error has one valley
STEPS = 10
EDGE = 1e-3  # of the coverage of a pixel
INK = 0.02  # of the contrast, that a pixel differs from the ground by
STANDING_OUT = 2.0  # sds, from which on an error is none of a fit's
ROUNDS, ROUND_STEPS = 15, 3  # how often those are looked for at most, and steps in between
SHRUNK = 0.5  # of a fit's sd of errors: what trimming has to bring
LEAST_SEEN = 0.4  # of the pixels


@runtime_checkable
class Family(Protocol):
    """What a fit needs of a family, or of what stands in for one."""

    @property
    def smooth(self) -> bool: ...
    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def from_numbers(self, numbers: np.ndarray) -> Shift: ...
    def from_numbers_per_image(self, numbers: np.ndarray) -> Shift: ...


@dataclass(frozen=True)
class Refit:
    """A shift whose numbers are looked for image by image, whatever else it says staying as it is."""

    how: Shift

    @property
    def smooth(self) -> bool:
        return self.how.smooth

    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.how.search_steps()

    def from_numbers(self, numbers: np.ndarray) -> Shift:
        found = vars(self.how.from_numbers(numbers))
        looked_for = [
            name
            for name, value in vars(self.how.from_numbers_per_image(numbers[None])).items()
            if isinstance(value, PerImage)
        ]
        return replace(self.how, scope="shared", **{name: found[name] for name in looked_for})

    def from_numbers_per_image(self, numbers: np.ndarray) -> Shift:
        found = vars(self.how.from_numbers_per_image(numbers))
        return replace(self.how, **{name: value for name, value in found.items() if isinstance(value, PerImage)})


class LeastSquares:
    """The estimator of families whose numbers are fitted: one for all images and, where images differ, one for each."""

    def estimate(self, family: type[Shift], pairs: Pairs) -> list[Shift]:
        return fitted(family, pairs)

    def infer_draws(self, shift: Shift, pairs: Pairs) -> Shift | None:
        refit = Refit(shift)
        try:
            return refit.from_numbers_per_image(fit_each(refit, shift.candidate_draws(), pairs))
        except BadInput:  # numbers that the family does not allow
            return None


def fitted(cls: type[Shift], pairs: Pairs) -> list[Shift]:
    """The shared shift that fits best and, where the family has that scope and images differ, their draws, summarised.

    Nothing if the best leaves about as much as no shift at all.
    """
    starts = cls.search_starts(pairs.reference.shape[2:])
    if not cls.search_steps()[0].any():
        return on_grid(cls, pairs)
    view = pairs.smooth if cls.smooth else pairs
    coarse = view.first(COARSE)
    nothing = float(coarse.errors(coarse.reference).mean())
    errors = _on_grid(cls, starts, coarse)
    best = np.argsort(errors.mean(1))[: KEPT if cls.smooth else 1]
    shared = refine(cls, starts[best], coarse)
    shared_errors = _errors(cls, shared[None], coarse)
    left = float(shared_errors.mean())
    found: list[Shift] = []
    if left < WORTHWHILE * nothing:
        found.append(cls.from_numbers(refine(cls, shared[None], pairs.first(FINE))))
    if "per_image" in cls.scopes and left > EXACT * nothing:
        starts, errors = np.vstack([starts, shared]), np.vstack([errors, shared_errors])
        some, few = pairs.first(SOME), pairs.first(FINE)
        each = _each_from(cls, starts[errors[:, : len(some)].argmin(0)], some, SOME_STEPS)
        if _gain(cls, each, shared, some) < WORTHWHILE:
            found += _if_drawn(summarised(cls, fit_each(cls, starts, few), few))
    return found


def on_grid(cls: type[Shift], pairs: Pairs) -> list[Shift]:
    """Of a parameter that has no useful derivative, the start with the least error: of all images, and of each.

    Values that do equally well form a stretch, of which the middle is taken.
    """
    few = pairs.first(COARSE)
    starts = cls.search_starts(pairs.reference.shape[2:])
    found = [cls.from_numbers(starts[_middle(_on_grid(cls, starts, few).mean(1))])]
    if "per_image" in cls.scopes:
        found += _if_drawn(summarised(cls, fit_each(cls, starts, few), few))
    return found


def _if_drawn(how: Shift) -> list[Shift]:
    """A shift that draws for each image, unless it draws the same for all."""
    return [how] if any(map(is_drawn, vars(how).values())) else []


def _middle(errors: Float64[np.ndarray, "g"]) -> int:
    """The middle of the stretch around the least error in which nothing is worse."""
    best = int(errors.argmin())
    as_good = errors <= errors[best] * (1 + 1e-6) + 1e-12
    first = best - int(np.argmin(np.append(as_good[best::-1], False))) + 1
    last = best + int(np.argmin(np.append(as_good[best:], False))) - 1
    return (first + last) // 2


def refine(cls: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "k"]:
    """The best of several starts after Gauss-Newton steps over all images together."""
    found = [_gauss_newton(cls, start[None], pairs, pooled=True) for start in starts]
    return min(found, key=lambda f: f[1].mean())[0][0]


def trimmed(cls: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "k"] | None:
    """The parameters that leave most pixels as good as nothing, if any do: least trimmed squares (Rousseeuw 1984).

    What covers some pixels, dots or blots, pulls at a fit to all of them, which begins at the first of the starts. From there, or the
    start with the least median error, steps over the pixels that do not stand out. Nothing if the median error stays at more
    than both rounding and half of what the fit to all pixels leaves.
    """
    whole = refine(cls, starts[:1], pairs)
    enough = max(SHRUNK * _scale(cls, whole, pairs)[0], ROUNDING)
    values = min([whole, *starts], key=lambda start: _scale(cls, start, pairs)[0])
    for _ in range(ROUNDS):
        scale, left = _scale(cls, values, pairs)
        standing_out = np.abs(left) > max(STANDING_OUT * scale, ROUNDING)
        kept = replace(pairs, shifted=pairs.shifted - left * standing_out)
        before, values = values, _gauss_newton(cls, values[None], kept, pooled=True, steps=ROUND_STEPS)[0][0]
        if np.allclose(values, before, rtol=0, atol=1e-4):
            break
    return values if _scale(cls, values, pairs)[0] < enough else None


def _scale(cls: Family, values: Float64[np.ndarray, "k"], pairs: Pairs) -> tuple[float, Images]:
    """The sd that the median of the errors stands for, where a remake is no ground or has changed, and the errors."""
    remade = made(cls, values[None], pairs.reference)
    away = np.abs(remade - np.median(remade))
    told = (away > INK * away.max()) | (np.abs(remade - pairs.reference) > INK)
    left = pairs.residual(remade)
    return float(np.median(np.abs(left[told]))) / 0.6745 if told.any() else np.inf, left


def fit_each(cls: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "n k"]:
    """The parameters of each image, from its own best start."""
    view = pairs.smooth if cls.smooth else pairs
    errors = _on_grid(cls, starts, view)
    if not cls.search_steps()[0].any():
        return starts[[_middle(column) for column in errors.T]]
    return _each_from(cls, starts[errors.argmin(0)], pairs)


def _each_from(
    cls: Family, values: Float64[np.ndarray, "n k"], pairs: Pairs, steps: int = STEPS
) -> Float64[np.ndarray, "n k"]:
    """Each image's parameters by Gauss-Newton steps: of a picture that moves on blurred images first."""
    for view in (pairs.smooth, pairs) if cls.smooth else (pairs,):
        values, _ = _gauss_newton(cls, values, view, pooled=False, steps=steps)
    return values


def summarised(cls: type[Shift], values: Float64[np.ndarray, "n k"], pairs: Pairs) -> Shift:
    """The draws as a distribution: the same for all, out of a few values, or even between two."""
    errors = _errors(cls, values, pairs)
    good = errors <= 4 * np.median(errors) + 1e-6
    return cls.from_draws(values[good])


def made(cls: Family, values: Float64[np.ndarray, "_ k"], images: Images) -> Images:
    """The images shifted with the given numbers: one row for all, or one for each."""
    how = cls.from_numbers(values[0]) if len(values) == 1 else cls.from_numbers_per_image(values)
    return how.apply(images, np.random.default_rng(0))


def _errors(
    cls: Family, values: Float64[np.ndarray, "_ k"], pairs: Pairs, remade: Images | None = None
) -> Float64[np.ndarray, "n"]:
    """The mean squared error of each image of a remake, away from the edge of a picture that moves."""
    remade = made(cls, values, pairs.reference) if remade is None else remade
    seen = _seen(cls, values, pairs)
    if seen is None:
        return pairs.errors(remade)
    return mean_squares(pairs.residual(remade) * seen) / seen.mean((1, 2, 3))


def _seen(cls: Family, values: Float64[np.ndarray, "_ k"], pairs: Pairs) -> Float32[np.ndarray, "m 1 h w"] | None:
    """Where errors count; everywhere if nothing."""
    if not pairs.bordered:
        return None
    return away_from_edges(
        cls.from_numbers(values[0]) if len(values) == 1 else cls.from_numbers_per_image(values), pairs.reference
    )


def away_from_edges(how: Shift, images: Images) -> Float32[np.ndarray, "m 1 h w"] | None:
    """1 where a moved picture is, or is not at all, and 0 where its edge passes, which some blend with black and others cut off.

    Nothing if no picture moves, or if it does so by chance.
    """
    moving = [part for part in how.components if part.smooth]
    drawn = [value for part in moving for value in vars(part).values() if is_drawn(value)]
    if not moving or any(not isinstance(value, PerImage) for value in drawn):
        return None
    whole = np.ones((len(images) if drawn else 1, 1, *images.shape[2:]), np.float32)
    within = whole.copy()
    within[:, :, [0, -1]] = within[..., [0, -1]] = 0
    for part in moving:
        whole, within = (part.apply(picture, np.random.default_rng(0)) for picture in (whole, within))
    seen = (whole < EDGE) | (within > 1 - EDGE)
    seen[seen.mean((1, 2, 3)) < LEAST_SEEN] = True  # no map is judged by a few pixels
    return seen.astype(np.float32)


def _gain(cls: Family, each: np.ndarray, shared: np.ndarray, pairs: Pairs) -> float:
    """What numbers for each image leave, as a share of what the same for all leave."""
    left = [_errors(cls, values, pairs).mean() for values in (each, shared[None])]
    return float(left[0] / max(left[1], 1e-12))


def _on_grid(cls: Family, starts: Float64[np.ndarray, "g k"], pairs: Pairs) -> Float64[np.ndarray, "g n"]:
    return np.stack([_errors(cls, start[None], pairs) for start in starts])


def _gauss_newton(
    cls: Family, values: Float64[np.ndarray, "m k"], pairs: Pairs, pooled: bool, steps: int = STEPS
) -> tuple[Float64[np.ndarray, "m k"], Float64[np.ndarray, "n"]]:
    step, low, high = cls.search_steps()
    damping = np.full(len(values), 1e-3)
    base = made(cls, values, pairs.reference)
    errors = _errors(cls, values, pairs, base)
    gains: list[float] = []
    better = np.array([True])
    for _ in range(steps):
        if better.any():
            curvature, gradient = _normal_equations(cls, values, pairs, base)
        diagonal = np.einsum("nkk->nk", curvature)
        damped = curvature + np.eye(len(low)) * (damping[:, None] * diagonal + 1e-9)[:, :, None]
        move = np.linalg.solve(damped, gradient[..., None])[..., 0]
        proposed = np.clip(values + move, low, high)
        try:
            new = made(cls, proposed, pairs.reference)
        except BadInput:  # numbers that the family does not allow
            break
        new_errors = _errors(cls, proposed, pairs, new)
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
        # Of many images some are always worse: two steps must have gained little.
        gained_little = better.all() and gains[-1] < 1e-4 if pooled else len(gains) > 1 and max(gains[-2:]) < 1e-3
        if small or gained_little:
            break
    return values, errors


def _normal_equations(
    cls: Family, values: Float64[np.ndarray, "m k"], pairs: Pairs, base: Images
) -> tuple[Float64[np.ndarray, "m k k"], Float64[np.ndarray, "m k"]]:
    """JᵀJ and Jᵀr of the remake's derivatives J and of what it leaves, r: of all images together, or of each."""
    step, low, high = cls.search_steps()
    slope = pairs.fit_intensity(base)[0]
    columns = []
    for k in range(len(step)):
        up, down = values.copy(), values.copy()
        up[:, k] = np.minimum(values[:, k] + step[k], high[k])
        down[:, k] = np.maximum(values[:, k] - step[k], low[k])
        width = np.maximum(up[:, k] - down[:, k], 1e-12).astype(np.float32)
        difference = made(cls, up, pairs.reference) - made(cls, down, pairs.reference)
        columns.append((slope * difference).reshape(len(values), -1) / width[:, None])
    seen = _seen(cls, values, pairs)
    left = pairs.residual(base) if seen is None else pairs.residual(base) * seen
    jacobian = np.stack(columns, 1)
    curvature = np.einsum("nkp,nlp->nkl", jacobian, jacobian)
    gradient = np.einsum("nkp,np->nk", jacobian, left.reshape(len(values), -1))
    return curvature.astype(np.float64), gradient.astype(np.float64)
