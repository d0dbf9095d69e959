"""An epoch in parts of few steps.

Between them training can be stopped, and its state kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

SLICE = 0.25  # seconds of training between two looks at whether to stop


class Pace:
    """The number of steps that take about `SLICE` seconds.

    So often can training be stopped, and its state kept.
    """

    def __init__(self) -> None:
        self.count = 1
        self.seconds = 0.0

    def timed(
        self, take: Callable[[int], list[tuple[np.ndarray, np.ndarray]]], most: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The results of at most so many steps; `seconds` is how long they took."""
        began = perf_counter()
        results = take(min(self.count, most))
        self.seconds = perf_counter() - began
        self.count = max(1, min(8 * self.count, int(len(results[0][0]) * SLICE / max(self.seconds, 1e-6))))
        return results


@dataclass
class Part:
    """A part of an epoch: each member's losses and numbers of right answers by step.

    `seconds` is how long they took.
    """

    losses: list[np.ndarray]
    right: list[np.ndarray]
    seconds: float = 0.0

    @classmethod
    def of(cls, members: int) -> "Part":
        return cls([np.empty(0)] * members, [np.empty(0, np.int64)] * members)

    @property
    def step(self) -> int:
        """The step that comes next."""
        return len(self.losses[0])

    def add(self, results: list[tuple[np.ndarray, np.ndarray]]) -> None:
        for i, (losses, right) in enumerate(results):
            self.losses[i] = np.concatenate([self.losses[i], losses]) if len(self.losses[i]) else losses
            self.right[i] = np.concatenate([self.right[i], right]) if len(self.right[i]) else right

    def of_member(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        return self.losses[place], self.right[place]
