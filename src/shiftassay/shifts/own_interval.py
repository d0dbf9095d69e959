"""The interval of a parameter that only its family can find."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

SPARE = 1  # more than the fewest that are wrong, by chance


class OwnInterval(NamedTuple):
    """A parameter's estimate, and the ends of its interval."""

    estimate: float
    low: float
    high: float

    @classmethod
    def within(cls, low: float, high: float, level: float) -> "OwnInterval":
        """Of a value that may be anywhere between two."""
        margin = (1 - level) / 2 * (high - low)
        return cls((low + high) / 2, low + margin, high - margin)


def where_fewest_are_wrong(
    wrong: Callable[[float], float], begin: float, steps: Sequence[float], limits: tuple[float, float]
) -> OwnInterval:
    """The number under which fewest values are wrong, and how far from it hardly more are.

    Nothing tells these numbers apart. `wrong` counts the values that a number gets wrong. The search begins near the
    best, with steps that become smaller.

    >>> interval = where_fewest_are_wrong(lambda x: abs(x - 0.5) // 0.0625, 0.75, (0.25, 0.125), (0.0, 1.0))
    >>> tuple(interval)
    (0.5, 0.375, 0.625)
    """
    counts: dict[float, float] = {}

    def count(number: float) -> float:
        if number not in counts:
            counts[number] = wrong(number)
        return counts[number]

    best = begin
    for step in steps:
        around = [best + k * step for k in (0, -1, 1, -2, 2)]
        best = min((number for number in around if limits[0] <= number <= limits[1]), key=count)
    allowed = count(best) + SPARE + np.sqrt(count(best))
    low, high = (_end(count, best, sign * steps[-1], allowed, limits) for sign in (-1, 1))
    return OwnInterval(best, low, high)


def _end(
    count: Callable[[float], float], best: float, step: float, allowed: float, limits: tuple[float, float]
) -> float:
    """The first number in one direction under which too many are wrong, or the limit.

    To within half a step.
    """
    inside, reach = best, step
    while count(outside := float(np.clip(best + reach, *limits))) <= allowed:
        if outside in limits:
            return outside
        inside, reach = outside, 2 * reach
    while abs(outside - inside) > abs(step) / 2:
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if count(middle) <= allowed else (inside, middle)
    return outside
