"""What all seeds of one network came to: accuracies and losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Int64
from pydantic import Field, model_validator

from shiftassay.records import Record
from shiftassay.runs.results import TrainingTimes, total_seconds
from shiftassay.studies.architectures.members import (
    correct_after_last_epoch,
    correct_in_best_epoch,
    validation_accuracies,
    validation_losses,
)
from shiftassay.training.train import Trained

MEDIAN_OVER = 100  # epochs
MEDIAN = f"median of the last {MEDIAN_OVER}"


@dataclass(frozen=True)
class NetworkRuns(Record):
    """A network's values by seed, and its losses and accuracies by seed and epoch."""

    seeds: tuple[int, ...]
    best_accuracy: tuple[float, ...]
    best_epoch: tuple[int, ...]
    last_accuracy: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    accuracies: tuple[tuple[float, ...], ...]
    training_losses: tuple[tuple[float, ...], ...]
    last: tuple[float, ...]
    lowest: tuple[float, ...]
    median_of_last: Annotated[tuple[float, ...], Field(alias=MEDIAN)]
    environment: TrainingTimes
    derived: ClassVar = ("optimism",)

    @property
    def optimism(self) -> list[float]:
        """The best accuracy minus the last: what choosing adds, and how far off the last epoch is, in one."""
        return np.subtract(self.best_accuracy, self.last_accuracy).tolist()

    @property
    def final_losses(self) -> Mapping[str, tuple[float, ...]]:
        """The three figures that may each be called the loss of a run."""
        return {"last": self.last, "lowest": self.lowest, MEDIAN: self.median_of_last}

    @model_validator(mode="before")
    @classmethod
    def _times_beside_results(cls, content: Any) -> Any:
        """Results of version 1 have the seconds among the other fields."""
        return {**content, "environment": {"seconds": content["seconds"]}} if "seconds" in content else content


def network_runs(members: Sequence[Trained], labels: Int64[np.ndarray, "n"]) -> NetworkRuns:
    """What is read from the trained members of one network."""
    losses = [validation_losses(member) for member in members]
    best = correct_in_best_epoch(members, labels).mean(1)
    last = correct_after_last_epoch(members, labels).mean(1)
    return NetworkRuns(
        seeds=tuple(member.trial.seed for member in members),
        best_accuracy=tuple(best.tolist()),
        best_epoch=tuple(member.best.epoch if member.best else len(member.metrics) for member in members),
        last_accuracy=tuple(last.tolist()),
        losses=tuple(map(tuple, losses)),
        accuracies=tuple(tuple(validation_accuracies(member)) for member in members),
        training_losses=tuple(tuple(epoch.loss for epoch in member.metrics) for member in members),
        last=tuple(by_epoch[-1] for by_epoch in losses),
        lowest=tuple(min(by_epoch) for by_epoch in losses),
        median_of_last=tuple(float(np.median(by_epoch[-MEDIAN_OVER:])) for by_epoch in losses),
        environment=TrainingTimes(tuple(total_seconds(member.metrics) for member in members)),
    )
