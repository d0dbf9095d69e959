"""The verdict where no image has a partner: from how far the summary statistics of remade and shifted set are apart."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.unpaired.candidates import UnpairedCandidate, estimate_unpaired
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.compose import in_normal_form


@one_thread_each()
def unpaired_verdict(
    before: ImageSet, after: ImageSet, families: Sequence[str], seed: int, shared: int = 0
) -> tuple[Verdict, tuple[CandidateSummary, ...], str]:
    """The verdict, the candidates, and a sentence. Parameters come without intervals: sampling error is not followed through.

    `shared` images are in both sets and were left out of these.
    """
    named = [*families, *(["class_prior"] if before.labels is not None else [])]
    found = estimate_unpaired(before, after, named, seed)
    best = found[0]
    excess = best.misfit / max(best.null, 1e-9)
    margin = (
        min(
            (c.cost for c in found[1:] if c.shift.family != best.shift.family),
            default=best.cost + thresholds.UNPAIRED_NO_RIVAL,
        )
        - best.cost
    )
    listed = tuple(_listed(c) for c in found)
    beside = f"its summary statistics are {best.misfit:.1f} sampling errors from the shifted set's, halves of the reference are up to {best.null:.1f} apart"
    opening = "The sets share no images"
    if shared:
        opening = f"Without the {shared:,} images that are in both, the sets share none"
    if excess > thresholds.UNPAIRED_MISFIT:
        confidence = float(1 / (1 + np.exp(-(thresholds.UNPAIRED_LOGIT + np.log(excess / thresholds.UNPAIRED_MISFIT)))))
        said = f"{opening}, and nothing in the catalogue makes one like the other. Nearest is {in_normal_form(best.shift)}: {beside}."
        return Verdict(None, {}, {}, 1.0, confidence), listed, said
    how = in_normal_form(best.shift)
    confidence = float(
        1
        / (
            1
            + np.exp(
                -(
                    thresholds.UNPAIRED_LOGIT
                    + min(margin, thresholds.LARGEST_MARGIN)
                    + np.log(thresholds.UNPAIRED_MISFIT / max(excess, 0.5))
                )
            )
        )
    )
    parameters = parameters_of(how)
    if (hidden := how.unidentified(after.images)) is not None:
        parameters["unidentified"] = hidden
    rivals = [
        in_normal_form(c.shift).family
        for c in found[1:]
        if c.misfit <= max(best.misfit, best.null) and c.shift.family != how.family
    ]
    said = f"{opening}. {str(how)[0].upper()}{str(how)[1:]}: {beside}."
    return Verdict(how, parameters, {}, 1.0, confidence, tuple(dict.fromkeys(rivals)), thresholds.LEVEL), listed, said


def _listed(candidate: UnpairedCandidate) -> CandidateSummary:
    summary = summarized(in_normal_form(candidate.shift))
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=float(min(1.0, candidate.null / max(candidate.misfit, 1e-9))),
        misfit=candidate.misfit,
        limit=thresholds.UNPAIRED_MISFIT * candidate.null,
    )
