"""Finding 1: do the source's figures come out again, read as the source reads them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import model_validator

from shiftassay.records import JsonObject, Record, plain
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.claims import (
    CheckedClaim,
    ClaimedFigure,
    LossTest,
    check_claim,
    check_lowest_loss,
)
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.module_effects import (
    ModuleEffect,
    ModulesByNetwork,
    effects_by_quantity,
    effects_sentence,
    effects_table,
    modules_of_members,
    modules_of_registered,
)
from shiftassay.studies.architectures.network_runs import MEDIAN, NetworkRuns, network_runs
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, percent

KEY, TITLE, VERSION, PLACE = "reproduction", "Reproduction", 3, 10


@dataclass(frozen=True)
class Reproduction(Record):
    """The runs of every network, and what they say about the source's claims.

    `says_lowest` is the network of which the source says that its loss is the lowest. `images` is the size of the test
    set; None in results that do not say.
    """

    source: str
    epochs: int
    networks: Mapping[str, NetworkRuns]
    claims: tuple[CheckedClaim, ...]
    says_lowest: str | None
    modules: ModulesByNetwork
    images: int | None = None

    @cached_property
    def lowest(self) -> tuple[LossTest, ...]:
        """Whether that network's loss is lower than that of each other network."""
        return check_lowest_loss(self.says_lowest, self.networks) if self.says_lowest else ()

    @cached_property
    def effects(self) -> Mapping[str, tuple[ModuleEffect, ...]]:
        """What each module does to each of the figures that may be called the loss of a run."""
        figures = list(next(iter(self.networks.values())).final_losses)
        by_figure = {f: {name: runs.final_losses[f] for name, runs in self.networks.items()} for f in figures}
        return effects_by_quantity(by_figure, self.modules)

    @model_validator(mode="before")
    @classmethod
    def _of_version_2(cls, content: Any) -> Any:
        """Results of version 2 hold tests of the loss, and do not name the modules."""
        if "modules" in content:
            return content
        says_lowest = content["lowest"][0]["network"] if content["lowest"] else None
        return {**content, "says_lowest": says_lowest, "modules": modules_of_registered(list(content["networks"]))}


def measure(experiment: Experiment) -> Reproduction:
    study, members = experiment.study, experiment.members
    networks = {name: network_runs(members[name], experiment.labels) for name in study.networks}
    claims = [claim for claim in study.claims if claim.network in networks]
    return Reproduction(
        source=study.source,
        epochs=len(next(iter(members.values()))[0].metrics),
        networks=networks,
        claims=tuple(check_claim(claim, networks[claim.network], len(experiment.labels)) for claim in claims),
        says_lowest=next((claim.network for claim in claims if claim.says_lowest), None),
        modules=modules_of_members(members),
        images=len(experiment.labels),
    )


def findings(measured: Reproduction) -> list[Finding]:
    networks, effects = measured.networks, measured.effects
    figure = Figure(
        "loss_curves",
        {"losses": {name: runs.losses for name, runs in networks.items()}},
        "Loss on the test set after every epoch, a line for each seed; all panels share their axes.",
    )
    tables = [_claims(measured)] if measured.claims else []
    tables += [_loss_tests(measured)] if measured.lowest else []
    tables += [effects_table(effects, "loss", _effect_on_loss, _on_images(measured))] if effects else []
    effect = effects_sentence(effects.get(MEDIAN, ()), f"the loss ({MEDIAN} epochs)", "changes by", _effect_on_loss, "")
    return [
        Finding(
            KEY,
            TITLE,
            (*_claim_sentences(measured), *_lowest_loss(measured), *([effect] if effect else [])),
            tuple(tables),
            (figure,),
            numbers={"claims": plain(measured.claims), "lowest": plain(measured.lowest), "effects": plain(effects)},
        )
    ]


def published(measured: Reproduction) -> JsonObject:
    """The runs and claims, and what is tested of them."""
    return {**measured.to_json(), "lowest": plain(measured.lowest), "effects": plain(measured.effects)}


def _claims(measured: Reproduction) -> Table:
    claims, source = measured.claims, measured.source
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
        f"What {source} reports, and ours, mean ± sd over {_seeds(measured)}{_on_images(measured)}. ✗: outside the 95% "
        "prediction interval for a new seed of ours. Accuracies of the best epoch are chosen on the test set and so "
        "optimistic, the source's and ours alike.",
    )


def _claim_cells(figure: ClaimedFigure | None) -> tuple[str, str]:
    """What is reported, and what is ours."""
    if figure is None:
        return DASH, DASH
    scale, digits = (100, 2) if "accuracy" in figure.quantity else (1, 4)
    outside = " ✗" if figure.within is False else ""
    return number(scale * figure.reported, digits), mean_sd(figure.ours, scale, digits) + outside


def _loss_tests(measured: Reproduction) -> Table:
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
            for test in measured.lowest
        ),
        f"Loss{_on_images(measured)}, paired over {_seeds(measured)} (a seed gives every network the same batches and "
        "masks); Holm's correction for all rows.",
        words=("network", "minus"),
    )


def _claim_sentences(measured: Reproduction) -> list[str]:
    source = measured.source
    if not measured.claims:
        return [f"There is no figure of {source} to compare with."]
    if not all(claim.whole for claim in measured.claims):
        return [
            f"Trained for {plural(measured.epochs, 'epoch')}, fewer than {source}: only the figures of those epochs "
            "can be "
            "compared. "
            "The full study (--full) trains as long as it did."
        ]
    return [_claim_sentence(claim, source) for claim in measured.claims]


def _claim_sentence(claim: CheckedClaim, source: str) -> str:
    best = claim.figures[0]
    sentence = (
        f"{claim.name}: {source} reports {percent(best.reported, 2)}, "
        f"our {claim.network} reaches {mean_sd(best.ours, 100, 2)}% by the same choice of the epoch."
    )
    tested = [figure for figure in claim.figures if figure.within is not None]
    outside = [figure.quantity for figure in tested if not figure.within]
    if tested:
        covered = f"{len(tested) - len(outside)} of {len(tested)}"
        sentence += f" {covered} of its figures lie in our 95% prediction interval for a new seed"
        sentence += f"; outside: {listed(outside)}." if outside else "."
    return sentence


def _lowest_loss(measured: Reproduction) -> list[str]:
    """Which networks are beaten by the one that is said to have the lowest loss, and which not."""
    tests = [test for test in measured.lowest if test.p_corrected is not None]
    if not tests:
        return []
    others = list(dict.fromkeys(test.other for test in tests))
    beaten = {other: [test.statistic for test in tests if test.other == other and test.is_lower] for other in others}
    shown = [f"{other} ({listed(figures)})" for other, figures in beaten.items() if figures]
    unshown = [other for other, figures in beaten.items() if not figures]
    network = tests[0].network
    sentence = f"{network} is shown to have a lower loss than {listed(shown) or 'no other network'}."
    if not unshown:
        return [f"{sentence} So it has the lowest loss of all, as {measured.source} says."]
    return [
        f"{sentence} It is not shown to have a lower loss than {listed(unshown)}. So the claim of {measured.source}, "
        "the lowest loss of all, is not shown."
    ]


def _effect_on_loss(effect: ModuleEffect) -> str:
    return f"{number(effect.estimate, 4, sign=True)} {brackets(effect.interval, scale=1, digits=4)}"


def _seeds(measured: Reproduction) -> str:
    return plural(len(next(iter(measured.networks.values())).seeds), "seed")


def _on_images(measured: Reproduction) -> str:
    return "" if measured.images is None else f", on {measured.images:,} test images"
