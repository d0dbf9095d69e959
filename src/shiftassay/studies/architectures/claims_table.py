"""The table of what a source claims, what the study measured, and what that says."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from shiftassay.records import Record
from shiftassay.report.finding import Table
from shiftassay.studies.architectures.claims import CheckedClaim
from shiftassay.studies.architectures.factorial import Factorial
from shiftassay.studies.architectures.judged import Judged
from shiftassay.studies.architectures.judged_accuracies import (
    judge_accuracies,
    judge_attention_and_transformer,
    judge_coordinates,
    judge_early_stopping,
    judge_held_out,
    judge_selection,
)
from shiftassay.studies.architectures.judged_modules import (
    judge_batches,
    judge_distortions,
    judge_heads,
    judge_lowest_loss,
    judge_parameters,
    judge_positions,
    judge_recipe,
    judge_stability,
)
from shiftassay.studies.architectures.protocols import ProtocolAccuracies, protocol_accuracies
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies
from shiftassay.studies.architectures.sections.batches import BatchChecks
from shiftassay.studies.architectures.sections.distortions import Distortions
from shiftassay.studies.architectures.sections.heads import Heads
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.selection import Selection
from shiftassay.studies.architectures.sections.stability import Stability
from shiftassay.studies.architectures.study import Statement
from shiftassay.words.numbers import mean_sd, percent, points

Row = tuple[str, str, str]
Measured = Mapping[str, Record]

R = TypeVar("R", bound=Record)


def claims_table(measured: Measured, statements: Mapping[Statement, str]) -> Table:
    """The claims of the study's source, what was measured of each, and the verdict."""
    reproduction = section_record(measured, Reproduction)
    source = reproduction.source if reproduction else "the source"
    columns = (f"{source} says", "measured here", "verdict")
    images = reproduction.images if reproduction else None
    of_images = f" Accuracies are of {images:,} test images." if images else ""
    return Table(
        columns,
        tuple(claim_rows(measured, statements)),
        f"The claims of {source}. Intervals are 95%, over seeds; p-values are corrected after Holm.{of_images}",
        words=columns[1:],
    )


def claim_rows(measured: Measured, statements: Mapping[Statement, str]) -> list[Row]:
    """A row for each claim that these sections and their seeds allow to judge.

    `statements` are the source's, by what they are about; what it says nothing of has no row.
    """
    reproduction = section_record(measured, Reproduction)
    accuracies = section_record(measured, ComparedAccuracies)
    selection, heads = section_record(measured, Selection), section_record(measured, Heads)
    judged: dict[Statement, Judged | None] = {}
    if reproduction and accuracies:
        settled = _protocols(reproduction)
        judged["selection"] = judge_selection(settled, reproduction.epochs)
        judged["held_out"] = _row(selection, judge_held_out)
        judged["early_stopping"] = _row(selection, judge_early_stopping)
        judged["accuracies"] = judge_accuracies(accuracies, settled)
        judged["coordinates"] = judge_coordinates(accuracies, reproduction)
        judged["attention_and_transformer"] = judge_attention_and_transformer(accuracies)
        judged["lowest_loss"] = judge_lowest_loss(reproduction)
    judged["stability"] = _row(section_record(measured, Stability), judge_stability)
    judged["heads"] = _row(heads, judge_heads)
    judged["positions"] = _row(heads, judge_positions)
    judged["recipe"] = _row(section_record(measured, Factorial), judge_recipe)
    judged["distortions"] = _row(section_record(measured, Distortions), judge_distortions)
    judged["parameters"] = _row(section_record(measured, ParameterAudit), judge_parameters)
    judged["batches"] = _row(section_record(measured, BatchChecks), judge_batches)
    best = [row for claim in (reproduction.claims if reproduction else ()) if (row := _best_accuracy(claim))]
    return best + [
        (statements[key], *judgement) for key, judgement in judged.items() if judgement and key in statements
    ]


def section_record(measured: Measured, kind: type[R]) -> R | None:
    """The record of one section, if it measured any."""
    return next((record for record in measured.values() if isinstance(record, kind)), None)


def _row(record: R | None, row: Callable[[R], Judged | None]) -> Judged | None:
    return None if record is None else row(record)


def _best_accuracy(claim: CheckedClaim) -> Row | None:
    best = claim.figures[0] if claim.whole else None
    if best is None or best.expected is None:
        return None
    low, high = best.expected
    within = sum(figure.within or False for figure in claim.figures)
    return (
        f"{claim.name}: best accuracy {percent(best.reported, 2)}",
        f"{mean_sd(best.ours, 100)}; 95% prediction interval for a new seed: {points(low)} to {points(high)}; "
        f"{within} of the {len(claim.figures)} figures that it reports lie in such intervals",
        f"{'reproduced' if best.within else 'not reproduced'}, and optimistic: the epoch was chosen on the test set",
    )


def _protocols(reproduction: Reproduction) -> dict[str, ProtocolAccuracies]:
    return {name: protocol_accuracies(runs.accuracies, runs.losses) for name, runs in reproduction.networks.items()}
