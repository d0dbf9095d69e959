"""Rectangles in pictures: the one with the largest sum, and how far its sides may move."""

import numpy as np
from jaxtyping import Float64, Int64

from shiftassay.shifts.parameters import Choice, Uniform

Rectangles = Int64[np.ndarray, "n 4"]
"""Top, left, height and width; a height of 0 where there is none."""

COARSE_SIDE = 48  # squares, about, in the shorter side of large pictures
MOVES = 20  # of the sides, at most
FAILED = 0.04  # share of the images that may contradict a constant


def heaviest(weights: Float64[np.ndarray, "n h w"]) -> Rectangles:
    """The rectangle of the largest positive sum in each of n pictures.

    Kadane's algorithm, over every pair of rows. In large pictures, over pairs of squares of pixels: then each side in
    turn is moved to where the sum is largest.

    >>> heaviest(np.array([[[-1.0, -1.0, -1.0], [-1.0, 2.0, 3.0]]])).tolist()
    [[1, 1, 1, 2]]
    """
    by = max(1, min(weights.shape[1:]) // COARSE_SIDE)
    if by == 1:
        return _heaviest(weights)
    h, w = weights.shape[1:]
    padded = np.pad(weights, ((0, 0), (0, -h % by), (0, -w % by)))
    coarse = _heaviest(padded.reshape(len(padded), -(-h // by), by, -(-w // by), by).sum((2, 4)))
    return np.stack(
        [_refined(picture, *map(int, rectangle * by)) for picture, rectangle in zip(weights, coarse, strict=True)]
    )


def _refined(
    weights: Float64[np.ndarray, "h w"], top: int, left: int, height: int, width: int
) -> Int64[np.ndarray, "4"]:
    """The rectangle with its sides where the sum is largest, each in turn until none moves.

    One without height begins at the heaviest pixel, if any has a positive weight.
    """
    h, w = weights.shape
    if not height:
        top, left = map(int, np.unravel_index(weights.argmax(), weights.shape))
        height = width = int(weights[top, left] > 0)
    rows, columns = (top, min(top + height, h)), (left, min(left + width, w))
    for _ in range(MOVES if height else 0):
        before = rows, columns
        rows = _heaviest_range(weights[:, slice(*columns)].sum(1))
        columns = _heaviest_range(weights[slice(*rows)].sum(0))
        if (rows, columns) == before:
            break
    return np.array([rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]]) * bool(height)


def _heaviest_range(weights: Float64[np.ndarray, "n"]) -> tuple[int, int]:
    """Begin and end of the consecutive numbers with the largest sum: the fewest of equals."""
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    gains = sums[1:] - np.minimum.accumulate(sums[:-1])
    end = int(gains.argmax()) + 1
    begin = end - 1 - int(sums[:end][::-1].argmin())
    return begin, end


def _heaviest(weights: Float64[np.ndarray, "n h w"]) -> Rectangles:
    n, h, w = weights.shape
    down = np.concatenate([np.zeros((n, 1, w)), np.cumsum(weights, 1)], 1)
    best, rectangles, image = np.zeros(n), np.zeros((n, 4), np.int64), np.arange(n)
    for top in range(h):
        before = np.zeros((n, h - top, w + 1))
        np.cumsum(down[:, top + 1 :] - down[:, top : top + 1], axis=2, out=before[:, :, 1:])
        sums = (before[:, :, 1:] - np.minimum.accumulate(before[:, :, :-1], 2)).reshape(n, -1)
        at = sums.argmax(1)
        better = np.flatnonzero(sums[image, at] > best)
        best[better] = sums[better, at[better]]
        row, right = np.divmod(at[better], w)
        prefix = np.where(np.arange(w + 1) <= right[:, None], before[better, row], np.inf)
        left = w - prefix[:, ::-1].argmin(1)  # the last of equals: the smallest rectangle
        rectangles[better] = np.stack([np.full(len(better), top), left, row + 1, right + 1 - left], 1)
    return rectangles


def freedom(weights: Float64[np.ndarray, "n h w"], at: Rectangles, loss: float) -> Int64[np.ndarray, "n 4"]:
    """How far each side may grow while no added line weighs below −loss.

    By rows up, columns left, rows down and columns right. Nothing is known outside the picture: a side that reaches its
    border may go on by the picture's size.
    """
    n, h, w = weights.shape
    free = np.empty((n, 4), np.int64)
    for i, (top, left, height, width) in enumerate(at):
        bad_rows = weights[i, :, left : left + width].sum(1) < -loss
        bad_columns = weights[i, top : top + height].sum(0) < -loss
        free[i] = (
            _until(bad_rows[:top][::-1], h),
            _until(bad_columns[:left][::-1], w),
            _until(bad_rows[top + height :], h),
            _until(bad_columns[left + width :], w),
        )
    return free


def common(low: Int64[np.ndarray, "n"], high: Int64[np.ndarray, "n"]) -> int | Choice | Uniform:
    """The distribution of integers known to lie between `low` and `high`.

    It is constant, a choice, or uniform. A constant is the smallest that contradicts the fewest intervals; a range is
    the narrowest that meets them all.

    >>> common(np.array([3, 1, 4]), np.array([9, 5, 4]))
    4
    """
    values = np.unique(low)
    wrong = np.array([np.mean((low > v) | (high < v)) for v in values])
    if wrong.min() <= FAILED:
        return int(values[wrong.argmin()])
    exact = low == high
    if exact.sum() >= 10:
        choices, counts = np.unique(low[exact], return_counts=True)
        choices = choices[counts > FAILED * exact.sum()]
        met = np.mean([((choices >= a) & (choices <= b)).any() for a, b in zip(low, high, strict=True)])
        if 2 <= len(choices) <= 6 and choices[-1] - choices[0] >= len(choices) and met >= 1 - 2 * FAILED:
            return Choice(tuple(map(int, choices)))
    ends = sorted((float(high.min()), float(low.max())))
    return Uniform(*ends)


def _until(bad: np.ndarray, beyond: int) -> int:
    return int(bad.argmax()) if bad.any() else len(bad) + beyond
