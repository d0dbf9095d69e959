"""The table of what a source claims, what the study measured, and what that says."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from shiftassay.records import Record
from shiftassay.report.finding import Table
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.claims import CheckedClaim
from shiftassay.studies.architectures.early_stopping import CRITERIA, StoppingRule
from shiftassay.studies.architectures.factorial import Factorial
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
    HELD_OUT,
    LAST,
    LOWEST_LOSS,
    SETTLED,
    SETTLED_OVER,
    ProtocolAccuracies,
    mean_bias,
    protocol_accuracies,
    settled_epochs,
)
from shiftassay.studies.architectures.sections.accuracies import LAST as LAST_ACCURACY
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies, seeds_needed
from shiftassay.studies.architectures.sections.batches import BatchChecks
from shiftassay.studies.architectures.sections.distortions import MEAN as MEAN_ERROR
from shiftassay.studies.architectures.sections.distortions import Distortions
from shiftassay.studies.architectures.sections.heads import ACCURACY, Heads
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.selection import Selection
from shiftassay.studies.architectures.sections.stability import ModuleContrast, Stability
from shiftassay.studies.architectures.sections.suggestions import confirmation_sentence
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, number, p_value, percent, points, points_with_interval

Row = tuple[str, str, str]
Measured = Mapping[str, Record]
R = TypeVar("R", bound=Record)


def claims_table(measured: Measured) -> Table:
    """The claims of the study's source, what was measured of each, and the verdict."""
    reproduction = section_record(measured, Reproduction)
    source = reproduction.source if reproduction else "the source"
    columns = (f"{source} says", "measured here", "verdict")
    images = reproduction.images if reproduction else None
    of_images = f" Accuracies are of {images:,} test images." if images else ""
    return Table(
        columns,
        tuple(claim_rows(measured)),
        f"The claims of {source}. Intervals are 95%, over seeds; p-values are corrected after Holm.{of_images}",
        words=columns[1:],
    )


def claim_rows(measured: Measured) -> list[Row]:
    """A row for each claim that these sections and their seeds allow to judge."""
    reproduction = section_record(measured, Reproduction)
    accuracies = section_record(measured, ComparedAccuracies)
    selection, factorial = section_record(measured, Selection), section_record(measured, Factorial)
    rows: list[Row | None] = []
    if reproduction and accuracies:
        settled = _protocols(reproduction)
        rows += [_best_accuracy(claim) for claim in reproduction.claims]
        rows += [_selection(settled, reproduction.epochs)]
        rows += [_held_out(selection), _early_stopping(selection)] if selection else []
        rows += [_accuracies(accuracies, settled), _coordinates(accuracies, reproduction)]
        rows += [_attention_and_transformer(accuracies), _lowest_loss(reproduction)]
    rows += [
        _row(section_record(measured, Stability), _stability),
        _row(section_record(measured, Heads), _heads),
        _row(section_record(measured, Heads), _positions),
        _row(factorial, _recipe),
        _row(section_record(measured, Distortions), _distortions),
        _row(section_record(measured, ParameterAudit), _parameters),
        _row(section_record(measured, BatchChecks), _batches),
    ]
    return [row for row in rows if row is not None]


def section_record(measured: Measured, kind: type[R]) -> R | None:
    """The record of one section, if it measured any."""
    return next((record for record in measured.values() if isinstance(record, kind)), None)


def _row(record: R | None, row: Callable[[R], Row | None]) -> Row | None:
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
        f"{within} of {len(claim.figures)} of its figures lie in theirs",
        f"{'reproduced' if best.within else 'not reproduced'}, and optimistic: the epoch was chosen on the test set",
    )


def _protocols(reproduction: Reproduction) -> dict[str, ProtocolAccuracies]:
    return {name: protocol_accuracies(runs.accuracies, runs.losses) for name, runs in reproduction.networks.items()}


def _bias(networks: Mapping[str, ProtocolAccuracies], protocol: str) -> str:
    mean, interval = mean_bias(networks, protocol)
    by_network = [float(network.bias(protocol).mean()) for network in networks.values()]
    of_networks = f"{points(min(by_network), sign=True)} to {points(max(by_network), sign=True)} by network"
    return f"{points(mean, sign=True)} {brackets(interval)} ({of_networks})"


def _selection(networks: Mapping[str, ProtocolAccuracies], epochs: int) -> Row | None:
    within = [network.sd_within for network in networks.values() if network.sd_within is not None]
    _, interval = mean_bias(networks, BEST)
    if interval is None or not within:
        return None
    settled = settled_epochs(epochs)
    verdict = "the best epoch is too high" if interval.low > 0 else "the best epoch is not shown to be too high"
    return (
        f"the best of {epochs} epochs is the accuracy (the model it keeps is that of the lowest loss)",
        f"against the mean of the last {settled} epochs of the same training, points: best epoch "
        f"{_bias(networks, BEST)}; lowest loss {_bias(networks, LOWEST_LOSS)}; last epoch {_bias(networks, LAST)}",
        f"{verdict}; the last is sound, but one epoch's noise has an sd of {points(min(within))} to "
        f"{points(max(within))} points, by network",
    )


def _held_out(selection: Selection) -> Row | None:
    """The sound choice of the epoch."""
    if not selection.sound or mean_bias(selection.sound, HELD_OUT)[1] is None:
        return None
    seeds = len(next(iter(selection.held_out_runs.values())).accuracies)
    return (
        "the test set chooses the epoch",
        f"chosen on {selection.held_out:,} held-out training images ({plural(len(selection.sound), 'network')}, "
        f"{plural(seeds, 'seed')}), against the mean of the last {settled_epochs(selection.epochs)} epochs of the same "
        f"training, points: {_bias(selection.sound, HELD_OUT)}; last epoch {_bias(selection.sound, LAST)}",
        "held-out images choose the epoch without optimism",
    )


def _early_stopping(selection: Selection) -> Row | None:
    """Early stopping: what the rules on the held-out loss do to accuracy, by their patience."""
    by_patience: dict[int, list[StoppingRule]] = {}
    for rule in selection.rules:
        if rule.criterion == CRITERIA[0]:
            by_patience.setdefault(rule.patience, []).append(rule)
    parts, harmed = [], []
    for patience, rules in by_patience.items():
        cost = np.mean([np.subtract(rule.accuracies, rule.to_the_end) for rule in rules], axis=0)
        interval = mean_over_seeds(cost)
        if interval is None:
            return None
        epoch = float(np.mean([rule.stopped for rule in rules]))
        parts.append(f"patience {patience}: epoch {epoch:.0f}, {points_with_interval(interval, sign=True)} points")
        harmed += [str(patience)] if interval.high < 0 else []
    if not parts:
        return None
    return (
        "early stopping could improve accuracy",
        f"stopped when the loss on held-out images improves no more, against {selection.epochs} epochs: "
        f"{'; '.join(parts)}",
        f"stopping costs accuracy with a patience of {listed(harmed)} epochs"
        if harmed
        else "no cost of stopping is shown",
    )


def _accuracies(measured: ComparedAccuracies, settled: Mapping[str, ProtocolAccuracies]) -> Row | None:
    pairs, margin = measured.comparison.pairs, number(100 * measured.comparison.margin)
    different = sum(pair.differs for pair in pairs)
    equivalent = sum(pair.verdict == "equivalent" for pair in pairs)
    undecided = sum(pair.verdict == "undecided" for pair in pairs)
    means = {name: network.accuracies[SETTLED] for name, network in settled.items()}
    last = effect_of(measured.effects.get(LAST_ACCURACY, ()), TRANSFORMER)
    late = effect_of(module_effects(means, measured.modules), TRANSFORMER) if last else None
    if last is None or late is None:
        return None
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


def _coordinates(measured: ComparedAccuracies, reproduction: Reproduction) -> Row | None:
    accuracy = effect_of(measured.effects.get(LAST_ACCURACY, ()), COORDINATES)
    loss = effect_of(reproduction.effects.get(MEDIAN_LOSS, ()), COORDINATES)
    if accuracy is None or loss is None:
        return None
    gain = (accuracy.is_significant and accuracy.estimate > 0) or (loss.is_significant and loss.estimate < 0)
    largest = points(max(map(abs, accuracy.interval)))
    return (
        "CoordConv gives no drop of loss and no gain of accuracy",
        f"with CoordConv rather than without: accuracy {_points(accuracy)}, loss ({MEDIAN_LOSS} epochs) "
        f"{number(loss.estimate, 4, sign=True)} {brackets(loss.interval, scale=1, digits=4)} "
        f"(p {p_value(loss.p_corrected)})",
        "a gain is shown" if gain else f"no gain is shown; an effect on accuracy above {largest} points is ruled out",
    )


def _attention_and_transformer(measured: ComparedAccuracies) -> Row | None:
    """Pairs of a network with a transformer alone and one with attention alone."""
    alone = {
        module: [name for name, has in measured.modules.items() if has == (module,)]
        for module in (TRANSFORMER, ATTENTION)
    }
    pairs = [
        pair
        for pair in measured.comparison.pairs
        if pair.common_seeds > 1
        and {pair.first, pair.second} in [{a, b} for a in alone[TRANSFORMER] for b in alone[ATTENTION]]
    ]
    if not pairs:
        return None
    margin = number(100 * measured.margin)
    verdicts = listed([f"{pair.first} against {pair.second} {pair.verdict}" for pair in pairs])
    if all(pair.verdict == "undecided" for pair in pairs):
        verdicts = f"undecided: neither a difference nor that it is within ±{margin} points is shown"
    parts = []
    for pair in pairs:
        needed = seeds_needed(measured, pair.first, pair.second, measured.margin, corrected=True)
        seeds = f"{needed:,} seeds" if needed is not None else "more seeds than can be trained"
        difference = points_with_interval(pair.difference, sign=True)
        parts.append(f"{pair.first} − {pair.second}: {difference} points; ±{margin} takes about {seeds}")
    return (
        "attention and STN have equivalent accuracy",
        f"{'; '.join(parts)} (80% power, if they do not differ; here {pairs[0].common_seeds})",
        verdicts,
    )


def _lowest_loss(reproduction: Reproduction) -> Row | None:
    tests = [test for test in reproduction.lowest if test.p_corrected is not None]
    if not tests:
        return None
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


def _stability(stability: Stability) -> Row | None:
    contrasts = {(contrast.module, contrast.statistic): contrast for contrast in stability.contrasts}
    modules = [module for module in (TRANSFORMER, ATTENTION) if (module, RMS) in contrasts]
    if not modules:
        return None

    def ratio(module: str, statistic: str) -> str:
        contrast = contrasts[module, statistic]
        return f"{number(contrast.ratio, 1)} {brackets(contrast.interval, scale=1, digits=1)} times"

    parts = [
        f"with {module}, the median jump is {ratio(module, MEDIAN)} as large, the root mean square {ratio(module, RMS)}"
        for module in modules
    ]
    verdicts = [
        _jumps_verdict(module, [contrasts[module, statistic] for statistic in (MEDIAN, RMS)]) for module in modules
    ]
    return (
        "attention makes training stable",
        f"jumps of the loss from epoch to epoch, all networks in one model: {'; '.join(parts)}",
        "; ".join(verdicts),
    )


def _jumps_verdict(module: str, contrasts: Sequence[ModuleContrast]) -> str:
    if not all(contrast.is_significant for contrast in contrasts):
        return f"no effect of {module} is shown"
    return f"the loss fluctuates {'more' if contrasts[0].ratio > 1 else 'less'} with {module}"


def _heads(measured: Heads) -> Row | None:
    """The variants without a position code, which differ in their heads alone."""
    return _variants(
        measured,
        [name for name in measured.variants if CODE not in name],
        "two heads because the channels are few; several heads are better than one",
        f"; possible for widths of {listed([str(width) for width in measured.widths])} channels: "
        f"{listed(list(map(str, measured.possible_heads)))} heads",
    )


def _positions(measured: Heads) -> Row | None:
    return _variants(
        measured,
        [name for name in measured.variants if CODE in name],
        "nothing of a position code, which its attention lacks",
        "",
    )


CODE = "position code"
"""In the name of a variant that has one."""


def _variants(measured: Heads, names: Sequence[str], claim: str, also: str) -> Row | None:
    rows = [row for row in measured.differences if row.variant in names and row.quantity == ACCURACY]
    if not rows:
        return None
    parts = [
        f"{row.variant} {points(row.difference, sign=True)} {brackets(row.interval)} (p {p_value(row.p_corrected)})"
        for row in rows
    ]
    shown = [f"{row.variant} {'better' if row.difference > 0 else 'worse'}" for row in rows if row.is_significant]
    return (
        claim,
        f"accuracy against {measured.reference}, points, after {plural(measured.epochs, 'epoch')}, "
        f"{plural(measured.seeds, 'seed')}: {'; '.join(parts)}{also}",
        f"shown: {listed(shown)}" if shown else "no difference is shown",
    )


def _recipe(measured: Factorial) -> Row | None:
    """What the best combination of the suggested changes reaches on the test set."""
    rows = [row for row in measured.confirmed if row.p_corrected is not None]
    if not rows:
        return None
    parts = [confirmation_sentence(row, measured.images).removesuffix(".") for row in rows]
    better = [row.best.network for row in rows if row.is_significant and row.difference and row.difference.estimate > 0]
    return (
        "dropout, schedule and optimizer should be studied",
        "; ".join(parts),
        f"the short recipe is better for {listed(better)}" if better else "no gain of the short recipe is shown",
    )


def effect_of(effects: Sequence[ModuleEffect], module: str) -> ModuleEffect | None:
    """The effect of one module, if it could be estimated."""
    return next((effect for effect in effects if effect.module == module), None)


def _points(effect: ModuleEffect) -> str:
    size = f"{points(effect.estimate, sign=True)} {brackets(effect.interval)} points"
    return f"{size} (p {p_value(effect.p_corrected)})"


def _distortions(measured: Distortions) -> Row | None:
    effect = effect_of(measured.effects.get(MEAN_ERROR, ()), TRANSFORMER)
    if effect is None:
        return None
    verdict = "no effect of the transformer is shown"
    if effect.is_significant:
        verdict = f"the transformer makes {'fewer' if effect.estimate < 0 else 'more'} errors on distorted digits"
    return (
        "nothing of distorted digits, for which spatial modules were made",
        f"trained and tested on {len(measured.datasets)} sets of them, {effect.seeds} seeds: with a transformer rather "
        f"than without, the mean error changes by {_points(effect)}",
        verdict,
    )


def _parameters(audit: ParameterAudit) -> Row | None:
    networks, claims = audit.networks, audit.claims
    if not claims:
        return None
    fewest = min(networks, key=lambda name: networks[name].in_use)
    wrong = [
        f"{claimed:,} is wrong; with {networks[name].inherited:,} unused ones its code holds "
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


def _batches(measured: BatchChecks) -> Row | None:
    """The network whose answers depend on the images beside them."""
    for checks in measured.networks.values():
        if not any(batching.changed for check in checks for batching in check.measured):
            continue
        accuracies: dict[tuple[int, str], list[float]] = {}
        for check in checks:
            for batching in check.measured:
                accuracies.setdefault((batching.batch, batching.order), []).append(batching.accuracy or 0)
        kinds = ((64, "shuffled"), (64, "sorted"), (1, "alone"))
        if all(kind in accuracies for kind in kinds):
            shuffled, by_label, alone = (mean_sd(accuracies[kind], 100) for kind in kinds)
            return (
                "attention over all grids of the image",
                f"its code attends from image to image: {shuffled}% in shuffled batches of 64, {by_label}% sorted by "
                f"label, {alone}% one at a time",
                "an answer depends on the images beside it",
            )
    return None
