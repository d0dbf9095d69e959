"""Finding 3: whose loss fluctuates from epoch to epoch, how much, and which changes reduce that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment, train_members
from shiftassay.studies.architectures.instability import (
    SPIKE,
    TINY,
    JumpRatio,
    Jumps,
    corrected,
    independent_ratio,
    jumps_of,
    paired_ratio,
)
from shiftassay.studies.architectures.members import (
    Members,
    has_attention,
    spatial_transformer,
    validation_losses,
)
from shiftassay.words.lists import listed
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, p_value, percent

KEY, TITLE, VERSION, PLACE = "stability", "What is stable?", 2, 30
FEWEST = 4  # epochs, for there to be jumps between late ones
TRANSFORMER, ATTENTION = "a transformer", "attention"


@dataclass(frozen=True)
class ModuleContrast(JumpRatio):
    """The ratio of runs with a module to runs without it."""

    module: Annotated[str, Field(alias="what")] = ""


@dataclass(frozen=True)
class Stability(Record):
    """Jumps of the loss of every network and ablation, and their ratios.

    `ablations` names the network that each changes, `accuracies` holds those after the last epoch by seed.
    """

    epochs: int
    control: str
    networks: Mapping[str, Jumps]
    ablations: Mapping[str, str]
    against_control: tuple[JumpRatio, ...]
    contrasts: tuple[ModuleContrast, ...]
    ablation_ratios: Annotated[tuple[JumpRatio, ...], Field(alias="mended")]
    accuracies: Mapping[str, tuple[float | None, ...]]


def measure(experiment: Experiment) -> Stability:
    study, members = experiment.study, experiment.members
    groups = dict(members)
    for ablation in study.ablations:
        groups[ablation.name] = train_members(
            experiment,
            ablation.network,
            range(study.seeds),
            parameters=ablation.parameters,
            recipe=study.training_recipe(**ablation.recipe),
            note=ablation.name,
        )
    ablations = {ablation.name: ablation.network for ablation in study.ablations}
    networks = {name: jumps_of([validation_losses(member) for member in group]) for name, group in groups.items()}
    logs = {name: jumps.log_rms for name, jumps in networks.items()}
    return Stability(
        epochs=len(next(iter(members.values()))[0].metrics),
        control=study.control,
        networks=networks,
        ablations=ablations,
        against_control=corrected(
            [
                independent_ratio(name, study.control, logs[name], logs[study.control])
                for name in members
                if name != study.control
            ]
        ),
        contrasts=corrected(_contrasts(members, networks)),
        ablation_ratios=corrected(
            [paired_ratio(name, network, logs[name], logs[network]) for name, network in ablations.items()]
        ),
        accuracies={
            name: tuple(member.metrics[-1].validation_accuracy for member in group) for name, group in groups.items()
        },
    )


def findings(measured: Stability) -> list[Finding]:
    if measured.epochs < FEWEST:
        return [Finding(KEY, TITLE, (f"{measured.epochs} epochs are too few to speak of jumps between them.",))]
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
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), (_table(measured),), (figure,), measured.to_json())]


def _contrasts(members: Members, networks: Mapping[str, Jumps]) -> list[ModuleContrast]:
    """Runs with a module against runs without it.

    A transformer is judged among all runs, attention among those without a transformer.
    """
    nets = {name: group[0].model.network for name, group in members.items()}
    transformed = {name: spatial_transformer(network) is not None for name, network in nets.items()}
    attending = {name: has_attention(network) for name, network in nets.items() if not transformed[name]}
    contrasts = []
    for module, having in ((TRANSFORMER, transformed), (ATTENTION, attending)):
        with_it, without = (
            [rms for name, has in having.items() if has is kind for rms in networks[name].rms] for kind in (True, False)
        )
        if with_it and without:
            logs, control_logs = np.log(np.array(with_it) + TINY), np.log(np.array(without) + TINY)
            ratio = independent_ratio("with", "without", logs, control_logs)
            contrasts.append(ModuleContrast(**vars(ratio), module=module))
    return contrasts


def _table(measured: Stability) -> Table:
    ratios = {ratio.network: ratio for ratio in (*measured.against_control, *measured.ablation_ratios)}
    rows = []
    for name, jumps in measured.networks.items():
        ratio = ratios.get(name)
        rows.append(
            (
                name,
                mean_sd(jumps.rms, 1, 4),
                mean_sd(jumps.median, 1, 4),
                number(max(jumps.largest), 3),
                percent(float(np.mean(jumps.spikes)), 1),
                f"{number(ratio.ratio, 1)} × {ratio.control}{_interval(ratio)}" if ratio else DASH,
                p_cell(ratio.p_corrected) if ratio else DASH,
                mean_sd([accuracy for accuracy in measured.accuracies[name] if accuracy is not None], 100, 2),
            )
        )
    columns = (
        "network",
        "rms jump",
        "median jump",
        "largest",
        "spikes",
        "instability [95%]",
        "p, corrected",
        "last accuracy, %",
    )
    caption = (
        f"Jumps of the loss on the test set between epochs, over the last two thirds of {measured.epochs} epochs; a "
        "spike is an "
        f"epoch whose loss is above {SPIKE:g} times their median. Instability is the ratio of rms jumps, geometric "
        "mean over seeds; "
        "an ablation's is against the network that it changes."
    )
    return Table(columns, tuple(rows), caption, words=("instability [95%]",))


def _sentences(measured: Stability) -> list[str]:
    control, ratios = measured.control, measured.against_control
    if any(ratio.p_corrected is None for ratio in ratios):
        jumps = ", ".join(f"{ratio.network} {_with_interval(ratio)}" for ratio in ratios)
        return [
            f"Jumps of the loss, as multiples of those of {control}: {jumps}. One seed each: this is no evidence of a "
            "difference."
        ]
    larger = [ratio for ratio in ratios if ratio.is_significant and ratio.ratio > 1]
    smaller = [ratio for ratio in ratios if ratio.is_significant and ratio.ratio < 1]
    sentences = [_contrast_sentence(measured.contrasts)] if measured.contrasts else []
    for direction, group in (("larger", larger), ("smaller", smaller)):
        if group:
            names = listed([f"{ratio.network} ({_with_interval(ratio)} times)" for ratio in group])
            sentences.append(f"Jumps of the loss are {direction} than those of {control} for {names}.")
    others = [f"{ratio.network} ({_with_interval(ratio)})" for ratio in ratios if ratio not in (*larger, *smaller)]
    if others:
        sentences.append(f"No difference from {control} is shown for {listed(others)}.")
    for ratio in measured.ablation_ratios:
        test = "; no difference is shown."
        if ratio.p_corrected is not None and ratio.is_significant:
            test = f", p {p_value(ratio.p_corrected)}."
        sentences.append(
            f"{ratio.network}: {number(ratio.ratio, 2)} times the jumps of {ratio.control}{_interval(ratio)}{test}"
        )
    return sentences


def _contrast_sentence(contrasts: Sequence[ModuleContrast]) -> str:
    """What each module does to the jumps of the loss, over all runs with and without it."""
    parts = []
    for contrast in contrasts:
        among = ", among runs without a transformer" if contrast.module == ATTENTION else ""
        p = "" if contrast.p_corrected is None else f" (p {p_value(contrast.p_corrected)})"
        verdict = "no evidence of a difference"
        if contrast.is_significant:
            verdict = f"it fluctuates {'more' if contrast.ratio > 1 else 'less'}"
        ratio = f"{_with_interval(contrast)} times as far in runs with {contrast.module} as in runs without{among}"
        parts.append(f"{ratio}{p}: {verdict}")
    return f"From epoch to epoch the loss jumps {'; '.join(parts)}."


def _with_interval(ratio: JumpRatio) -> str:
    return f"{number(ratio.ratio, 1)}{_interval(ratio)}"


def _interval(ratio: JumpRatio) -> str:
    return f" {brackets(ratio.interval, scale=1, digits=1)}" if ratio.interval else ""
