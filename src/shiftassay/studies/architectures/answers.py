"""What the study answers, in a few sentences: each is said only where its test shows it."""

from collections.abc import Sequence

from shiftassay.studies.architectures.claims_table import Measured, section_record
from shiftassay.studies.architectures.factorial import Factorial
from shiftassay.studies.architectures.instability import MEDIAN, RMS
from shiftassay.studies.architectures.judged import effect_of
from shiftassay.studies.architectures.module_effects import ATTENTION, COORDINATES, TRANSFORMER
from shiftassay.studies.architectures.network_runs import MEDIAN as MEDIAN_LOSS
from shiftassay.studies.architectures.protocols import BEST, mean_bias
from shiftassay.studies.architectures.sections.accuracies import LAST, SETTLED, ComparedAccuracies
from shiftassay.studies.architectures.sections.batches import BatchCheck, BatchChecks
from shiftassay.studies.architectures.sections.distortions import Distortions
from shiftassay.studies.architectures.sections.parameters import ParameterAudit
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.sections.selection import Selection
from shiftassay.studies.architectures.sections.stability import ModuleContrast, Stability
from shiftassay.studies.architectures.sections.suggestions import confirmation_sentence
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, mean_sd, number, points


def title(measured: Measured) -> str:
    """What was found of the networks' accuracies, as a title; empty where one seed was trained."""
    record = section_record(measured, ComparedAccuracies)
    pairs = record.comparison.pairs if record else ()
    if record is None or not pairs or pairs[0].over == "images":
        return ""
    different, count = sum(pair.differs for pair in pairs), len(record.comparison.groups)
    if not different:
        return f"Of {count} networks none is shown to be better than another."
    return (
        f"Of {plural(len(pairs), 'pair')} of networks {different} {'is' if different == 1 else 'are'} shown to differ."
    )


def answers(measured: Measured) -> tuple[str, ...]:
    """At most six sentences: what works best, what each module does, what the source says."""
    sentences = (
        _better_recipe(section_record(measured, Factorial)),
        _accuracies(section_record(measured, ComparedAccuracies)),
        _transformer(section_record(measured, ComparedAccuracies), section_record(measured, Distortions)),
        _other_modules(
            section_record(measured, ComparedAccuracies),
            section_record(measured, Reproduction),
            section_record(measured, Stability),
        ),
        _best_epochs(section_record(measured, Reproduction), section_record(measured, Selection)),
        _parameters_and_batches(section_record(measured, ParameterAudit), section_record(measured, BatchChecks)),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _better_recipe(factorial: Factorial | None) -> str:
    """The short training that gains most, if any is shown to gain."""
    gains = [
        (row.difference.estimate, row)
        for row in (factorial.confirmed if factorial else ())
        if row.difference is not None and row.is_significant and row.difference.estimate > 0
    ]
    if factorial is None or not gains:
        return ""
    return confirmation_sentence(max(gains, key=lambda gain: gain[0])[1], factorial.images)


def _accuracies(measured: ComparedAccuracies | None) -> str:
    if measured is None:
        return ""
    comparison = measured.comparison
    means, pairs = [group.mean for group in comparison.groups], comparison.pairs
    seeds = len(comparison.groups[0].accuracies)
    sentence = (
        f"The {len(means)} networks get {points(min(means))} to {points(max(means))}% of {measured.images:,} test "
        f"images right ({plural(seeds, 'seed')})"
    )
    if pairs[0].over == "images":
        return f"{sentence}; one seed cannot tell networks apart."
    different = sum(pair.differs for pair in pairs)
    equivalent = sum(pair.verdict == "equivalent" for pair in pairs)
    undecided = sum(not pair.differs and pair.verdict != "equivalent" for pair in pairs)
    return (
        f"{sentence}: of {len(pairs)} pairs {different} are shown to differ, {equivalent} to be equivalent within "
        f"±{number(100 * measured.margin)} points, {undecided} are undecided."
    )


def _transformer(measured: ComparedAccuracies | None, distortions: Distortions | None) -> str:
    """What the transformer does to upright digits, and to those whose place changes."""
    parts = []
    effect = effect_of(measured.effects.get(LAST, ()) if measured else (), TRANSFORMER)
    if effect:
        ends = sorted(map(abs, effect.interval))  # of one sign where the effect is shown
        size = f"{points(abs(effect.estimate))} points {brackets(ends)}"
        verb = "costs" if effect.estimate < 0 else "gains"
        settled = effect_of(measured.effects.get(SETTLED, ()) if measured else (), TRANSFORMER)
        doubt = " at the last epoch, which the mean of the last epochs does not confirm"
        parts.append(
            f"{verb} {size} of accuracy on undistorted digits{doubt if settled and not settled.is_significant else ''}"
            if effect.is_significant
            else "has no effect on accuracy on undistorted digits that is shown"
        )
    fewer = [
        f"{points(-row.estimate, 1)} points on {name}"
        for name, effects in (distortions.effects if distortions else {}).items()
        if (row := effect_of(effects, TRANSFORMER)) and row.is_significant and row.estimate < 0
        if distortions and name in distortions.datasets
    ]
    if fewer:
        parts.append(f"removes error where digits are distorted: {listed(fewer)}")
    if not parts:
        return ""
    return f"A spatial transformer {' and '.join(parts)}."


def _other_modules(
    measured: ComparedAccuracies | None, reproduction: Reproduction | None, stability: Stability | None
) -> str:
    """What CoordConv and attention do to accuracy, and what makes the loss fluctuate."""
    parts, unshown = [], []
    for module in (COORDINATES, ATTENTION):
        accuracy = effect_of(measured.effects.get(LAST, ()) if measured else (), module)
        loss = effect_of(reproduction.effects.get(MEDIAN_LOSS, ()) if reproduction else (), module)
        shown = []
        if accuracy and accuracy.is_significant:
            shown.append(f"accuracy by {points(accuracy.estimate, sign=True)} points")
        if loss and loss.is_significant:
            shown.append(f"loss by {number(loss.estimate, 4, sign=True)}")
        if shown:
            parts.append(f"{module} changes {listed(shown)}")
        elif accuracy or loss:
            unshown.append(module)
    parts += [f"no effect of {' or '.join(unshown)} on accuracy or loss is shown"] if unshown else []
    jumps = [row for row in (stability.contrasts if stability else ()) if row.is_significant]
    parts += [_fluctuation(row) for statistic in (MEDIAN, RMS) for row in jumps if row.statistic == statistic]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _fluctuation(contrast: ModuleContrast) -> str:
    """How much more or less the loss fluctuates with a module, by one of two measures."""
    size = f"{number(contrast.ratio, 1)} {brackets(contrast.interval, scale=1, digits=1)} times as large"
    if contrast.statistic == MEDIAN:
        return f"with {contrast.module} the median jump of the loss from epoch to epoch is {size}"
    return f"its root mean square, in which rare large jumps count most, is {size} with {contrast.module}"


def _best_epochs(reproduction: Reproduction | None, selection: Selection | None) -> str:
    """Whether the source's best accuracies come out again, and how far they are too high."""
    claims = [claim.figures[0] for claim in (reproduction.claims if reproduction else ()) if claim.whole]
    tested = [figure for figure in claims if figure.within is not None]
    if reproduction is None or not tested:
        return ""
    sentence = (
        f"Of {plural(len(tested), 'best accuracy', 'best accuracies')} that {reproduction.source} reports, "
        f"{sum(bool(figure.within) for figure in tested)} lie in our 95% prediction interval for a new seed"
    )
    if selection is None:
        return f"{sentence}."
    bias, interval = mean_bias(selection.networks, BEST)
    if interval is None or interval.low <= 0:
        return f"{sentence}."
    too_high = f"{points(bias)} points {brackets(interval)} too high"
    return f"{sentence}; choosing the epoch on the test set makes accuracies {too_high}."


def _parameters_and_batches(audit: ParameterAudit | None, batches: BatchChecks | None) -> str:
    parts = []
    if audit is not None:
        fewest = min(audit.networks, key=lambda name: audit.networks[name].in_use)
        parts.append(f"{fewest} has the fewest parameters ({audit.networks[fewest].in_use:,})")
    for name, checks in (batches.networks if batches else {}).items():
        if any(batching.changed for check in checks for batching in check.measured):
            alone, shuffled = _accuracy_of(checks, "alone"), _accuracy_of(checks, "reference")
            if alone:
                parts.append(
                    f"an answer of {name} depends on the images beside it ({mean_sd(alone, 100)}% right one at a time, "
                    f"{mean_sd(shuffled, 100)}% in shuffled batches)"
                )
    return f"{'; '.join(parts)}." if parts else ""


def _accuracy_of(checks: Sequence[BatchCheck], kind: str) -> list[float]:
    """By seed, the accuracy one image at a time, or of the same images in shuffled batches."""
    alone = [batching for check in checks for batching in check.measured if batching.order == "alone"]
    values = [batching.accuracy if kind == "alone" else batching.reference_accuracy for batching in alone]
    return [value for value in values if value is not None]
