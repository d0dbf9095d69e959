"""How far a loss jumps from epoch to epoch, and the ratio between two groups of runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from shiftassay.records import Record
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import paired
from shiftassay.studies.architectures.members import late_epochs

TINY = 1e-12  # added to jumps before their logarithm: a loss may never move
SPIKE = 1.5  # times the median loss of the late epochs
AS_STEADY = 1.25  # ratios from 1/1.25 to 1.25 count as equal: the margin by which bioequivalence is judged
RMS, MEDIAN = "rms", "median"


@dataclass(frozen=True)
class Jumps(Record):
    """Jumps |L(t) − L(t − 1)| of the loss over the late epochs, by seed.

    `spikes` is the share of epochs that are spikes.
    """

    rms: tuple[float, ...]
    median: tuple[float, ...]
    largest: tuple[float, ...]
    spikes: tuple[float, ...]

    def logs(self, statistic: str) -> Float[np.ndarray, "seeds"]:
        """The logarithms of the root mean square jumps, or of the median ones."""
        return np.log(np.array(self.rms if statistic == RMS else self.median) + TINY)


@dataclass(frozen=True)
class JumpRatio(Record):
    """How many times as far the loss of `network` jumps as that of `control`.

    The jumps of a run are summed up by a `statistic`; the ratio is a geometric mean over seeds. The interval (95%) and
    p-values are of the logarithm, paired by seed; `equivalence_p` tests that the ratio lies outside of 1/1.25 to 1.25.
    They are None for a single seed.
    """

    network: str
    control: str
    ratio: float
    interval: tuple[float, float] | None
    p: float | None
    p_corrected: float | None = None
    statistic: str = RMS
    equivalence_p: float | None = None

    @property
    def is_significant(self) -> bool:
        return self.p_corrected is not None and self.p_corrected < 0.05

    @property
    def is_as_steady(self) -> bool:
        return self.equivalence_p is not None and self.equivalence_p < 0.05


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


def jump_ratio(network: str, control: str, jumps: Jumps, control_jumps: Jumps, statistic: str = RMS) -> JumpRatio:
    """The ratio of two networks' jumps, over the seeds of the first.

    They are the control's first seeds, in the same order.
    """
    logs = jumps.logs(statistic)
    control_logs = control_jumps.logs(statistic)[: len(logs)]
    ratio = JumpRatio(network, control, float(np.exp((logs - control_logs).mean())), None, None, statistic=statistic)
    tested = paired(logs, control_logs)
    if tested is None:
        return ratio
    ends = np.exp([tested.interval().low, tested.interval().high]).tolist()
    equivalence_p = tested.equivalence(float(np.log(AS_STEADY)))
    return replace(ratio, interval=(ends[0], ends[1]), p=tested.p_value, equivalence_p=equivalence_p)


def corrected(ratios: Sequence[AnyRatio]) -> tuple[AnyRatio, ...]:
    """The ratios with p-values after Holm's correction, those of equivalence among themselves."""
    p_values = [ratio.p for ratio in ratios if ratio.p is not None]
    equivalences = [ratio.equivalence_p for ratio in ratios if ratio.equivalence_p is not None]
    if len(p_values) < len(ratios) or len(equivalences) < len(ratios):
        return tuple(ratios)
    return tuple(
        replace(ratio, p_corrected=p, equivalence_p=equivalence_p)
        for ratio, p, equivalence_p in zip(ratios, holm(p_values), holm(equivalences), strict=True)
    )
