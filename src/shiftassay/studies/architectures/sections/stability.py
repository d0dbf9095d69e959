"""Finding 3: whose loss fluctuates from epoch to epoch, how much, and which changes reduce that."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from shiftassay.records import JsonObject, Record, plain
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment, seeds_of, train_members
from shiftassay.studies.architectures.instability import (
    AS_STEADY,
    MEDIAN,
    RMS,
    SPIKE,
    JumpRatio,
    Jumps,
    corrected,
    jump_ratio,
    jumps_of,
)
from shiftassay.studies.architectures.members import validation_losses
from shiftassay.studies.architectures.module_effects import (
    ModuleEffect,
    ModulesByNetwork,
    effects_by_quantity,
    effects_sentence,
    effects_table,
    modules_of_members,
    modules_of_registered,
)
from shiftassay.studies.architectures.trainings import ablation_trainings
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, p_value, percent

KEY, TITLE, VERSION, PLACE = "stability", "What is stable?", 3, 30
FEWEST = 4  # epochs, for there to be jumps between late ones


@dataclass(frozen=True)
class ModuleContrast(JumpRatio):
    """The ratio of networks with a module to those without it, all else alike."""

    module: Annotated[str, Field(alias="what")] = ""


@dataclass(frozen=True)
class Stability(Record):
    """Jumps of the loss of every network and ablation, and their ratios.

    `ablations` names the network that each changes, `accuracies` holds those after the last epoch by seed. `images` is
    the size of the test set; None in results that do not say.
    """

    epochs: int
    control: str
    networks: Mapping[str, Jumps]
    ablations: Mapping[str, str]
    accuracies: Mapping[str, tuple[float | None, ...]]
    modules: ModulesByNetwork
    images: int | None = None

    @cached_property
    def against_control(self) -> tuple[JumpRatio, ...]:
        """Every network against the control, by the root mean square jump and by the median one."""
        others = [name for name in self.modules if name != self.control]
        jumps = self.networks
        return corrected(
            [
                jump_ratio(name, self.control, jumps[name], jumps[self.control], statistic)
                for statistic in (RMS, MEDIAN)
                for name in others
            ]
        )

    @cached_property
    def effects(self) -> Mapping[str, tuple[ModuleEffect, ...]]:
        """What each module does to the logarithm of the jumps, by statistic."""
        by_statistic = {
            statistic: {name: self.networks[name].logs(statistic).tolist() for name in self.modules}
            for statistic in (RMS, MEDIAN)
        }
        return effects_by_quantity(by_statistic, self.modules)

    @property
    def contrasts(self) -> tuple[ModuleContrast, ...]:
        """The same as ratios."""
        return tuple(
            ModuleContrast(
                network="with",
                control="without",
                ratio=exp(effect.estimate),
                interval=(exp(effect.interval[0]), exp(effect.interval[1])),
                p=effect.p,
                p_corrected=effect.p_corrected,
                statistic=statistic,
                module=effect.module,
            )
            for statistic, effects in self.effects.items()
            for effect in effects
        )

    @cached_property
    def mended(self) -> tuple[JumpRatio, ...]:
        """Every ablation against the network that it changes."""
        return corrected(
            [
                jump_ratio(name, network, self.networks[name], self.networks[network], statistic)
                for statistic in (RMS, MEDIAN)
                for name, network in self.ablations.items()
            ]
        )

    @model_validator(mode="before")
    @classmethod
    def _of_version_2(cls, content: Any) -> Any:
        """Results of version 2 know the modules by the networks' names only."""
        if "modules" in content:
            return content
        networks = [name for name in content["networks"] if name not in content["ablations"]]
        return {**content, "modules": modules_of_registered(networks)}


def measure(experiment: Experiment) -> Stability:
    study, members = experiment.study, experiment.members
    groups = dict(members)
    for name, training in ablation_trainings(study, seeds_of(experiment)).items():
        groups[name] = train_members(experiment, training)
    return Stability(
        epochs=len(next(iter(members.values()))[0].metrics),
        control=study.control,
        networks={name: jumps_of([validation_losses(member) for member in group]) for name, group in groups.items()},
        ablations={ablation.name: ablation.network for ablation in study.ablations},
        accuracies={
            name: tuple(member.metrics[-1].validation_accuracy for member in group) for name, group in groups.items()
        },
        modules=modules_of_members(members),
        images=len(experiment.labels),
    )


def findings(measured: Stability) -> list[Finding]:
    if measured.epochs < FEWEST:
        return [Finding(KEY, TITLE, (f"Too few epochs to speak of jumps between them: {measured.epochs}.",))]
    figure = Figure(
        "groups",
        {
            "names": list(measured.networks),
            "values": [jumps.rms for jumps in measured.networks.values()],
            "claimed": [None] * len(measured.networks),
            "scale": 1,
            "log": True,
            "label": "root mean square jump of the loss from epoch to epoch",
        },
        "Instability of every seed (bars) and its geometric mean with 95% interval (blue), over the last two thirds of "
        "the epochs.",
    )
    tables = [_table(measured)]
    if measured.effects:
        of = {"rms": "root mean square jump", "median": "median jump"}
        by_quantity = {of[statistic]: effects for statistic, effects in measured.effects.items()}
        tables.append(effects_table(by_quantity, "times as large", _times, _on_images(measured)))
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), tuple(tables), (figure,), published(measured))]


def published(measured: Stability) -> JsonObject:
    """The jumps, and their ratios."""
    ratios = {"against_control": measured.against_control, "contrasts": measured.contrasts, "mended": measured.mended}
    return {**measured.to_json(), **{key: plain(rows) for key, rows in ratios.items()}}


def _table(measured: Stability) -> Table:
    ratios = {(ratio.network, ratio.statistic): ratio for ratio in (*measured.against_control, *measured.mended)}
    rows = []
    for name, jumps in measured.networks.items():
        rms, median = ratios.get((name, RMS)), ratios.get((name, MEDIAN))
        rows.append(
            (
                name,
                mean_sd(jumps.rms, 1, 4),
                mean_sd(jumps.median, 1, 4),
                number(max(jumps.largest), 3),
                percent(float(np.mean(jumps.spikes)), 1),
                f"{_with_interval(rms)} × {rms.control}" if rms else DASH,
                p_cell(rms.p_corrected) if rms else DASH,
                _with_interval(median) if median else DASH,
                p_cell(median.p_corrected) if median else DASH,
                p_cell(median.equivalence_p) if median else DASH,
                mean_sd([accuracy for accuracy in measured.accuracies[name] if accuracy is not None], 100, 2),
            )
        )
    columns = (
        "network",
        "rms jump",
        "median jump",
        "largest",
        "spikes",
        "rms, ratio [95%]",
        "p, corrected",
        "median, ratio [95%]",
        "p, corrected",
        "not as steady, p",
        "last accuracy, %",
    )
    seeds = len(next(iter(measured.networks.values())).rms)
    caption = (
        f"Jumps of the loss{_on_images(measured)}, between epochs, over the last two thirds of {measured.epochs} "
        f"epochs; {plural(seeds, 'seed')}. A spike is an epoch whose loss is above {SPIKE:g} times their median. "
        "Ratios are geometric means, paired by seed; an ablation's is against the network that it changes. The root "
        "mean "
        "square is that of the few largest jumps, the median that of an ordinary epoch. As steady: the ratio of "
        "medians is "
        f"shown to lie from {1 / AS_STEADY:g} to {AS_STEADY:g}, the margin by which bioequivalence is judged."
    )
    return Table(columns, tuple(rows), caption, words=("rms, ratio [95%]",))


def _sentences(measured: Stability) -> list[str]:
    control, ratios = measured.control, [ratio for ratio in measured.against_control if ratio.statistic == RMS]
    if any(ratio.p_corrected is None for ratio in ratios):
        jumps = ", ".join(f"{ratio.network} {_with_interval(ratio)}" for ratio in ratios)
        return [
            f"Jumps of the loss, as multiples of those of {control}: {jumps}. One seed each: this is no evidence of a "
            "difference."
        ]
    effects = measured.effects
    sentences = []
    if effects:
        subjects = {
            RMS: "the root mean square jump of the loss from epoch to epoch",
            MEDIAN: "the median jump of the loss",
        }
        sentences += [
            effects_sentence(effects[key], subject, "is", _times, " times as large")
            for key, subject in subjects.items()
        ]
    sentences += _against_control(measured)
    for ratio in measured.mended:
        test = "; no difference is shown."
        if ratio.p_corrected is not None and ratio.is_significant:
            test = f", p {p_value(ratio.p_corrected)}."
        sentences.append(
            f"{ratio.network}: {_with_interval(ratio, 2)} times the {ratio.statistic} jump of {ratio.control}{test}"
        )
    return sentences


def _against_control(measured: Stability) -> list[str]:
    """Which networks are less steady than the control, or as steady, or neither is shown."""
    control, sentences = measured.control, []
    for statistic in (RMS, MEDIAN):
        ratios = [ratio for ratio in measured.against_control if ratio.statistic == statistic]
        for direction, sign in (("larger", 1), ("smaller", -1)):
            shown = [ratio for ratio in ratios if ratio.is_significant and sign * (ratio.ratio - 1) > 0]
            if shown:
                names = listed([f"{ratio.network} ({_with_interval(ratio)} times)" for ratio in shown])
                sentences.append(f"The {statistic} jump is shown to be {direction} than that of {control} for {names}.")
        steady = [ratio for ratio in ratios if ratio.is_as_steady]
        if steady:
            names = listed([f"{ratio.network} ({_with_interval(ratio, 2)})" for ratio in steady])
            sentences.append(
                f"By the {statistic} jump, {names} are as steady as {control} (a ratio from {1 / AS_STEADY:g} to "
                f"{AS_STEADY:g})."
            )
        open_ = [ratio for ratio in ratios if not ratio.is_significant and not ratio.is_as_steady]
        if open_:
            names = listed([f"{ratio.network} ({_with_interval(ratio)})" for ratio in open_])
            sentences.append(
                f"Undecided by the {statistic} jump, for the tests show neither a difference from {control} nor "
                f"equality: {names}."
            )
    return sentences


def _times(effect: ModuleEffect) -> str:
    """An effect on a logarithm, as a ratio with its interval."""
    return f"{number(exp(effect.estimate), 1)} {brackets([exp(end) for end in effect.interval], scale=1, digits=1)}"


def _with_interval(ratio: JumpRatio, digits: int = 1) -> str:
    interval = f" {brackets(ratio.interval, scale=1, digits=digits)}" if ratio.interval else ""
    return f"{number(ratio.ratio, digits)}{interval}"


def _on_images(measured: Stability) -> str:
    return "" if measured.images is None else f" on {measured.images:,} test images"
