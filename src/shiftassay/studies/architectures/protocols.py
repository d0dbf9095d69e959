"""Which epoch of a training counts: what protocols read, cost, and how noisy they are."""

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
HELD_OUT, HELD_OUT_LOSS = "best accuracy on held-out images", "lowest loss on held-out images"


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


@dataclass(frozen=True)
class HeldOutRuns(Record):
    """Trainings of one network with some training images held out: their curves by seed and epoch.

    `accuracies` and `losses` are on the test set, the others on the held-out images.
    """

    accuracies: tuple[tuple[float, ...], ...]
    losses: tuple[tuple[float, ...], ...]
    held_out_accuracies: tuple[tuple[float, ...], ...]
    held_out_losses: tuple[tuple[float, ...], ...]

    @property
    def protocols(self) -> ProtocolAccuracies:
        """The test accuracies by protocol, those that choose on held-out images among them."""
        read = protocol_accuracies(self.accuracies, self.losses)
        by_accuracy = [int(np.argmax(curve)) for curve in self.held_out_accuracies]
        by_loss = [int(np.argmin(curve)) for curve in self.held_out_losses]
        chosen = {
            protocol: tuple(curve[epoch] for curve, epoch in zip(self.accuracies, epochs, strict=True))
            for protocol, epochs in ((HELD_OUT, by_accuracy), (HELD_OUT_LOSS, by_loss))
        }
        return ProtocolAccuracies({**chosen, **read.accuracies}, read.sd_within)


def protocol_accuracies(accuracies: Sequence[Sequence[float]], losses: Sequence[Sequence[float]]) -> ProtocolAccuracies:
    """What the protocols read that need no held-out images.

    Accuracies and losses are by seed and epoch.

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
    """A protocol's bias, with its interval over seeds, of which each is a mean over networks."""
    by_seed = np.mean([network.bias(protocol) for network in networks.values()], axis=0)
    return float(by_seed.mean()), mean_over_seeds(by_seed)
