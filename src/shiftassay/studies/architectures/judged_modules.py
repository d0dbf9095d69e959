"""Verdicts on what a source says of its modules, its recipe and its code."""

from collections.abc import Sequence

from shiftassay.studies.architectures.factorial import Factorial
from shiftassay.studies.architectures.instability import MEDIAN, RMS
from shiftassay.studies.architectures.judged import Judged, effect_in_points, effect_of
from shiftassay.studies.architectures.module_effects import ATTENTION, TRANSFORMER
from shiftassay.studies.architectures.sections.batches import BatchChecks
from shiftassay.studies.architectures.sections.distortions import MEAN as MEAN_ERROR
from shiftassay.studies.architectures.sections.distortions import Distortions
from shiftassay.studies.architectures.sections.heads import ACCURACY, Heads
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.stability import ModuleContrast, Stability
from shiftassay.studies.architectures.sections.suggestions import confirmation_sentence
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, number, p_value, points


def judge_lowest_loss(reproduction: Reproduction) -> Judged | None:
    tests = [test for test in reproduction.lowest if test.p_corrected is not None]
    if not tests:
        return None
    others = list(dict.fromkeys(test.other for test in tests))
    beaten = [other for other in others if any(test.is_lower for test in tests if test.other == other)]
    figures = {other: [test.statistic for test in tests if test.other == other and test.is_lower] for other in beaten}
    unshown = [other for other in others if other not in beaten]
    return (
        f"last, lowest and median loss against each other network: lower than that of "
        f"{listed([f'{other} ({listed(names)})' for other, names in figures.items()]) or 'none'}",
        "holds" if not unshown else f"not shown against {listed(unshown)}",
    )


def judge_stability(stability: Stability) -> Judged | None:
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
        f"jumps of the loss from epoch to epoch, all networks in one model: {'; '.join(parts)}",
        "; ".join(verdicts),
    )


def _jumps_verdict(module: str, contrasts: Sequence[ModuleContrast]) -> str:
    if not all(contrast.is_significant for contrast in contrasts):
        return f"no effect of {module} is shown"
    return f"the loss fluctuates {'more' if contrasts[0].ratio > 1 else 'less'} with {module}"


def judge_heads(measured: Heads) -> Judged | None:
    """The variants without a position code, which differ in their heads alone."""
    widths, heads = (listed([str(n) for n in numbers]) for numbers in (measured.widths, measured.possible_heads))
    names = [name for name in measured.variants if CODE not in name]
    return _variants(measured, names, f"; possible for widths of {widths} channels: {heads} heads")


def judge_positions(measured: Heads) -> Judged | None:
    return _variants(measured, [name for name in measured.variants if CODE in name])


CODE = "position code"
"""In the name of a variant that has one."""


def _variants(measured: Heads, names: Sequence[str], also: str = "") -> Judged | None:
    rows = [row for row in measured.differences if row.variant in names and row.quantity == ACCURACY]
    if not rows:
        return None
    parts = [
        f"{row.variant} {points(row.difference, sign=True)} {brackets(row.interval)} (p {p_value(row.p_corrected)})"
        for row in rows
    ]
    shown = [f"{row.variant} {'better' if row.difference > 0 else 'worse'}" for row in rows if row.is_significant]
    return (
        f"accuracy against {measured.reference}, points, after {plural(measured.epochs, 'epoch')}, "
        f"{plural(measured.seeds, 'seed')}: {'; '.join(parts)}{also}",
        f"shown: {listed(shown)}" if shown else "no difference is shown",
    )


def judge_recipe(measured: Factorial) -> Judged | None:
    """What the best combination of the suggested changes reaches on the test set."""
    rows = [row for row in measured.confirmed if row.p_corrected is not None]
    if not rows:
        return None
    parts = [confirmation_sentence(row, measured.images).removesuffix(".") for row in rows]
    better = [row.best.network for row in rows if row.is_significant and row.difference and row.difference.estimate > 0]
    return (
        "; ".join(parts),
        f"the short recipe is better for {listed(better)}" if better else "no gain of the short recipe is shown",
    )


def judge_distortions(measured: Distortions) -> Judged | None:
    effect = effect_of(measured.effects.get(MEAN_ERROR, ()), TRANSFORMER)
    if effect is None:
        return None
    verdict = "no effect of the transformer is shown"
    if effect.is_significant:
        verdict = f"the transformer makes {'fewer' if effect.estimate < 0 else 'more'} errors on distorted digits"
    return (
        f"trained and tested on {len(measured.datasets)} sets of them, {effect.seeds} seeds: with a transformer rather "
        f"than without, the mean error changes by {effect_in_points(effect)}",
        verdict,
    )


def judge_parameters(audit: ParameterAudit) -> Judged | None:
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
        f"in use: {in_use}",
        "; ".join([*wrong, f"{fewest} has the fewest"]),
    )


def judge_batches(measured: BatchChecks) -> Judged | None:
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
                f"its code attends from image to image: {shuffled}% in shuffled batches of 64, {by_label}% sorted by "
                f"label, {alone}% one at a time",
                "an answer depends on the images beside it",
            )
    return None
