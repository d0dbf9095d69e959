"""What a source claims of its networks, compared with the same figures of the study's members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftassay.records import Record
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import new_draw, paired, within
from shiftassay.studies.architectures.network_runs import NetworkRuns
from shiftassay.studies.architectures.study import Claim

JUMPS_OVER = 200  # epochs


@dataclass(frozen=True)
class ClaimedFigure(Record):
    """A figure that the source reports, and ours by seed.

    `expected` is the 95% prediction interval for a new seed of ours, `within` whether it covers what is reported. Both
    are None for a single seed.
    """

    quantity: Annotated[str, Field(alias="what")]
    reported: float
    ours: tuple[float, ...]
    expected: tuple[float, float] | None
    within: bool | None


@dataclass(frozen=True)
class CheckedClaim(Record):
    """The figures of one claim that can be compared.

    `whole`: ours trained for as many epochs as the source's.
    """

    network: str
    name: str
    figures: tuple[ClaimedFigure, ...]
    whole: bool


@dataclass(frozen=True)
class LossTest(Record):
    """Whether a network has a lower loss than another.

    Differences of each `statistic` are paired over seeds.
    """

    statistic: Annotated[str, Field(alias="way")]
    network: str
    other: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None
    p_corrected: float | None = None

    @property
    def is_lower(self) -> bool:
        return self.p_corrected is not None and self.p_corrected < 0.05 and self.difference < 0


def check_claim(claim: Claim, runs: NetworkRuns, images: int) -> CheckedClaim:
    """Each figure of a claim beside ours, as far as ours trained.

    `images` is the size of the test set.
    """
    epochs = len(runs.losses[0])
    whole = epochs >= claim.epochs
    figures = [_figure("best accuracy", claim.best_accuracy, runs.best_accuracy)] if whole else []
    figures += [
        _figure(f"loss, epoch {epoch}", loss, [by_epoch[epoch - 1] for by_epoch in runs.losses])
        for epoch, loss in claim.losses.items()
        if epoch <= epochs
    ]
    figures += [
        _figure(f"accuracy, epoch {epoch}", right / images, [by_epoch[epoch - 1] for by_epoch in runs.accuracies])
        for epoch, right in claim.right.items()
        if epoch <= epochs
    ]
    if whole and claim.lowest_loss is not None:
        figures.append(_figure("lowest loss", claim.lowest_loss, runs.lowest))
    if whole and claim.largest_jump is not None and epochs > JUMPS_OVER:
        jumps = [float(np.abs(np.diff(by_epoch[-JUMPS_OVER - 1 :])).max()) for by_epoch in runs.losses]
        quantity = f"largest jump of the loss, last {JUMPS_OVER} epochs"
        figures.append(_figure(quantity, claim.largest_jump, jumps, logarithmic=True))
    return CheckedClaim(claim.network, claim.name, tuple(figures), whole)


def check_lowest_loss(claimed: str, runs: Mapping[str, NetworkRuns]) -> tuple[LossTest, ...]:
    """Whether a network's loss is lower than that of each other one.

    It is tested by three statistics, with Holm's correction for all tests.
    """
    tests = [
        _loss_test(statistic, claimed, other, losses, runs[other].final_losses[statistic])
        for statistic, losses in runs[claimed].final_losses.items()
        for other in runs
        if other != claimed
    ]
    p_values = [test.p for test in tests if test.p is not None]
    if len(p_values) < len(tests):
        return tuple(tests)
    return tuple(replace(test, p_corrected=corrected) for test, corrected in zip(tests, holm(p_values), strict=True))


def _figure(quantity: str, reported: float, ours: Sequence[float], logarithmic: bool = False) -> ClaimedFigure:
    """`logarithmic` for what spreads over orders of magnitude."""
    interval = _log_draw(ours) if logarithmic else new_draw(ours)
    if interval is None:
        return ClaimedFigure(quantity, reported, tuple(ours), None, None)
    possible = within(interval, 0.0, 1.0 if "accuracy" in quantity else inf)
    return ClaimedFigure(
        quantity, reported, tuple(ours), (possible.low, possible.high), possible.low <= reported <= possible.high
    )


def _log_draw(ours: Sequence[float]) -> Interval | None:
    interval = new_draw(np.log(ours))
    if interval is None:
        return None
    estimate, low, high = np.exp([interval.estimate, interval.low, interval.high]).tolist()
    return Interval(estimate, low, high, interval.level)


def _loss_test(
    statistic: str, network: str, other: str, losses: Sequence[float], other_losses: Sequence[float]
) -> LossTest:
    difference = float(np.mean(losses) - np.mean(other_losses))
    tested = paired(losses, other_losses)
    if tested is None:
        return LossTest(statistic, network, other, difference, None, None)
    interval = tested.interval()
    return LossTest(statistic, network, other, difference, (interval.low, interval.high), tested.p_value)
