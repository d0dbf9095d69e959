"""Verdicts on what a source says of accuracies, and of the epoch that they are of."""

from collections.abc import Mapping

import numpy as np

from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.architectures.early_stopping import CRITERIA, StoppingRule
from shiftassay.studies.architectures.judged import Judged, effect_in_points, effect_of
from shiftassay.studies.architectures.module_effects import (
    ATTENTION,
    COORDINATES,
    TRANSFORMER,
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
    settled_epochs,
)
from shiftassay.studies.architectures.sections.accuracies import LAST as LAST_ACCURACY
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies, seeds_needed
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.selection import Selection
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, number, p_value, points, points_with_interval


def judge_selection(networks: Mapping[str, ProtocolAccuracies], epochs: int) -> Judged | None:
    within = [network.sd_within for network in networks.values() if network.sd_within is not None]
    _, interval = mean_bias(networks, BEST)
    if interval is None or not within:
        return None
    settled = settled_epochs(epochs)
    verdict = "the best epoch is too high" if interval.low > 0 else "the best epoch is not shown to be too high"
    return (
        f"against the mean of the last {settled} epochs of the same training, points: best epoch "
        f"{_bias(networks, BEST)}; lowest loss {_bias(networks, LOWEST_LOSS)}; last epoch {_bias(networks, LAST)}",
        f"{verdict}; the last is sound, but one epoch's noise has an sd of {points(min(within))} to "
        f"{points(max(within))} points, by network",
    )


def _bias(networks: Mapping[str, ProtocolAccuracies], protocol: str) -> str:
    mean, interval = mean_bias(networks, protocol)
    by_network = [float(network.bias(protocol).mean()) for network in networks.values()]
    of_networks = f"{points(min(by_network), sign=True)} to {points(max(by_network), sign=True)} by network"
    return f"{points(mean, sign=True)} {brackets(interval)} ({of_networks})"


def judge_held_out(selection: Selection) -> Judged | None:
    """The sound choice of the epoch."""
    if not selection.sound or mean_bias(selection.sound, HELD_OUT)[1] is None:
        return None
    seeds = len(next(iter(selection.held_out_runs.values())).accuracies)
    return (
        f"chosen on {selection.held_out:,} held-out training images ({plural(len(selection.sound), 'network')}, "
        f"{plural(seeds, 'seed')}), against the mean of the last {settled_epochs(selection.epochs)} epochs of the same "
        f"training, points: {_bias(selection.sound, HELD_OUT)}; last epoch {_bias(selection.sound, LAST)}",
        "held-out images choose the epoch without optimism",
    )


def judge_early_stopping(selection: Selection) -> Judged | None:
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
        f"stopped when the loss on held-out images improves no more, against {selection.epochs} epochs: "
        f"{'; '.join(parts)}",
        f"stopping costs accuracy with a patience of {listed(harmed)} epochs"
        if harmed
        else "no cost of stopping is shown",
    )


def judge_accuracies(measured: ComparedAccuracies, settled: Mapping[str, ProtocolAccuracies]) -> Judged | None:
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
        f"of {len(pairs)} pairs, {different} differ, {equivalent} are equivalent within ±{margin} points, {undecided} "
        f"are undecided; with a transformer rather than without, over all networks: {effect_in_points(last)} at the "
        f"last epoch, {effect_in_points(late)} in the mean of the last {SETTLED_OVER}",
        f"{f'{different} pairs differ' if different else 'no pair is shown to differ'}; {effect}",
    )


def judge_coordinates(measured: ComparedAccuracies, reproduction: Reproduction) -> Judged | None:
    accuracy = effect_of(measured.effects.get(LAST_ACCURACY, ()), COORDINATES)
    loss = effect_of(reproduction.effects.get(MEDIAN_LOSS, ()), COORDINATES)
    if accuracy is None or loss is None:
        return None
    gain = (accuracy.is_significant and accuracy.estimate > 0) or (loss.is_significant and loss.estimate < 0)
    largest = points(max(map(abs, accuracy.interval)))
    return (
        f"with CoordConv rather than without: accuracy {effect_in_points(accuracy)}, loss ({MEDIAN_LOSS} epochs) "
        f"{number(loss.estimate, 4, sign=True)} {brackets(loss.interval, scale=1, digits=4)} "
        f"(p {p_value(loss.p_corrected)})",
        "a gain is shown" if gain else f"no gain is shown; an effect on accuracy above {largest} points is ruled out",
    )


def judge_attention_and_transformer(measured: ComparedAccuracies) -> Judged | None:
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
        f"{'; '.join(parts)} (80% power, if they do not differ; here {pairs[0].common_seeds})",
        verdicts,
    )
