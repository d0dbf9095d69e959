"""Other explanations of what a variant does, and the number that rules each out, or does not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.wording import unexplained_in_words
from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds
from shiftassay.evaluation.evaluate import ALPHA, Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import Repair
from shiftassay.shifts.wording import in_short
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import p_value_at
from shiftassay.statistics.paired import equivalence, lower_by_more
from shiftassay.studies.shifted.diagnosed_variant import Control, DiagnosedVariant
from shiftassay.words.numbers import percent, percent_with_interval, points_with_interval

AS_GOOD = 0.01  # of the change: within this of the verdict, another family explains as much
RIVALS = 3


@dataclass(frozen=True)
class Alternative(Record):
    """Another explanation, what was measured of it, and whether that rules it out.

    `p_value` is that of the test against it, corrected for all tests of the variant (Holm 1979); None where a count
    decides. Without `evidence` the number decides nothing: accuracy is at chance either way. `doubts_verdict`: if it is
    not ruled out, the verdict itself is doubtful.
    """

    explanation: str
    number: str
    ruled_out: bool
    doubts_verdict: bool = False
    p_value: float | None = None
    evidence: bool = True

    @property
    def is_open(self) -> bool:
        return self.evidence and not self.ruled_out


def alternatives(evaluations: Sequence[Evaluation], diagnosed: DiagnosedVariant, repair: Repair) -> list[Alternative]:
    """Other explanations of a variant: open ones first, those without evidence last.

    There is one evaluation for each seed.
    """
    effect = effect_over_seeds(evaluations)
    asked = _corrected(
        [
            *_chance(effect),
            *_labels(diagnosed),
            *_families(diagnosed),
            *_values(diagnosed),
            *_aim(diagnosed),
            *_size(effect, diagnosed),
            *_mechanisms(diagnosed),
            *_accident(diagnosed, repair),
            *_seeds(evaluations),
        ]
    )
    return sorted(asked, key=lambda other: (not other.evidence, other.ruled_out))


def own_candidate(diagnosed: DiagnosedVariant) -> CandidateSummary | None:
    """The candidate that became the verdict.

    None where the verdict came from elsewhere, as an attack's does.
    """
    own = in_short(diagnosed.diagnosis.verdict)
    return next((c for c in diagnosed.diagnosis.candidates if in_short(c) == own), None)


def residual(candidate: CandidateSummary) -> str:
    """What a candidate leaves: a share of the change or, without partners, sampling errors."""
    paired = candidate.unexplained is not None
    return unexplained_in_words(candidate.misfit, paired) + (" of the change" if paired else "")


def _corrected(asked: Sequence[Alternative]) -> list[Alternative]:
    """With p-values for all tests together, and what is then ruled out."""
    corrected = iter(holm([other.p_value for other in asked if other.p_value is not None]))
    return [
        other if other.p_value is None else replace(other, p_value=(p := next(corrected)), ruled_out=p < ALPHA)
        for other in asked
    ]


def _tested(explanation: str, number: str, p_value: float) -> Alternative:
    return Alternative(explanation, number, p_value < ALPHA, p_value=p_value)


def _chance(effect: EffectOverSeeds) -> list[Alternative]:
    """That nothing changed; where nothing is shown to have changed, that something did."""
    change, degrees = effect.comparison, float(effect.seeds - 1) or inf
    number = f"{points_with_interval(change.difference, sign=True)} points ({effect.measured_on})"
    if effect.effect == "not shown to change" and change.equivalent:
        ends = (p_value_at(change.difference, end, degrees) / 2 for end in (-change.margin, change.margin))
        p = max(ends) if change.equivalence_p is None else change.equivalence_p
        return [_tested(f"Accuracy changed by {100 * change.margin:g} points or more", number, p)]
    p = p_value_at(change.difference, 0.0, degrees) if change.p_value is None else change.p_value
    return [_tested("Accuracy changed by chance alone", number, p)]


def _labels(diagnosed: DiagnosedVariant) -> list[Alternative]:
    if diagnosed.change is None or diagnosed.group == "sample":
        return []
    alike = diagnosed.change.labels_alike
    number = f"{percent(alike, 1)} of labels are those of clean"
    return [Alternative("The labels changed, not the images", number, alike == 1)]


def _families(diagnosed: DiagnosedVariant) -> list[Alternative]:
    """The nearest other families, unless they explain hardly more than doing nothing.

    They are judged by what each leaves of the change on images it was not fitted to. A margin decides, no test: what
    each image contributes is not kept.
    """
    verdict, own = diagnosed.diagnosis.verdict, own_candidate(diagnosed)
    rivals: dict[str, CandidateSummary] = {}
    for candidate in diagnosed.diagnosis.candidates:
        name, paired = in_short(candidate), candidate.unexplained is not None
        real = not paired or candidate.misfit < SETTINGS.first_part
        if name != in_short(verdict) and real and len(rivals) < RIVALS:
            rivals.setdefault(name, candidate)
    rows = []
    for name, rival in rivals.items():
        number = f"leaves {residual(rival)}"
        if own is not None:
            number += f", the verdict {residual(own)}"
        if own is not None and verdict.family != "unknown":
            worse = rival.misfit > max(own.misfit + AS_GOOD, 1.25 * own.misfit)
        else:
            worse = rival.limit is None or rival.misfit > rival.limit
        rows.append(Alternative(f"It is {name}", number, worse and rival.family not in verdict.equivalent))
    return rows


def _values(diagnosed: DiagnosedVariant) -> list[Alternative]:
    if diagnosed.change is None or diagnosed.group != "rearrangement":
        return []
    same = diagnosed.change.same_values
    number = f"{percent(same, 1)} of images have the same pixel values as before, in another order"
    return [Alternative("Pixels changed their values, not only their places", number, same > 0.999)]


def _aim(diagnosed: DiagnosedVariant) -> list[Alternative]:
    """Whether a small change that is no attack follows the model's gradient."""
    aim = next((m for m in diagnosed.diagnosis.mechanisms if m.name == "adds_up"), None)
    small = diagnosed.change is not None and 0 < diagnosed.change.linf[1] <= thresholds.LARGEST_CHANGE
    if diagnosed.is_attack or aim is None or not small:
        return []
    agreement = aim.numbers["agreement"]
    if not isinstance(agreement, dict):
        return []
    number = (
        f"agreement with the model's gradient {agreement['shifted']:.2f}, shuffled over the image "
        f"{agreement['shuffled']:.2f} (an attack's is near 1)"
    )
    return [Alternative("It was aimed at this model", number, not aim.present)]


def _size(effect: EffectOverSeeds, diagnosed: DiagnosedVariant) -> list[Alternative]:
    """Whether any change as large would do: controls of the same size."""
    controls = diagnosed.controls
    if controls is None or effect.effect != "harmed":
        return []
    named = (
        ("Any change of this size does as much harm", "each change shuffled over its image", controls.shuffled),
        ("The change of any image does as much harm", "each image with the change of another", controls.transplanted),
    )
    return [_control(explanation, what, control, diagnosed) for explanation, what, control in named]


def _control(explanation: str, what: str, control: Control, diagnosed: DiagnosedVariant) -> Alternative:
    """Ruled out where the control is shown to do less than four fifths of the harm."""
    measured = diagnosed.diagnosis.accuracy
    variant = control.accuracy.estimate + control.minus_control.estimate
    number = f"{what}: {percent_with_interval(control.accuracy, 1)}; variant {percent(variant, 1)}"
    if diagnosed.at_chance(variant) and diagnosed.at_chance(control.accuracy.estimate):
        return Alternative(explanation, f"{number}: both at chance", False, evidence=False)
    margin = thresholds.HARMLESS * max(measured.reference - variant, 0.0) if measured else 0.0
    p = lower_by_more(control.gained, control.lost, control.images, margin)
    return _tested(explanation, f"{number} of {control.images:,} images", p)


def _mechanisms(diagnosed: DiagnosedVariant) -> list[Alternative]:
    """Reasons that pass their own test, and that a harmless change of the same size has as well."""
    return [
        Alternative(f"It harms because {m.brief}", m.sentence.removesuffix("."), True)
        for m in diagnosed.diagnosis.mechanisms
        if m.control is not None and m.control.refutes
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
        explanation = "Its effect on other images is another one"
        number = (
            f"{others.images:,} images that were not diagnosed: accuracy {percent(others.accuracy, 1)}, made again "
            f"from clean {percent(others.remade, 1)}"
        )
        if diagnosed.at_chance(others.accuracy) and diagnosed.at_chance(others.remade):
            rows.append(Alternative(explanation, f"{number}: both at chance", False, evidence=False))
        else:
            p = equivalence(others.gained, others.lost, others.images, thresholds.ACCURACY_DROP)
            rows.append(_tested(explanation, number, p))
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
