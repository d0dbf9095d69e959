"""What a member of a training has to show: its epochs, its best and last state, and how it failed if it did."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from shiftassay.errors import NotDone


class Diverged(NotDone):
    """A training whose numbers stopped being finite; the message says which and where."""


@dataclass(frozen=True)
class Failure:
    """Where a member's training ended because a number was not finite: epoch and step from 1, and what it was."""

    epoch: int
    step: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} was not finite in step {self.step} of epoch {self.epoch}"


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one member: means over its training steps, and the validation set after it."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """All but the seconds, which are no result: they belong to the environment."""
        return {name: value for name, value in asdict(self).items() if name != "seconds"}


def total_seconds(metrics: Sequence[EpochMetrics]) -> float | None:
    """The seconds that training took; None where that is not known."""
    seconds = [epoch.seconds for epoch in metrics if epoch.seconds is not None]
    return sum(seconds) if len(seconds) == len(metrics) else None


@dataclass(frozen=True)
class Snapshot:
    """A member after an epoch: its weights, and its logits on the validation set in that set's order."""

    epoch: int
    weights: dict[str, np.ndarray]
    logits: Float32[np.ndarray, "n classes"]


@dataclass
class History:
    """What a member has to show so far: the metrics of every epoch, and the last and the best epoch if they are kept."""

    metrics: list[EpochMetrics]
    last: Snapshot | None = None
    best: Snapshot | None = None
    failure: Failure | None = None

    def add(self, metrics: EpochMetrics, snapshot: Snapshot | None) -> None:
        """One epoch more. The best one has the most right answers; of several, it is the first."""
        if snapshot:
            before = max((past.validation_accuracy or 0 for past in self.metrics), default=-1)
            self.last = snapshot
            self.best = snapshot if (metrics.validation_accuracy or 0) > before else self.best
        self.metrics.append(metrics)
