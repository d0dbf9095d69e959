"""The verdict where no image has a partner.

The shift whose remake has the summary statistics of the shifted set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.unpaired.candidates import UnpairedCandidate, estimate_unpaired
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.compose import in_normal_form

BEST_EXCESS = 0.5  # misfit over null, below which a fit counts as no better


class UnpairedVerdict(NamedTuple):
    """A verdict, the candidates, best first, and a sentence.

    It says how far the best is from the shifted set.
    """

    verdict: Verdict
    candidates: tuple[CandidateSummary, ...]
    sentence: str


@one_thread_each()
def unpaired_verdict(
    reference: ImageSet, shifted: ImageSet, families: Sequence[str], seed: int, shared: int = 0
) -> UnpairedVerdict:
    """The verdict on sets that share no images.

    Its parameters have no intervals: sampling error is not propagated. `shared` images are in both sets and were left
    out of these.
    """
    tried = [*families, *(["class_prior"] if reference.labels is not None else [])]
    candidates = estimate_unpaired(reference, shifted, tried, seed)
    best = candidates[0]
    shift = in_normal_form(best.shift)
    summaries = tuple(map(_summary, candidates))
    opening = "The sets share no images"
    if shared:
        opening = f"Without the {shared:,} images that are in both, the sets share none"
    distance = (
        f"its summary statistics are {best.misfit:.1f} sampling errors from the shifted set's, halves of the reference "
        f"are up to {best.null:.1f} apart"
    )
    excess = best.misfit / max(best.null, 1e-9)
    if excess > thresholds.UNPAIRED_MISFIT:
        confidence = _logistic(thresholds.UNPAIRED_LOGIT + np.log(excess / thresholds.UNPAIRED_MISFIT))
        sentence = f"{opening}, and nothing in the catalogue makes one like the other. Nearest is {shift}: {distance}."
        return UnpairedVerdict(Verdict(None, {}, {}, 1.0, confidence), summaries, sentence)
    lead = min(_lead(candidates), thresholds.LARGEST_MARGIN)
    closeness = np.log(thresholds.UNPAIRED_MISFIT / max(excess, BEST_EXCESS))
    confidence = _logistic(thresholds.UNPAIRED_LOGIT + lead + closeness)
    shift = shift.settle_unpaired(reference.images, shifted.images)
    parameters = parameters_of(shift)
    equivalent = dict.fromkeys(
        in_normal_form(c.shift).family
        for c in candidates[1:]
        if c.misfit <= max(best.misfit, best.null) and c.shift.family != shift.family
    )
    sentence = f"{opening}. {str(shift)[0].upper()}{str(shift)[1:]}: {distance}."
    verdict = Verdict(shift, parameters, {}, 1.0, confidence, tuple(equivalent), thresholds.LEVEL)
    return UnpairedVerdict(verdict, summaries, sentence)


def _lead(candidates: Sequence[UnpairedCandidate]) -> float:
    """By how much the best candidate costs less than the best of another family."""
    best = candidates[0]
    rivals = (c.cost for c in candidates[1:] if c.shift.family != best.shift.family)
    return min(rivals, default=best.cost + thresholds.UNPAIRED_NO_RIVAL) - best.cost


def _logistic(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _summary(candidate: UnpairedCandidate) -> CandidateSummary:
    summary = summarized(in_normal_form(candidate.shift))
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=float(min(1.0, candidate.null / max(candidate.misfit, 1e-9))),
        misfit=candidate.misfit,
        limit=thresholds.UNPAIRED_MISFIT * candidate.null,
    )
