"""Finding 1: do the source's figures come out again?

They are read as the source reads them, and soundly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftassay.records import Record, plain
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.claims import (
    CheckedClaim,
    ClaimedFigure,
    LossTest,
    check_claim,
    check_lowest_loss,
)
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.network_runs import NetworkRuns, network_runs
from shiftassay.words.lists import listed
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, percent, points

KEY, TITLE, VERSION, PLACE = "reproduction", "Reproduction", 2, 10


@dataclass(frozen=True)
class Reproduction(Record):
    """The runs of every network, and what they say about the source's claims."""

    source: str
    epochs: int
    networks: Mapping[str, NetworkRuns]
    claims: tuple[CheckedClaim, ...]
    lowest_loss: Annotated[tuple[LossTest, ...], Field(alias="lowest")]


def measure(experiment: Experiment) -> Reproduction:
    study, members = experiment.study, experiment.members
    networks = {name: network_runs(members[name], experiment.labels) for name in study.networks}
    claims = [claim for claim in study.claims if claim.network in networks]
    claimed = [claim.network for claim in claims]
    return Reproduction(
        source=study.source,
        epochs=len(next(iter(members.values()))[0].metrics),
        networks=networks,
        claims=tuple(check_claim(claim, networks[claim.network], len(experiment.labels)) for claim in claims),
        lowest_loss=tuple(
            test
            for claim in claims
            if claim.says_lowest
            for test in check_lowest_loss(claim.network, [n for n in claimed if n != claim.network], networks)
        ),
    )


def findings(measured: Reproduction) -> list[Finding]:
    networks = measured.networks
    figure = Figure(
        "loss_curves",
        {"losses": {name: runs.losses for name, runs in networks.items()}},
        "Loss on the test set after every epoch, a line for each seed; all panels share their axes.",
    )
    tables = [_protocols(networks)]
    if measured.claims:
        tables.insert(0, _claims(measured.claims, measured.source))
    if measured.lowest_loss:
        tables.append(_loss_tests(measured.lowest_loss))
    return [
        Finding(
            KEY,
            TITLE,
            (*_claim_sentences(measured), _optimism(networks), *_lowest_loss(measured)),
            tuple(tables),
            (figure,),
            numbers={"claims": plain(measured.claims), "lowest": plain(measured.lowest_loss)},
        )
    ]


def _claims(claims: Sequence[CheckedClaim], source: str) -> Table:
    quantities = dict.fromkeys(figure.quantity for claim in claims for figure in claim.figures)
    rows = []
    for quantity in quantities:
        unit = ", %" if "accuracy" in quantity else ""
        figures = [next((f for f in claim.figures if f.quantity == quantity), None) for claim in claims]
        rows.append((quantity + unit, *(cell for figure in figures for cell in _claim_cells(figure))))
    columns = [column for claim in claims for column in (f"{claim.name}, {source}", claim.network)]
    return Table(
        ("figure", *columns),
        tuple(rows),
        f"What {source} reports, and ours, mean ± sd over seeds. ✗: outside the 95% prediction interval for a new seed "
        "of ours. "
        "Accuracies of the best epoch are chosen on the test set and so optimistic, the source's and ours alike.",
    )


def _claim_cells(figure: ClaimedFigure | None) -> tuple[str, str]:
    """What is reported, and what is ours."""
    if figure is None:
        return DASH, DASH
    scale, digits = (100, 2) if "accuracy" in figure.quantity else (1, 4)
    outside = " ✗" if figure.within is False else ""
    return number(scale * figure.reported, digits), mean_sd(figure.ours, scale, digits) + outside


def _protocols(networks: Mapping[str, NetworkRuns]) -> Table:
    rows = [
        (
            name,
            mean_sd(runs.best_accuracy, 100, 2),
            ", ".join(map(str, runs.best_epoch)),
            mean_sd(runs.last_accuracy, 100, 2),
            mean_sd(runs.optimism, 100, 3),
            brackets(runs.optimism_interval, digits=3),
        )
        for name, runs in networks.items()
    ]
    return Table(
        ("network", "seed protocol, %", "best epoch", "sound protocol, %", "optimism, points", "[95%]"),
        tuple(rows),
        "One training, read twice. Seed protocol: the epoch that is best on the test set (optimistic). "
        "Sound protocol: the last epoch, fixed in advance. Optimism: the difference. Mean ± sd over seeds.",
    )


def _loss_tests(tests: Sequence[LossTest]) -> Table:
    return Table(
        ("loss", "network", "minus", "difference", "[95%]", "p, corrected"),
        tuple(
            (
                test.statistic,
                test.network,
                test.other,
                number(test.difference, 4, sign=True),
                brackets(test.interval, scale=1, digits=4),
                p_cell(test.p_corrected),
            )
            for test in tests
        ),
        "Validation loss, paired over seeds (a seed gives every network the same batches); Holm's correction.",
        words=("network", "minus"),
    )


def _claim_sentences(measured: Reproduction) -> list[str]:
    source = measured.source
    if not all(claim.whole for claim in measured.claims):
        return [
            f"Trained for {measured.epochs} epochs, fewer than {source}: only the figures of those epochs can be "
            "compared. "
            "The full study (--full) trains as long as it did."
        ]
    return [_claim_sentence(claim, source) for claim in measured.claims]


def _claim_sentence(claim: CheckedClaim, source: str) -> str:
    best = claim.figures[0]
    sentence = (
        f"{claim.name}: {source} reports {percent(best.reported, 2)}, "
        f"our {claim.network} reaches {mean_sd(best.ours, 100, 2)}% read the same way"
    )
    tested = [figure for figure in claim.figures if figure.within is not None]
    outside = [figure.quantity for figure in tested if not figure.within]
    if tested:
        covered = f"{len(tested) - len(outside)} of {len(tested)}"
        sentence += f"; {covered} of its figures lie in the 95% prediction interval for a new seed"
    return sentence + (f"; outside: {listed(outside)}." if outside else ".")


def _optimism(networks: Mapping[str, NetworkRuns]) -> str:
    values = np.concatenate([runs.optimism for runs in networks.values()])
    return (
        f"Choosing the epoch on the test set adds {points(float(values.mean()), 3)} points to an accuracy on average "
        f"(from {points(float(values.min()), 3)} to {points(float(values.max()), 3)} over {len(values)} runs)."
    )


def _lowest_loss(measured: Reproduction) -> list[str]:
    tests = [test for test in measured.lowest_loss if test.p_corrected is not None]
    if not tests:
        return []
    lower = [f"{test.statistic} against {test.other}" for test in tests if test.is_lower]
    where = f": {listed(lower)}" if lower else ""
    return [
        f"That {tests[0].network} has the lowest validation loss, as {measured.source} says of it, is shown for "
        f"{len(lower)} of {len(tests)} comparisons{where}."
    ]
