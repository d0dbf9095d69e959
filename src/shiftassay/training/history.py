"""What a member's training produces: epochs, best and last state, or a failure."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from shiftassay.errors import NotDone
from shiftassay.runs.results import EpochMetrics, Failure


class Diverged(NotDone):
    """A training whose numbers stopped being finite; the message says which and where."""


@dataclass(frozen=True)
class Snapshot:
    """A member after an epoch: its weights, and its logits on the validation set.

    The logits are in that set's order.
    """

    epoch: int
    weights: dict[str, np.ndarray]
    logits: Float32[np.ndarray, "n classes"]


@dataclass
class History:
    """A member's epochs so far: the metrics of each, and the last and the best state.

    The states are there if they are kept.
    """

    metrics: list[EpochMetrics]
    last: Snapshot | None = None
    best: Snapshot | None = None
    failure: Failure | None = None

    def add(self, metrics: EpochMetrics, snapshot: Snapshot | None) -> None:
        """Add an epoch. The best one has the most right answers; of several, it is the first."""
        if snapshot:
            before = max((past.validation_accuracy or 0 for past in self.metrics), default=-1)
            self.last = snapshot
            self.best = snapshot if (metrics.validation_accuracy or 0) > before else self.best
        self.metrics.append(metrics)
