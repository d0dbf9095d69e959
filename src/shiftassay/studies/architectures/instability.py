"""How far a loss jumps from epoch to epoch, and the ratio between two groups of runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from shiftassay.records import Record
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import difference_over_seeds, paired_over_seeds, welch
from shiftassay.studies.architectures.members import late_epochs

TINY = 1e-12  # added to jumps before their logarithm: a loss may never move
SPIKE = 1.5  # times the median loss of the late epochs


@dataclass(frozen=True)
class Jumps(Record):
    """Jumps |L(t) − L(t − 1)| of the loss over the late epochs, by seed.

    `spikes` is the share of epochs that are spikes.
    """

    rms: tuple[float, ...]
    median: tuple[float, ...]
    largest: tuple[float, ...]
    spikes: tuple[float, ...]

    @property
    def log_rms(self) -> Float[np.ndarray, "seeds"]:
        return np.log(np.array(self.rms) + TINY)


@dataclass(frozen=True)
class JumpRatio(Record):
    """How many times as far the loss of `network` jumps as that of `control`.

    Jumps are root mean squares; the ratio is a geometric mean over seeds. The interval (95%) and p-value are of the
    logarithm; they are None for a single seed.
    """

    network: str
    control: str
    ratio: float
    interval: tuple[float, float] | None
    p: float | None
    p_corrected: float | None = None

    @property
    def is_significant(self) -> bool:
        return self.p_corrected is not None and self.p_corrected < 0.05


AnyRatio = TypeVar("AnyRatio", bound=JumpRatio)


def jumps_of(losses: Sequence[Sequence[float]]) -> Jumps:
    """The jumps of losses by seed and epoch.

    >>> jumps_of([[1.0, 0.5, 0.5, 2.5, 0.5, 0.5]])
    Jumps(rms=(1.4142135623730951,), median=(1.0,), largest=(2.0,), spikes=(0.25,))
    """
    rms, median, largest, spikes = [], [], [], []
    for loss in losses:
        late = np.array(loss)[late_epochs(len(loss))]
        jumps = np.abs(np.diff(np.array(loss)))[max(0, len(loss) - len(late) - 1) :]
        jumps = jumps if len(jumps) else np.zeros(1)
        rms.append(float(np.sqrt((jumps**2).mean())))
        median.append(float(np.median(jumps)))
        largest.append(float(jumps.max()))
        spikes.append(float((late > SPIKE * np.median(late)).mean()))
    return Jumps(tuple(rms), tuple(median), tuple(largest), tuple(spikes))


def independent_ratio(network: str, control: str, logs: np.ndarray, control_logs: np.ndarray) -> JumpRatio:
    """The ratio for groups whose seeds are independent (Welch's test)."""
    interval, p = difference_over_seeds(logs, control_logs), welch(logs, control_logs)
    return _ratio(network, control, logs, control_logs, interval, p)


def paired_ratio(network: str, control: str, logs: np.ndarray, control_logs: np.ndarray) -> JumpRatio:
    """The ratio for groups whose seeds belong together.

    Each seed gives both the same start and batches.
    """
    interval, p = paired_over_seeds(logs, control_logs) or (None, None)
    return _ratio(network, control, logs, control_logs, interval, p)


def corrected(ratios: Sequence[AnyRatio]) -> tuple[AnyRatio, ...]:
    """The ratios with p-values after Holm's correction.

    They stay uncorrected where one of them could not be tested.
    """
    p_values = [ratio.p for ratio in ratios if ratio.p is not None]
    if len(p_values) < len(ratios):
        return tuple(replace(ratio, p_corrected=ratio.p) for ratio in ratios)
    return tuple(replace(ratio, p_corrected=p) for ratio, p in zip(ratios, holm(p_values), strict=True))


def _ratio(
    network: str, control: str, logs: np.ndarray, control_logs: np.ndarray, interval: Interval | None, p: float | None
) -> JumpRatio:
    ends = (float(np.exp(interval.low)), float(np.exp(interval.high))) if interval else None
    return JumpRatio(network, control, float(np.exp(logs.mean() - control_logs.mean())), ends, p)
