"""Guesses from mean pictures, where there are no pairs: what a linear shift does to each picture it does to their mean."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import linear_sum_assignment, minimize

from shiftassay.errors import BadInput
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import Shift

PICTURES = ("pixels", "squares")
KEPT = 3  # starts of a family
MANY = 100  # starts, from which on neighbours may both be kept


def by_mean_picture(grid: Sequence[Shift], samples: Samples) -> list[Shift]:
    """The shifts of a grid that take the mean picture of one sample nearest to that of the other.

    Three at most, no neighbours of each other, and the same with their numbers refined.
    """
    starts, misfit = _nearest(grid, samples)
    # The grid's own values too: a move by whole pixels, or a half turn, blurs nothing, and next to it everything does.
    return starts + [_refined(how, misfit) for how in starts]


def on_grid_by_mean_picture(grid: Sequence[Shift], samples: Samples) -> list[Shift]:
    """The same for a family all of whose values are on the grid."""
    return _nearest(grid, samples)[0]


def matched_parts(samples: Samples, cut: Callable[[np.ndarray], np.ndarray]) -> Int64[np.ndarray, "_"]:
    """For each part of the shifted mean picture (a row of what `cut` returns) the reference's that it looks like, one each."""
    cost: Float64[np.ndarray, "_ _"] | float = 0.0
    for name in PICTURES:
        a, b = (cut(p.mean[name]) for p in (samples.before, samples.after))
        va, vb = (cut(p.variance[name] / p.n) for p in (samples.before, samples.after))
        a, b, va, vb = (v.reshape(len(v), -1) for v in (a, b, va, vb))
        cost = cost + ((b[:, None] - a[None]) ** 2 / (vb[:, None] + va[None])).sum(axis=2)
    # Parts that are alike, such as black ones, stay where they are.
    return linear_sum_assignment(np.asarray(cost) - 1e-3 * np.eye(len(np.asarray(cost))))[1]


def _nearest(grid: Sequence[Shift], samples: Samples) -> tuple[list[Shift], Callable[[Shift], float]]:
    mean, target = samples.mean_picture, samples.after.mean["pixels"]
    before, after = samples.before, samples.after
    error = before.variance["pixels"] / before.n + after.variance["pixels"] / after.n

    def misfit(how: Shift) -> float:
        return float(np.sum((how.apply(mean, np.random.default_rng(0)).ravel() - target) ** 2 / error))

    chosen: list[int] = []
    for i in np.argsort([misfit(how) for how in grid]):
        if all(abs(int(i) - j) > 2 for j in chosen) or len(grid) > MANY:
            chosen.append(int(i))
        if len(chosen) == KEPT:
            break
    return [grid[i] for i in chosen], misfit


def _refined(how: Shift, misfit: Callable[[Shift], float]) -> Shift:
    """The shift with its numbers fitted (Nelder and Mead 1965)."""
    names = list(how.search)

    def at(numbers: np.ndarray) -> Shift:
        return replace(how, **dict(zip(names, map(float, numbers), strict=True)))

    def of_numbers(numbers: np.ndarray) -> float:
        try:
            return misfit(at(numbers))
        except BadInput:
            return np.inf

    begin = np.array([getattr(how, name) for name in names])
    simplex = np.vstack([begin, begin + np.diag([2 * how.search[name].step for name in names])])
    options = {"initial_simplex": simplex, "maxfev": 30 * len(names)}
    return at(minimize(of_numbers, begin, method="Nelder-Mead", options=options).x)
