"""The README's table of what seed 003 claims, what the study of its networks measured, and what that says."""

from collections.abc import Mapping
from typing import cast

from shiftassay.records import JsonObject
from shiftassay.studies.architectures.claims import CheckedClaim
from shiftassay.studies.architectures.instability import MEDIAN, RMS
from shiftassay.studies.architectures.module_effects import (
    ATTENTION,
    COORDINATES,
    TRANSFORMER,
    ModuleEffect,
    module_effects,
)
from shiftassay.studies.architectures.network_runs import MEDIAN as MEDIAN_LOSS
from shiftassay.studies.architectures.protocols import (
    BEST,
    LAST,
    LOWEST_LOSS,
    SETTLED,
    SETTLED_OVER,
    ProtocolAccuracies,
    mean_bias,
    protocol_accuracies,
)
from shiftassay.studies.architectures.sections.accuracies import LAST as LAST_ACCURACY
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies
from shiftassay.studies.architectures.sections.batches import BatchChecks
from shiftassay.studies.architectures.sections.distortions import MEAN as MEAN_ERROR
from shiftassay.studies.architectures.sections.distortions import Distortions
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.stability import ModuleContrast, Stability
from shiftassay.words.lists import listed
from shiftassay.words.numbers import brackets, mean_sd, number, p_value, percent, points, points_with_interval

COLUMNS = ("seed 003 says", "measured here", "verdict")
Row = tuple[str, str, str]


def spatial_rows(sections: JsonObject) -> list[Row]:
    """A row for each claim, from the sections of the study's results."""
    reproduction = Reproduction.from_json(sections["reproduction"])
    accuracies = ComparedAccuracies.from_json(sections["accuracies"])
    settled = _protocols(reproduction)
    return [
        *map(_best_accuracy, reproduction.claims),
        _selection(settled, reproduction.epochs),
        _accuracies(accuracies, settled),
        _coordinates(accuracies, reproduction),
        _attention_and_transformer(accuracies),
        _lowest_loss(reproduction),
        _stability(Stability.from_json(sections["stability"])),
        _distortions(Distortions.from_json(sections["distortions"])),
        _parameters(ParameterAudit.from_json(sections["parameters"])),
        _batches(BatchChecks.from_json(sections["batches"])),
    ]


def spatial_note(results: JsonObject) -> str:
    """How many networks were trained, for how long, and on what."""
    networks = Reproduction.from_json(cast(JsonObject, results["sections"])["reproduction"]).networks
    seeds = len(next(iter(networks.values())).seeds)
    hours = sum(time or 0 for runs in networks.values() for time in runs.environment.seconds) / 3600
    processor = cast(JsonObject, results["environment"])["processor"]
    images = ComparedAccuracies.from_json(cast(JsonObject, results["sections"])["accuracies"]).images
    return (
        f"*{seeds} seeds of each of {len(networks)} networks, mean ± sd over seeds, on the {images:,} test images; "
        f"intervals are 95%, over seeds, and p-values are corrected after Holm; {number(hours, 1)} hours of "
        f"training on one core, {processor}, which had other work beside it; `{results['command']}`.*"
    )


def _best_accuracy(claim: CheckedClaim) -> Row:
    best = claim.figures[0]
    assert best.expected is not None
    low, high = best.expected
    within = sum(figure.within or False for figure in claim.figures)
    return (
        f"{claim.name}: best accuracy {percent(best.reported, 2)}",
        f"{mean_sd(best.ours, 100)}; 95% prediction interval for a new seed: {points(low)} to {points(high)}; "
        f"{within} of {len(claim.figures)} of its figures lie in theirs",
        f"{'reproduced' if best.within else 'not reproduced'}, and optimistic: the epoch was chosen on the test set",
    )


def _protocols(reproduction: Reproduction) -> dict[str, ProtocolAccuracies]:
    return {name: protocol_accuracies(runs.accuracies, runs.losses) for name, runs in reproduction.networks.items()}


def _selection(networks: Mapping[str, ProtocolAccuracies], epochs: int) -> Row:
    def bias(protocol: str) -> str:
        mean, interval = mean_bias(networks, protocol)
        by_network = [float(network.bias(protocol).mean()) for network in networks.values()]
        of_networks = f"{points(min(by_network), sign=True)} to {points(max(by_network), sign=True)} by network"
        return f"{points(mean, sign=True)} {brackets(interval)} ({of_networks})"

    within = [network.sd_within for network in networks.values() if network.sd_within is not None]
    return (
        f"the best of {epochs} epochs is the accuracy (the model it keeps is that of the lowest loss)",
        f"against the mean of the last {SETTLED_OVER} epochs of the same training, points: best epoch {bias(BEST)}; "
        f"lowest loss {bias(LOWEST_LOSS)}; last epoch {bias(LAST)}",
        f"the best epoch is too high; the last is sound, but one epoch's noise has an sd of {points(min(within))} to "
        f"{points(max(within))} points, by network",
    )


def _accuracies(measured: ComparedAccuracies, settled: Mapping[str, ProtocolAccuracies]) -> Row:
    pairs, margin = measured.comparison.pairs, number(100 * measured.comparison.margin)
    different = sum(pair.differs for pair in pairs)
    equivalent = sum(pair.verdict == "equivalent" for pair in pairs)
    undecided = sum(pair.verdict == "undecided" for pair in pairs)
    last = _effect(measured.effects[LAST_ACCURACY], TRANSFORMER)
    means = {name: network.accuracies[SETTLED] for name, network in settled.items()}
    late = _effect(module_effects(means, measured.modules), TRANSFORMER)
    effect = "no effect of the transformer is shown"
    if last.is_significant:
        effect = f"the transformer {'lowers' if last.estimate < 0 else 'raises'} accuracy at the last epoch"
    return (
        "no significant difference of accuracies",
        f"of {len(pairs)} pairs, {different} differ, {equivalent} are equivalent within ±{margin} points, {undecided} "
        f"are undecided; with a transformer rather than without, over all networks: {_points(last)} at the last epoch, "
        f"{_points(late)} in the mean of the last {SETTLED_OVER}",
        f"{f'{different} pairs differ' if different else 'no pair is shown to differ'}; {effect}",
    )


def _coordinates(measured: ComparedAccuracies, reproduction: Reproduction) -> Row:
    accuracy = _effect(measured.effects[LAST_ACCURACY], COORDINATES)
    loss = _effect(reproduction.effects[MEDIAN_LOSS], COORDINATES)
    shown = accuracy.is_significant or loss.is_significant
    return (
        "CoordConv gives no drop of loss and no gain of accuracy",
        f"with CoordConv rather than without: accuracy {_points(accuracy)}, loss ({MEDIAN_LOSS} epochs) "
        f"{number(loss.estimate, 4, sign=True)} {brackets(loss.interval, scale=1, digits=4)}",
        "an effect is shown" if shown else "no effect is shown; small ones are not ruled out",
    )


def _attention_and_transformer(measured: ComparedAccuracies) -> Row:
    pairs = {frozenset((pair.first, pair.second)): pair for pair in measured.comparison.pairs}
    ours = [pairs[frozenset(("stn", attention))] for attention in ("attention", "attention-across-batch")]
    verdicts = listed([f"{pair.first} against {pair.second} {pair.verdict}" for pair in ours])
    if all(pair.verdict == "undecided" for pair in ours):
        margin = number(100 * measured.margin)
        verdicts = f"undecided: neither a difference nor that it is within ±{margin} points is shown"
    return (
        "attention and STN have equivalent accuracy",
        "; ".join(
            f"{pair.first} − {pair.second}: {points_with_interval(pair.difference, sign=True)} points" for pair in ours
        ),
        verdicts,
    )


def _lowest_loss(reproduction: Reproduction) -> Row:
    tests = reproduction.lowest
    others = list(dict.fromkeys(test.other for test in tests))
    beaten = [other for other in others if any(test.is_lower for test in tests if test.other == other)]
    figures = {other: [test.statistic for test in tests if test.other == other and test.is_lower] for other in beaten}
    unshown = [other for other in others if other not in beaten]
    return (
        "attention has the lowest validation loss",
        f"last, lowest and median loss against each other network: lower than that of "
        f"{listed([f'{other} ({listed(names)})' for other, names in figures.items()]) or 'none'}",
        "holds" if not unshown else f"not shown against {listed(unshown)}",
    )


def _stability(stability: Stability) -> Row:
    contrasts = {(contrast.module, contrast.statistic): contrast for contrast in stability.contrasts}

    def ratio(module: str, statistic: str) -> str:
        contrast = contrasts[module, statistic]
        return f"{number(contrast.ratio, 1)} {brackets(contrast.interval, scale=1, digits=1)} times"

    parts = [
        f"with {module}, the median jump is {ratio(module, MEDIAN)} as large, the root mean square {ratio(module, RMS)}"
        for module in (TRANSFORMER, ATTENTION)
    ]
    verdicts = [
        _jumps_verdict(module, [contrasts[module, statistic] for statistic in (MEDIAN, RMS)])
        for module in (TRANSFORMER, ATTENTION)
    ]
    return (
        "attention makes training stable",
        f"jumps of the loss from epoch to epoch, all networks in one model: {'; '.join(parts)}",
        "; ".join(verdicts),
    )


def _jumps_verdict(module: str, contrasts: list[ModuleContrast]) -> str:
    if not all(contrast.is_significant for contrast in contrasts):
        return f"no effect of {module} is shown"
    return f"the loss fluctuates {'more' if contrasts[0].ratio > 1 else 'less'} with {module}"


def _effect(effects: tuple[ModuleEffect, ...], module: str) -> ModuleEffect:
    return next(effect for effect in effects if effect.module == module)


def _points(effect: ModuleEffect) -> str:
    size = f"{points(effect.estimate, sign=True)} {brackets(effect.interval)} points"
    return f"{size} (p {p_value(effect.p_corrected)})"


def _distortions(measured: Distortions) -> Row:
    effect = _effect(measured.effects[MEAN_ERROR], TRANSFORMER)
    verdict = "no effect of the transformer is shown"
    if effect.is_significant:
        verdict = f"the transformer makes {'fewer' if effect.estimate < 0 else 'more'} errors where places move"
    return (
        "nothing of distorted digits, for which spatial modules were made",
        f"trained and tested on {len(measured.datasets)} sets of them, {effect.seeds} seeds: with a transformer rather "
        f"than without, the mean error changes by {_points(effect)}",
        verdict,
    )


def _parameters(audit: ParameterAudit) -> Row:
    networks, claims = audit.networks, audit.claims
    fewest = min(networks, key=lambda name: networks[name].in_use)
    wrong = [
        f"{claimed:,} is wrong; with {networks[name].inherited:,} dead ones its code holds "
        f"{networks[name].in_use + networks[name].inherited:,}"
        for name, claimed in claims.items()
        if claimed != networks[name].in_use
    ]
    in_use = ", ".join(f"{name} {networks[name].in_use:,}" for name in dict.fromkeys([*claims, fewest]))
    return (
        f"{', '.join(f'{claimed:,}' for claimed in claims.values())} parameters; attention has the fewest",
        f"in use: {in_use}",
        "; ".join([*wrong, f"{fewest} has the fewest"]),
    )


def _batches(measured: BatchChecks) -> Row:
    accuracies: dict[tuple[int, str], list[float]] = {}
    for check in measured.networks["attention-across-batch"]:
        for batching in check.measured:
            accuracies.setdefault((batching.batch, batching.order), []).append(batching.accuracy or 0)
    shuffled, by_label, alone = (
        mean_sd(accuracies[kind], 100) for kind in ((64, "shuffled"), (64, "sorted"), (1, "alone"))
    )
    return (
        "attention over all grids of the image",
        f"its code attends from image to image: {shuffled}% in shuffled batches of 64, {by_label}% sorted by label, "
        f"{alone}% one at a time",
        "an answer depends on the images beside it",
    )
