"""The records of the factorial experiment: its runs, and the trainings before and after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftassay.records import Record
from shiftassay.statistics.factorial import Effect
from shiftassay.statistics.seeds import Difference, paired

Level = str | int | float
"""A value of a factor."""


@dataclass(frozen=True)
class FactorialRun(Record):
    """One combination of levels, trained once, and its accuracy on the held-out images."""

    network: str
    dropout: float
    schedule: str
    optimizer: Annotated[str, Field(alias="optimiser")]
    epochs: int
    accuracy: float

    @property
    def levels(self) -> dict[str, Level]:
        """The level of each factor."""
        return {key: level for key, level in self.to_json().items() if key != "accuracy" and isinstance(level, Level)}


@dataclass(frozen=True)
class TriedRate(Record):
    """A learning rate that was tried for an optimizer under a schedule.

    `accuracies` are on the held-out images, by network; None where training diverged. `chosen`: it has the highest
    mean.
    """

    optimizer: Annotated[str, Field(alias="optimiser")]
    schedule: str
    learning_rate: float
    accuracies: Mapping[str, float | None]
    chosen: bool = False

    @property
    def mean(self) -> float | None:
        """The mean over networks; None if training of one diverged."""
        known = [accuracy for accuracy in self.accuracies.values() if accuracy is not None]
        return float(np.mean(known)) if len(known) == len(self.accuracies) else None


@dataclass(frozen=True)
class ShortTraining(Record):
    """A network trained by its best combination, on all training images, over seeds.

    `accuracies` are on the test set after the last epoch, `by_the_study` those of the study's own trainings, `epochs`
    long, after their last epoch; both by seed.
    """

    best: FactorialRun
    learning_rate: float
    accuracies: tuple[float, ...]
    by_the_study: tuple[float, ...]
    epochs: int
    p_corrected: float | None = None

    @property
    def difference(self) -> Difference | None:
        """Its accuracy minus the study's, paired by seed."""
        return paired(self.accuracies, self.by_the_study)

    @property
    def is_significant(self) -> bool:
        return self.p_corrected is not None and self.p_corrected < 0.05


@dataclass(frozen=True)
class Factorial(Record):
    """Every run, the levels of each factor, and what factors and pairs of them explain.

    `tried` are the learning rates of the search before, `confirmed` the best combination of each network, tested on
    `images` test images; none in results that were made without them.
    """

    runs: tuple[FactorialRun, ...]
    levels: Mapping[str, tuple[Level, ...]]
    effects: tuple[Effect, ...]
    held_out: int
    tried: tuple[TriedRate, ...] = ()
    confirmed: tuple[ShortTraining, ...] = ()
    images: int | None = None

    @property
    def varied(self) -> list[str]:
        """The factors with several levels."""
        return [factor for factor, levels in self.levels.items() if len(levels) > 1]

    def accuracies(self, **levels: Level) -> list[float]:
        """The accuracies of all runs at these levels of these factors."""
        return [run.accuracy for run in self.runs if levels.items() <= run.levels.items()]


def log_error(accuracy: float, n: int) -> float:
    """The logarithm of the error rate, on which effects multiply and spread is even.

    Without any error, half an image counts as one.
    """
    return float(np.log(max(1 - accuracy, 0.5 / n)))
