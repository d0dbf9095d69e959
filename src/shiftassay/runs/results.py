"""What a run ends with, beside weights and predictions: its metrics or its failure."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.records import JsonObject, Record


@dataclass(frozen=True)
class EpochMetrics(Record):
    """One epoch of one member: means over its training steps, and the validation set after it.

    With the held-out training images, where the recipe keeps some and validates on the test set.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float | None = None
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None

    def to_json(self) -> JsonObject:
        """All but the seconds, which are no result: they belong to the environment.

        What was measured on held-out images is there if any were kept.
        """
        held_out = () if self.held_out_loss is not None else ("held_out_loss", "held_out_accuracy")
        return {name: value for name, value in super().to_json().items() if name not in ("seconds", *held_out)}


@dataclass(frozen=True)
class Metrics(Record):
    """All epochs of a run, and the best of them.

    The best (from 1) is there where the recipe validates on the test set.
    """

    epochs: tuple[EpochMetrics, ...]
    best_epoch: int | None


@dataclass(frozen=True)
class Failure(Record):
    """Where a member's training ended because a number was not finite.

    Epoch and step count from 1; `what` names the number.
    """

    epoch: int
    step: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} was not finite in step {self.step} of epoch {self.epoch}"


@dataclass(frozen=True)
class TrainingTimes(Record):
    """The seconds that each training took; None where that is not known."""

    seconds: tuple[float | None, ...]


def total_seconds(metrics: Sequence[EpochMetrics]) -> float | None:
    """The seconds that training took; None where that is not known."""
    seconds = [epoch.seconds for epoch in metrics if epoch.seconds is not None]
    return sum(seconds) if len(seconds) == len(metrics) else None
