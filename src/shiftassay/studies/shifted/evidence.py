"""Sentences on how a verdict is known, why it harms, and what makes it doubtful.

They stand on the variant's page.
"""

from collections.abc import Sequence

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms.matched import without_harmless_control
from shiftassay.diagnosis.proof import Check, beyond_chance
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.wording import unexplained_in_words
from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Effect
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.alternatives import Alternative, own_candidate, residual
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.lists import listed
from shiftassay.words.numbers import percent, to_interval

REASONS = 3
DOUBTFUL = 0.9  # confidence below which a verdict is called doubtful
WHY: dict[Effect, str] = {"harmed": "Why it harms", "slightly harmed": "Why it harms so little"}
MUCH = 0.1  # of the change: what a verdict may leave unexplained without a word on it


def evidence(diagnosed: DiagnosedVariant) -> list[str]:
    """How the verdict is known: made again, undone, and on images that it was not fitted to."""
    verdict, candidates = diagnosed.diagnosis.verdict, diagnosed.diagnosis.candidates
    if verdict.family == "unknown":
        return _nearest(candidates[0]) if candidates else []
    if verdict.family == "identity" and diagnosed.change is not None:
        largest = diagnosed.change.linf[2]
        return [f"Evidence: the images are those of clean, up to rounding (pixels differ by at most {largest:.2g})."]
    sentences = []
    own = own_candidate(diagnosed)
    if own is not None and own.unexplained is not None:
        sentences.append(
            f"The shift is made again on clean images that it was not fitted to; {percent(own.misfit)} of the change "
            "stays unexplained."
        )
    sentences += _accuracies(diagnosed)
    adversarial = diagnosed.diagnosis.adversarial
    if diagnosed.is_attack and adversarial:
        sentences.append(adversarial.sentence)
    ends = _parameter_intervals(diagnosed)
    if ends:
        sentences.append(f"{percent(verdict.level, 0)} intervals: {listed(ends)}.")
    return [f"Evidence: {' '.join(sentences)}"] if sentences else []


def why(effect: EffectOverSeeds, diagnosed: DiagnosedVariant) -> list[str]:
    """The mechanisms that were found at work."""
    mechanisms = diagnosed.diagnosis.mechanisms
    if diagnosed.family == "identity" or not mechanisms:
        return []
    start = WHY.get(effect.effect, "What it does")
    present = [mechanism for mechanism in mechanisms if mechanism.explains][:REASONS]
    if not present:
        return [f"{start} is not known: {len(mechanisms)} mechanisms were measured, and none passes its test."]
    sentences = [mechanism.sentence for mechanism in present] + without_harmless_control(present)
    return [f"{start}: {' '.join(sentences)}"]


def theory(diagnosed: DiagnosedVariant, ceiling: Ceiling | None) -> list[str]:
    """What can be proved of the shift, and what was measured of a network that is nearly linear.

    Not what its ceiling says already.
    """
    proved = None if diagnosed.shift is None or (ceiling and ceiling.proof) else diagnosed.shift.theory
    linear = [m.sentence for m in diagnosed.diagnosis.mechanisms if m.name == "first_order" and m.present]
    return [f"Theory: {' '.join([proved, *linear])}"] if proved else []


def doubts(diagnosed: DiagnosedVariant, others: Sequence[Alternative]) -> list[str]:
    """What makes the claim itself doubtful."""
    diagnosis = diagnosed.diagnosis
    verdict, reasons = diagnosis.verdict, []
    if verdict.confidence < DOUBTFUL:
        reasons.append(f"family and scope are right with a probability of only {verdict.confidence:.2f}")
    own = own_candidate(diagnosed)
    if own is not None and own.unexplained is not None and own.misfit > MUCH and verdict.family != "unknown":
        reasons.append(f"{percent(own.misfit)} of the change stays unexplained")
    reasons += [
        f"made again, the shift leads to other mistakes (right or wrong alike on {percent(check.value)} of images; two "
        f"remakes agree on {percent(check.null)})"
        for check in diagnosis.proof
        if not check.passed and _beyond_chance(diagnosed, check)
    ]
    if diagnosis.pairing.kind == "unpaired":
        reasons.append("no image has a partner in clean, so images could not be compared one by one")
    reasons += [other.number for other in others if other.doubts_verdict and other.is_open]
    if verdict.equivalent:
        reasons.append(f"{listed(verdict.equivalent)} would explain it as well")
    return reasons


def _nearest(nearest: CandidateSummary) -> list[str]:
    evidence = (
        f"Evidence: the nearest family, {in_short(nearest)}, leaves {residual(nearest)} unexplained on images that it "
        "was not fitted to."
    )
    if nearest.limit is None:
        return [evidence]
    limit = unexplained_in_words(nearest.limit, nearest.unexplained is not None)
    return [f"{evidence} If it were the right one, it would leave at most {limit}."]


def _accuracies(diagnosed: DiagnosedVariant) -> list[str]:
    """The model's accuracy on the remake, and on the variant with the shift undone."""
    accuracy = diagnosed.diagnosis.accuracy
    if accuracy is None:
        return []
    sentences = []
    if accuracy.reproduced is not None:
        sentences.append(
            f"Accuracy is {percent(accuracy.shifted, 1)} on the variant and {percent(accuracy.reproduced, 1)} on the "
            "shift made again."
        )
        check = next((c for c in diagnosed.diagnosis.proof if c.check == "same mistakes"), None)
        if check is not None and _beyond_chance(diagnosed, check):
            sentences.append(
                f"Both are right or wrong alike on {percent(check.value)} of images; two remakes agree on "
                f"{percent(check.null)}."
            )
    clean = f"clean {percent(accuracy.reference, 1)}"
    if accuracy.restored_blind is not None:
        sentences.append(f"With the shift undone it is {percent(accuracy.restored_blind, 1)} ({clean}).")
    elif accuracy.restored_with_partner is not None:
        sentences.append(
            f"With the shift undone it is {percent(accuracy.restored_with_partner, 1)} ({clean}). What each image drew "
            "was read off its clean partner, so this supports the verdict and is no repair."
        )
    return sentences


def _beyond_chance(diagnosed: DiagnosedVariant, check: Check) -> bool:
    diagnosis = diagnosed.diagnosis
    right = diagnosis.accuracy.reproduced if diagnosis.accuracy else None
    return right is None or beyond_chance(check, right, diagnosis.images.remade)


def _parameter_intervals(diagnosed: DiagnosedVariant) -> list[str]:
    intervals = diagnosed.diagnosis.verdict.intervals
    return [
        f"{name} {' to '.join(to_interval([low, high], low, high))}"
        for part in intervals.get("parts", [intervals])
        for name, (low, high) in part.items()
        if isinstance(low, int | float) and low != high
    ]
