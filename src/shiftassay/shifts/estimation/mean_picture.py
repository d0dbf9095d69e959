"""Estimates from mean pictures, without pairs.

A linear shift does to the mean what it does to each picture.
"""

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
MANY = 100  # starts: in finer grids, neighbours may both be kept


def by_mean_picture(grid: Sequence[Shift], samples: Samples) -> list[Shift]:
    """The shifts of a grid that bring the reference's mean picture nearest to the shifted one.

    At most three, not adjacent on the grid, followed by the same with refined parameters.
    """
    starts, misfit = _nearest(grid, samples)
    # The grid's values stay: a move by whole pixels, or a half turn, does not blur, while everything near it does.
    return starts + [_refined(start, misfit) for start in starts]


def on_grid_by_mean_picture(grid: Sequence[Shift], samples: Samples) -> list[Shift]:
    """The same without refinement, for a family whose grid has all its members."""
    return _nearest(grid, samples)[0]


def matched_parts(samples: Samples, cut: Callable[[np.ndarray], np.ndarray]) -> Int64[np.ndarray, "_"]:
    """The best assignment of the reference's parts to those of the shifted mean picture.

    Parts are the rows of `cut`.
    """
    cost: Float64[np.ndarray, "_ _"] | float = 0.0
    for name in PICTURES:
        a, b = (cut(p.mean[name]) for p in (samples.before, samples.after))
        va, vb = (cut(p.variance[name] / p.n) for p in (samples.before, samples.after))
        a, b, va, vb = (v.reshape(len(v), -1) for v in (a, b, va, vb))
        cost = cost + ((b[:, None] - a[None]) ** 2 / (vb[:, None] + va[None])).sum(axis=2)
    costs = np.asarray(cost)
    return linear_sum_assignment(costs - 1e-3 * np.eye(len(costs)))[1]  # equal parts, such as black ones, stay


def _nearest(grid: Sequence[Shift], samples: Samples) -> tuple[list[Shift], Callable[[Shift], float]]:
    mean, target = samples.mean_picture, samples.after.mean["pixels"]
    before, after = samples.before, samples.after
    error = before.variance["pixels"] / before.n + after.variance["pixels"] / after.n

    def misfit(shift: Shift) -> float:
        return float(np.sum((shift.apply(mean, np.random.default_rng(0)).ravel() - target) ** 2 / error))

    chosen: list[int] = []
    for i in np.argsort([misfit(shift) for shift in grid]):
        if all(abs(int(i) - j) > 2 for j in chosen) or len(grid) > MANY:
            chosen.append(int(i))
        if len(chosen) == KEPT:
            break
    return [grid[i] for i in chosen], misfit


def _refined(start: Shift, misfit: Callable[[Shift], float]) -> Shift:
    """The shift with its parameters fitted by a simplex search (Nelder and Mead 1965)."""
    names = list(start.search)

    def shift(numbers: np.ndarray) -> Shift:
        return replace(start, **dict(zip(names, map(float, numbers), strict=True)))

    def of_numbers(numbers: np.ndarray) -> float:
        try:
            return misfit(shift(numbers))
        except BadInput:
            return np.inf

    begin = np.array([getattr(start, name) for name in names])
    simplex = np.vstack([begin, begin + np.diag([2 * start.search[name].step for name in names])])
    options = {"initial_simplex": simplex, "maxfev": 30 * len(names)}
    return shift(minimize(of_numbers, begin, method="Nelder-Mead", options=options).x)
