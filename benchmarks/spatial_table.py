"""The README's table of what seed 003 claims, what the study of its networks measured, and what that says."""

from typing import cast

import numpy as np

from shiftassay.records import JsonObject
from shiftassay.studies.architectures.claims import CheckedClaim
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies
from shiftassay.studies.architectures.sections.batches import BatchChecks
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.stability import ATTENTION, TRANSFORMER, Stability
from shiftassay.words.numbers import brackets, mean_sd, number, percent, points

COLUMNS = ("seed 003 says", "measured here", "verdict")
Row = tuple[str, str, str]


def spatial_rows(sections: JsonObject) -> list[Row]:
    """A row for each claim, from the sections of the study's results."""
    reproduction = Reproduction.from_json(sections["reproduction"])
    stability = Stability.from_json(sections["stability"])
    return [
        *map(_best_accuracy, reproduction.claims),
        _optimism(reproduction),
        _accuracies(ComparedAccuracies.from_json(sections["accuracies"]), stability.control),
        _lowest_loss(reproduction),
        _stability(stability),
        _parameters(ParameterAudit.from_json(sections["parameters"])),
        _batches(BatchChecks.from_json(sections["batches"])),
    ]


def spatial_note(results: JsonObject) -> str:
    """How many networks were trained, for how long, and on what."""
    networks = Reproduction.from_json(cast(JsonObject, results["sections"])["reproduction"]).networks
    seeds = len(next(iter(networks.values())).seeds)
    hours = sum(time or 0 for runs in networks.values() for time in runs.environment.seconds) / 3600
    processor = cast(JsonObject, results["environment"])["processor"]
    return (
        f"*{seeds} seeds of each of {len(networks)} networks, mean ± sd over seeds; {number(hours, 1)} hours of "
        f"training on one core, {processor}, which had other work beside it; `{results['command']}`.*"
    )


def _best_accuracy(claim: CheckedClaim) -> Row:
    best = claim.figures[0]
    assert best.expected is not None
    low, high = best.expected
    return (
        f"{claim.name}: best accuracy {percent(best.reported, 2)}",
        f"{mean_sd(best.ours, 100)}; 95% prediction interval for a new seed: {points(low)} to {points(high)}",
        f"{'reproduced' if best.within else 'not reproduced'}, and optimistic: the epoch was chosen on the test set",
    )


def _optimism(reproduction: Reproduction) -> Row:
    optimism = np.concatenate([runs.optimism for runs in reproduction.networks.values()])
    lowest, highest = points(float(optimism.min())), points(float(optimism.max()))
    return (
        f"the best of {reproduction.epochs} epochs is the accuracy",
        f"it is {points(float(optimism.mean()))} points above that of the last epoch ({lowest} to {highest})",
        "the last epoch, fixed in advance, is the sound figure",
    )


def _accuracies(measured: ComparedAccuracies, control: str) -> Row:
    pairs, margin = measured.comparison.pairs, number(100 * measured.comparison.margin)
    different = sum(pair.differs for pair in pairs)
    equivalent = sum(pair.verdict == "equivalent" for pair in pairs)
    undecided = sum(pair.verdict == "undecided" for pair in pairs)
    return (
        "no significant difference of accuracies",
        f"of {len(pairs)} pairs, {control} among them, {different} differ, {equivalent} are equivalent within "
        f"±{margin} points, "
        f"{undecided} are undecided",
        f"{different} pairs differ" if different else "no pair is shown to differ",
    )


def _lowest_loss(reproduction: Reproduction) -> Row:
    tests = reproduction.lowest_loss
    lower = sum(test.is_lower for test in tests)
    return (
        "attention has the lowest validation loss",
        f"shown in {lower} of {len(tests)} comparisons (last, lowest and median loss against each other network)",
        "holds" if lower == len(tests) else "holds in part" if lower else "not shown",
    )


def _stability(stability: Stability) -> Row:
    contrasts = {contrast.module: contrast for contrast in stability.contrasts}
    jumps = "; ".join(
        f"with {module} {number(contrast.ratio, 1)} times {brackets(contrast.interval, scale=1, digits=1)} those "
        "without" + (" (of runs without a transformer)" if module == ATTENTION else "")
        for module, contrast in contrasts.items()
    )
    transformer, attention = contrasts[TRANSFORMER], contrasts[ATTENTION]
    with_transformer = "no evidence that the transformer makes the loss fluctuate"
    if transformer.is_significant and transformer.ratio > 1:
        with_transformer = "the loss fluctuates with the transformer"
    with_attention = "no evidence that attention reduces it"
    if attention.is_significant and attention.ratio < 1:
        with_attention = "attention reduces it"
    return (
        "attention makes training stable",
        f"jumps of the loss from epoch to epoch: {jumps}",
        f"{with_transformer}; {with_attention}",
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
