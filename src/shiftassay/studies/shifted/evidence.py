"""Sentences on how a verdict is known, why it harms, and what makes it doubtful.

They stand on the variant's page.
"""

from collections.abc import Sequence

from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Effect
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.alternatives import Alternative, own_candidate
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
        return [f"Evidence: no pixel of any image differs by more than rounding (at most {largest:.2g})."]
    clauses = []
    own = own_candidate(diagnosed)
    if own is not None:
        clauses.append(
            "made again from clean, on images that it was not fitted to, it leaves "
            f"{percent(own.misfit)} of the change unexplained"
        )
    clauses += _accuracies(diagnosed)
    adversarial = diagnosed.diagnosis.adversarial
    if diagnosed.is_attack and adversarial:
        sentence = adversarial.sentence
        clauses.append(sentence[0].lower() + sentence[1:].removesuffix("."))
    ends = _parameter_intervals(diagnosed)
    if ends:
        clauses.append(f"{percent(verdict.level, 0)} of such intervals hold the truth: {listed(ends)}")
    return [f"Evidence: {'; '.join(clauses)}."] if clauses else []


def why(effect: EffectOverSeeds, diagnosed: DiagnosedVariant) -> list[str]:
    """The mechanisms that were found at work."""
    mechanisms = diagnosed.diagnosis.mechanisms
    if diagnosed.family == "identity" or not mechanisms:
        return []
    start = WHY.get(effect.effect, "What it does")
    present = [mechanism.sentence for mechanism in mechanisms if mechanism.present]
    if not present:
        return [f"{start} is not known: none of {len(mechanisms)} mechanisms that were measured passes its test."]
    return [f"{start}: {' '.join(present[:REASONS])}"]


def doubts(diagnosed: DiagnosedVariant, others: Sequence[Alternative]) -> list[str]:
    """What makes the claim itself doubtful."""
    diagnosis = diagnosed.diagnosis
    verdict, reasons = diagnosis.verdict, []
    if verdict.confidence < DOUBTFUL:
        reasons.append(f"the probability that family and scope are right is only {verdict.confidence:.2f}")
    own = own_candidate(diagnosed)
    if own is not None and own.misfit > MUCH and verdict.family != "unknown":
        reasons.append(f"{percent(own.misfit)} of the change stay unexplained")
    reasons += [
        f"the remake does not make the same mistakes ({percent(check.value)} alike, two remakes {percent(check.null)})"
        for check in diagnosis.proof
        if not check.passed
    ]
    if diagnosis.pairing.kind == "unpaired":
        reasons.append("its images have no partners in clean, so nothing could be compared image by image")
    reasons += [other.number for other in others if other.doubts_verdict and not other.ruled_out]
    if verdict.equivalent:
        reasons.append(f"{listed(verdict.equivalent)} would explain it as well")
    return reasons


def _nearest(nearest: CandidateSummary) -> list[str]:
    return [
        f"Evidence: the nearest family, {in_short(nearest)}, leaves {percent(nearest.misfit)} of the change "
        f"unexplained on images that it was not fitted to; of such a shift {percent(nearest.limit)} would pass."
    ]


def _accuracies(diagnosed: DiagnosedVariant) -> list[str]:
    """The model's accuracy on the remake, and on the variant undone."""
    accuracy = diagnosed.diagnosis.accuracy
    if accuracy is None:
        return []
    clauses = []
    if accuracy.reproduced is not None:
        check = next((c for c in diagnosed.diagnosis.proof if c.check == "same mistakes"), None)
        alike = (
            f", right or wrong on the same {percent(check.value)} of images (two remakes agree on "
            f"{percent(check.null)})"
            if check
            else ""
        )
        clauses.append(
            f"the model has {percent(accuracy.shifted, 1)} on it and {percent(accuracy.reproduced, 1)} on the "
            f"remake{alike}"
        )
    if accuracy.restored_blind is not None:
        clauses.append(
            f"undone without looking at clean images it has {percent(accuracy.restored_blind, 1)} "
            f"(clean {percent(accuracy.reference, 1)})"
        )
    elif accuracy.restored_with_partner is not None:
        clauses.append(
            "undone, told what each image drew by its clean partner, it has "
            f"{percent(accuracy.restored_with_partner, 1)} (clean {percent(accuracy.reference, 1)}), which proves the "
            "verdict but is no repair"
        )
    return clauses


def _parameter_intervals(diagnosed: DiagnosedVariant) -> list[str]:
    intervals = diagnosed.diagnosis.verdict.intervals
    return [
        f"{name} {' to '.join(to_interval([low, high], low, high))}"
        for part in intervals.get("parts", [intervals])
        for name, (low, high) in part.items()
        if isinstance(low, int | float) and low != high
    ]
