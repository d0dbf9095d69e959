"""Accuracies of one model for all variants over seeds, and their differences."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from shiftassay.evaluation.effect import joined_over_seeds
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.paired import difference_paired
from shiftassay.studies.shifted.served_variants import AccuracyOverSeeds, AccuracyWhenTold

Right = dict[str, Bool[np.ndarray, "seeds n"]]
"""For each column (a variant, or fresh attacks), which image the model of each seed gets right."""


def accuracy_of(right: Bool[np.ndarray, "seeds n"]) -> AccuracyOverSeeds:
    """The mean accuracy with its interval, and that of each seed."""
    interval = _over_seeds(right)
    return AccuracyOverSeeds(interval.estimate, interval.low, interval.high, tuple(right.mean(1).tolist()))


def when_told(right: Bool[np.ndarray, "seeds n"], with_right_id: Bool[np.ndarray, "seeds n"]) -> AccuracyWhenTold:
    """The mean accuracy with some ids, and its difference from that with the right ones."""
    interval = _over_seeds(right)
    return AccuracyWhenTold(interval.estimate, interval.low, interval.high, _difference(right, with_right_id))


def differences(right: Mapping[str, Right], design: str, other: str) -> dict[str, Interval] | None:
    """The design's accuracy minus that of another, by column.

    None where that is not there, or is the same.
    """
    if other not in right or design == other:
        return None
    return {column: _difference(which, right[other][column]) for column, which in right[design].items()}


def _over_seeds(right: Bool[np.ndarray, "seeds n"]) -> Interval:
    """The accuracy for new seeds and new images."""
    return joined_over_seeds([wilson(int(seed.sum()), len(seed)) for seed in right], (0.0, 1.0))


def _difference(right: Bool[np.ndarray, "seeds n"], others: Bool[np.ndarray, "seeds n"]) -> Interval:
    """The difference in accuracy on the same images, for new seeds and new images.

    Models of the same seed share their batches, so they are compared seed by seed.
    """
    differences = [
        difference_paired(int((one & ~other).sum()), int((other & ~one).sum()), len(one))
        for one, other in zip(right, others, strict=True)
    ]
    return joined_over_seeds(differences, (-1.0, 1.0))
