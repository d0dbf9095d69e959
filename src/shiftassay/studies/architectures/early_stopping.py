"""Early stopping, replayed on the curves of trainings that went on to the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.protocols import HeldOutRuns

PATIENCE = (5, 10, 20, 50)
"""Epochs without improvement after which a training is stopped."""

Criterion = Literal["loss on held-out images", "accuracy on held-out images"]
CRITERIA: tuple[Criterion, ...] = ("loss on held-out images", "accuracy on held-out images")


@dataclass(frozen=True)
class StoppingRule(Record):
    """What a rule would have done with each seed's training of one network.

    A training stops after `patience` epochs that did not improve on the best one so far, and keeps that one. `stopped`
    and `kept` are those epochs, `accuracies` on the test set are of the one that is kept, and `to_the_end` those after
    the last epoch of the same trainings.
    """

    network: str
    criterion: Criterion
    patience: int
    stopped: tuple[int, ...]
    kept: tuple[int, ...]
    accuracies: tuple[float, ...]
    to_the_end: tuple[float, ...]

    @property
    def cost(self) -> Interval | None:
        """Accuracy minus that of the training that went on to the end; None for a single seed."""
        return mean_over_seeds(np.subtract(self.accuracies, self.to_the_end))


def stopping_rules(network: str, runs: HeldOutRuns) -> tuple[StoppingRule, ...]:
    """Every rule that the trainings of one network are long enough for, replayed on them."""
    epochs = len(runs.accuracies[0])
    rules = []
    for criterion in CRITERIA:
        curves = runs.held_out_losses if criterion == CRITERIA[0] else runs.held_out_accuracies
        watched = curves if criterion == CRITERIA[0] else [[-value for value in curve] for curve in curves]
        for patience in PATIENCE:
            if patience < epochs:
                ends = [stopping_epochs(curve, patience) for curve in watched]
                kept = tuple(best for _, best in ends)
                rules.append(
                    StoppingRule(
                        network,
                        criterion,
                        patience,
                        tuple(stopped for stopped, _ in ends),
                        kept,
                        tuple(curve[epoch - 1] for curve, epoch in zip(runs.accuracies, kept, strict=True)),
                        tuple(curve[-1] for curve in runs.accuracies),
                    )
                )
    return tuple(rules)


def stopping_epochs(watched: Sequence[float], patience: int) -> tuple[int, int]:
    """The epoch at which a training stops, and the best one until then, counted from 1.

    Low values are good.

    >>> stopping_epochs([3.0, 1.0, 2.0, 2.0, 0.5], patience=2)
    (4, 2)
    >>> stopping_epochs([3.0, 2.0, 1.0], patience=2)
    (3, 3)
    """
    best = 0
    for epoch, value in enumerate(watched):
        if value < watched[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1, best + 1
    return len(watched), best + 1
