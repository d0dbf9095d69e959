"""The parameters of a map that took every pixel from one other pixel: nearest-neighbour resampling.

Which source pixel each place shows is read off the images. It must lie within half a pixel of where the map takes that
place, so the parameters lie in a polytope, anywhere in it.
"""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.optimize import linprog

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.errors import BadInput
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import Resampling, grid, resampled

REACH = 2  # pixels around where a place's source is expected
IMAGES = 200  # that sources are read off
SLACK = 1e-4  # of a pixel: sources at the border of two pixels go either way
WRONG = 0.02  # share of places whose source may contradict the others
LINEARIZED = 3  # times that the map is linearized
SAMPLES = (400, 800, 2000)  # points of the polytope, by turns
INSIDE = 1 - 1e-4  # of the coverage of a pixel

Numbers = Float64[np.ndarray, "k"]


def fitted_to_places(shift: Shift, pairs: Pairs, resampling: Resampling) -> Shift | None:
    """The shift with numbers that take each pixel from where it came; None if there are none."""
    free = FreeNumbers.differentiable(shift)
    try:
        fit = whole_pixel_fit(free, pairs, resampling) if len(free.values) else None
        return None if fit is None else free.with_values(fit[0])
    except (BadInput, np.linalg.LinAlgError):  # a fit that leaves what the family allows
        return None


def whole_pixel_fit(free: FreeNumbers, pairs: Pairs, resampling: Resampling) -> tuple[Numbers, Numbers] | None:
    """Mean and variance of the numbers over the polytope.

    None if the sources of places contradict each other.
    """
    numbers, few = free.values, pairs.first(IMAGES)
    rng = np.random.default_rng(0)
    for _ in range(LINEARIZED):
        places, inside = _places(free, numbers, few.reference.shape[2:], resampling)
        source, known = _sources(places, inside, few)
        if known.sum() < len(numbers):
            return None
        rows = _derivatives(free, numbers, few.reference.shape[2:], resampling)[:, :, known].reshape(len(numbers), -1).T
        away = (places - source)[:, known].ravel()
        matrix, bound = np.r_[rows, -rows], 0.5 + SLACK - np.r_[away, -away]
        least = _least_violating(matrix, bound)
        violated = matrix @ least > bound + SLACK
        if violated.mean() > WRONG:
            return None
        points = _points_within(matrix[~violated], bound[~violated], least, rng)
        numbers = numbers + points.mean(0)
    return numbers, points.var(0)


def _places(
    free: FreeNumbers, numbers: np.ndarray, size: tuple[int, ...], resampling: Resampling
) -> tuple[Float64[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Where each pixel's value comes from, and whether that is inside.

    These are the pictures of x and of y after the shift.
    """
    h, w = size
    pictures = np.concatenate([grid(h, w), np.ones((1, h, w))])[:, None].astype(np.float32)
    with resampled(Resampling("bilinear", resampling.center)):
        shown = free.with_values(numbers).on_black().apply(pictures, np.random.default_rng(0))[:, 0].astype(np.float64)
    return shown[:2], shown[2] > INSIDE


def _derivatives(
    free: FreeNumbers, numbers: np.ndarray, size: tuple[int, ...], resampling: Resampling
) -> Float64[np.ndarray, "k 2 h w"]:
    """Of each pixel's source by the numbers."""
    rows = []
    for k, step in enumerate(free.steps / 4):
        moved = step * (np.arange(len(numbers)) == k)
        ends = [_places(free, numbers + sign * moved, size, resampling)[0] for sign in (1, -1)]
        rows.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(rows)


def _sources(
    places: Float64[np.ndarray, "2 h w"], inside: Bool[np.ndarray, "h w"], pairs: Pairs
) -> tuple[Float64[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """The pixel around each place that shows the same in all images.

    And whether there is just one.
    """
    h, w = inside.shape
    middle = np.array([(w - 1) / 2, (h - 1) / 2])[:, None, None]
    nearest = np.rint(places + middle).astype(np.int64)
    best, count = np.zeros((2, h, w)), np.zeros((h, w), np.int64)
    for dx, dy in product(range(-REACH, REACH + 1), repeat=2):
        x, y = nearest[0] + dx, nearest[1] + dy
        there = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        same = there & _shows(pairs, np.clip(x, 0, w - 1), np.clip(y, 0, h - 1))
        best = np.where(same, np.stack([x, y]), best)
        count += same
    # A step beyond the neighbours of an inside place is no step across the edge.
    edge = np.pad(inside, REACH, constant_values=False)
    whole = np.all(
        [edge[REACH + b : REACH + b + h, REACH + a : REACH + a + w] for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))], 0
    )
    return best - middle, (count == 1) & inside & whole


def _shows(pairs: Pairs, x: Int64[np.ndarray, "h w"], y: Int64[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Whether each pixel of the shifted images is pixel (x, y) of the reference, in all images."""
    return np.abs(pairs.shifted - pairs.reference[:, :, y, x]).max((0, 1)) < ROUNDING


def _least_violating(matrix: np.ndarray, bound: np.ndarray) -> Numbers:
    """The point x that violates matrix · x ≤ bound least, and lies as deep inside as it can."""
    k, m = matrix.shape[1], len(bound)
    norms = np.linalg.norm(matrix, axis=1)
    # Variables: x, each violation, the depth. A violation costs more than any depth gains.
    cost = np.r_[np.zeros(k), np.full(m, 10.0), -1.0]
    left = np.c_[matrix, -np.eye(m), norms / norms.mean()]
    limits = [(None, None)] * k + [(0, None)] * m + [(0, 0.5)]
    return linprog(cost, left, bound, bounds=limits).x[:k]


def _points_within(
    matrix: np.ndarray, bound: np.ndarray, start: np.ndarray, rng: np.random.Generator
) -> Float64[np.ndarray, "n k"]:
    """Points spread evenly over a polytope.

    By hit-and-run (Smith 1984) along directions of its own shape.
    """
    shape = np.linalg.pinv(matrix.T @ matrix)
    points = [start]
    for count in SAMPLES:  # from the second time on, the shape is that of the points themselves
        lines = np.linalg.cholesky(shape + 1e-9 * np.eye(len(shape)) * np.trace(shape))
        points = _walk(matrix, bound, points[-1], rng.standard_normal((count, len(start))) @ lines.T, rng)
        shape = np.atleast_2d(np.cov(np.array(points).T))
    return np.array(points)


def _walk(
    matrix: np.ndarray, bound: np.ndarray, point: np.ndarray, directions: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """From each point along a direction to anywhere inside."""
    points = []
    for direction in directions:
        slope, room = matrix @ direction, np.maximum(bound - matrix @ point, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = room / slope
        low = np.max(ratio[slope < 0], initial=-np.inf)
        high = np.min(ratio[slope > 0], initial=np.inf)
        if np.isfinite(low) and np.isfinite(high):
            point = point + (low + (high - low) * rng.random()) * direction
        points.append(point)
    return points
