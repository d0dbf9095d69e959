"""Other explanations of what a variant does, and the number that rules each out, or does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import Repair
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.numbers import p_cell, percent, percent_with_interval, points_with_interval

AS_GOOD = 0.01  # of the change: within this of the verdict, another family explains as much
RIVALS = 3
OFF = 0.04  # of accuracy: a remake this far off does not do what the variant does


@dataclass(frozen=True)
class Alternative(Record):
    """Another explanation, what was measured of it, and whether that rules it out.

    `doubts_verdict`: if it is not ruled out, the verdict itself is doubtful.
    """

    explanation: str
    number: str
    ruled_out: bool
    doubts_verdict: bool = False


def alternatives(evaluations: Sequence[Evaluation], diagnosed: DiagnosedVariant, repair: Repair) -> list[Alternative]:
    """Other explanations of a variant, in the order in which a sceptic would raise them.

    There is one evaluation for each seed.
    """
    effect = effect_over_seeds(evaluations)
    return [
        *_chance(effect),
        *_labels(diagnosed),
        *_families(diagnosed),
        *_values(diagnosed),
        *_aim(diagnosed),
        *_size(effect, diagnosed),
        *_accident(diagnosed, repair),
        *_seeds(evaluations),
    ]


def own_candidate(diagnosed: DiagnosedVariant) -> CandidateSummary | None:
    """The candidate that became the verdict.

    None where the verdict came from elsewhere, as an attack's does.
    """
    own = in_short(diagnosed.diagnosis.verdict)
    return next((c for c in diagnosed.diagnosis.candidates if in_short(c) == own), None)


def _chance(effect: EffectOverSeeds) -> list[Alternative]:
    change = effect.comparison
    number = f"{points_with_interval(change.difference, sign=True)} points ({effect.measured_on})"
    if change.differs:
        p = "" if change.p_value is None else f"; McNemar p {p_cell(change.p_value)}"
        return [Alternative("Accuracy moved by chance alone", number + p, True)]
    if change.equivalent:
        return [
            Alternative(f"There is a change of {100 * change.margin:g} points or more, and it was missed", number, True)
        ]
    return [Alternative("Accuracy moved by chance alone, or not at all", number, False)]


def _labels(diagnosed: DiagnosedVariant) -> list[Alternative]:
    if diagnosed.change is None or diagnosed.group == "sample":
        return []
    alike = diagnosed.change.labels_alike
    number = f"{percent(alike, 1)} of labels are those of clean"
    return [Alternative("The labels changed, not the images", number, alike == 1)]


def _families(diagnosed: DiagnosedVariant) -> list[Alternative]:
    """The nearest other candidates of the search.

    They are judged by what each leaves of the change on images it was not fitted to.
    """
    verdict, own = diagnosed.diagnosis.verdict, own_candidate(diagnosed)
    rivals: dict[str, CandidateSummary] = {}
    for candidate in diagnosed.diagnosis.candidates:
        name = in_short(candidate)
        if name != in_short(verdict) and len(rivals) < RIVALS:
            rivals.setdefault(name, candidate)
    rows = []
    for name, rival in rivals.items():
        number = f"leaves {percent(rival.misfit)} of the change unexplained"
        if own is not None:
            number += f", the verdict {percent(own.misfit)}"
        if own is not None and verdict.family != "unknown":
            worse = rival.misfit > max(own.misfit + AS_GOOD, 1.25 * own.misfit)
        else:
            worse = rival.misfit > rival.limit
        rows.append(Alternative(f"It is {name}", number, worse and rival.family not in verdict.equivalent))
    return rows


def _values(diagnosed: DiagnosedVariant) -> list[Alternative]:
    if diagnosed.change is None or diagnosed.group != "rearrangement":
        return []
    same = diagnosed.change.same_values
    number = f"{percent(same, 1)} of images have, sorted, exactly the pixel values that they had"
    return [Alternative("Pixels changed their values, not only their places", number, same > 0.999)]


def _aim(diagnosed: DiagnosedVariant) -> list[Alternative]:
    """Whether a change that is no attack follows the model's gradient.

    It is asked only where something changed.
    """
    aim = next((m for m in diagnosed.diagnosis.mechanisms if m.name == "adds_up"), None)
    if diagnosed.is_attack or aim is None or diagnosed.controls is None:
        return []
    agreement = aim.numbers["agreement"]
    if not isinstance(agreement, dict):
        return []
    number = (
        f"agreement with the model's gradient {agreement['shifted']:.2f}, shuffled over the image "
        f"{agreement['shuffled']:.2f} (an attack's is 1)"
    )
    return [Alternative("It was aimed at this model", number, not aim.present)]


def _size(effect: EffectOverSeeds, diagnosed: DiagnosedVariant) -> list[Alternative]:
    """Whether any change as large would do: controls of the same size."""
    controls, accuracy = diagnosed.controls, diagnosed.diagnosis.accuracy
    if controls is None or effect.effect != "harmed":
        return []
    beside = f"variant {percent(accuracy.shifted, 1)}" if accuracy else ""
    return [
        Alternative(
            explanation,
            f"{description}: {percent_with_interval(control.accuracy, 1)}; {beside}",
            control.minus_control.high < 0,
        )
        for explanation, description, control in (
            (
                "Any change of this size does as much harm",
                "each change shuffled over its image",
                controls.shuffled,
            ),
            (
                "The same changes do as much harm to other images",
                "each image with the change of another",
                controls.transplanted,
            ),
        )
    ]


def _accident(diagnosed: DiagnosedVariant, repair: Repair) -> list[Alternative]:
    """Whether other images show the same.

    The verdict's shift is fitted to each half by itself, and made on images that the diagnosis did not see.
    """
    own, rows = in_short(diagnosed.diagnosis.verdict), []
    families = [in_short(half.verdict) for half in repair.halves]
    if families:
        number = f"fitted to each half by itself: {' and '.join(families)}"
        rows.append(Alternative("The verdict is an accident of these images", number, set(families) == {own}, True))
    others = diagnosed.reaches
    if others is not None:
        number = (
            f"{others.images:,} images that were not looked at: accuracy {percent(others.accuracy, 1)}, made again "
            f"{percent(others.remade, 1)}"
        )
        alike = abs(others.accuracy - others.remade) < OFF
        rows.append(Alternative("It does not do the same on other images", number, alike))
    return rows


def _seeds(evaluations: Sequence[Evaluation]) -> list[Alternative]:
    others = [evaluation.accuracy.estimate for evaluation in evaluations[1:]]
    if not others:
        return []
    effects = {evaluation.comparison.effect for evaluation in evaluations if evaluation.comparison}
    number = (
        f"{len(others)} other seeds: {percent(min(others), 1)} to {percent(max(others), 1)}; "
        f"first {percent_with_interval(evaluations[0].accuracy)}"
    )
    return [Alternative("It is a peculiarity of one trained model", number, len(effects) == 1)]
