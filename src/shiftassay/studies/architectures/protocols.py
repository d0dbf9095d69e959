"""Which epoch of a training counts: what each protocol reads, what it costs, and how noisy it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import mean_over_seeds

SETTLED_OVER = 50  # epochs; a sixth of the epochs where that is fewer
BEST, LOWEST_LOSS, LAST = "best accuracy on the test set", "lowest loss on the test set", "last epoch"
SETTLED = "mean of the last epochs"
HELD_OUT, LAST_OF_HELD_OUT = "best accuracy on held-out images", "last epoch of those trainings"


@dataclass(frozen=True)
class ProtocolAccuracies(Record):
    """The test accuracies of one network's trainings by protocol, then by seed.

    `sd_within` is the standard deviation over the last epochs of one training, root mean square over seeds; None for a
    single epoch.
    """

    accuracies: Mapping[str, tuple[float, ...]]
    sd_within: float | None

    def bias(self, protocol: str) -> Float[np.ndarray, "seeds"]:
        """By seed, what a protocol reads above the accuracy at which the same training settles."""
        return np.subtract(self.accuracies[protocol], self.accuracies[SETTLED])


def protocol_accuracies(accuracies: Sequence[Sequence[float]], losses: Sequence[Sequence[float]]) -> ProtocolAccuracies:
    """What the protocols that need no held-out images read, from accuracies and losses by seed and epoch.

    >>> read = protocol_accuracies([[0.9, 0.8, 0.7]], [[3.0, 1.0, 2.0]])
    >>> read.accuracies[BEST], read.accuracies[LOWEST_LOSS], read.accuracies[LAST], read.bias(BEST).round(3)
    ((0.9,), (0.8,), (0.7,), array([0.2]))
    """
    late = [by_epoch[-settled_epochs(len(by_epoch)) :] for by_epoch in accuracies]
    variances = [np.var(epochs, ddof=1) for epochs in late if len(epochs) > 1]
    return ProtocolAccuracies(
        {
            BEST: tuple(max(by_epoch) for by_epoch in accuracies),
            LOWEST_LOSS: tuple(a[int(np.argmin(b))] for a, b in zip(accuracies, losses, strict=True)),
            LAST: tuple(by_epoch[-1] for by_epoch in accuracies),
            SETTLED: tuple(settled_accuracy(by_epoch) for by_epoch in accuracies),
        },
        float(np.sqrt(np.mean(variances))) if variances else None,
    )


def settled_epochs(epochs: int) -> int:
    """Over how many of the last epochs an accuracy is averaged.

    >>> settled_epochs(300), settled_epochs(60), settled_epochs(3)
    (50, 10, 1)
    """
    return min(SETTLED_OVER, max(1, epochs // 6))


def settled_accuracy(by_epoch: Sequence[float]) -> float:
    """The mean of the last epochs' accuracies."""
    return float(np.mean(by_epoch[-settled_epochs(len(by_epoch)) :]))


def mean_bias(networks: Mapping[str, ProtocolAccuracies], protocol: str) -> tuple[float, Interval | None]:
    """A protocol's bias over all networks, with its interval over seeds: these are blocks, so networks come first."""
    by_seed = np.mean([network.bias(protocol) for network in networks.values()], axis=0)
    return float(by_seed.mean()), mean_over_seeds(by_seed)
