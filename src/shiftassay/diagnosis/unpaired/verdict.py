"""The verdict where no image has a partner: from how far the portraits of remade and shifted set are apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shiftassay.cores import one_thread_each
from shiftassay.diagnosis.paired.canonical import canonical
from shiftassay.diagnosis.unpaired.candidates import Candidate, estimate_unpaired
from shiftassay.diagnosis.unpaired.permuted import unidentified
from shiftassay.diagnosis.verdict import Verdict, described
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.families.rearrangement import PixelPermutation

TOLERATED = 2.5  # times the null, from which on nothing in the catalogue fits
LEVEL = 0.95


@one_thread_each()
def unpaired_verdict(
    before: ImageSet, after: ImageSet, families: Sequence[str], seed: int, shared: int = 0
) -> tuple[Verdict, tuple[Mapping[str, Any], ...], str]:
    """The verdict, the candidates as JSON, and a sentence. Parameters come without intervals: sampling error is not followed through.

    `shared` images are in both sets and were left out of these.
    """
    named = [*families, *(["class_prior"] if before.labels is not None else [])]
    found = estimate_unpaired(before, after, named, seed)
    best = found[0]
    excess = best.misfit / max(best.null, 1e-9)
    margin = min((c.cost for c in found[1:] if c.shift.family != best.shift.family), default=best.cost + 2) - best.cost
    listed = tuple(_listed(c) for c in found)
    beside = f"its portrait is {best.misfit:.1f} sampling errors from the shifted set's, halves of the reference are up to {best.null:.1f} apart"
    opening = "The sets share no images"
    if shared:
        opening = f"Without the {shared:,} images that are in both, the sets share none"
    if excess > TOLERATED:
        confidence = float(1 / (1 + np.exp(-(0.5 + np.log(excess / TOLERATED)))))
        said = f"{opening}, and nothing in the catalogue makes one like the other. Nearest is {canonical(best.shift)}: {beside}."
        return Verdict(None, {}, {}, 1.0, confidence), listed, said
    how = canonical(best.shift)
    confidence = float(1 / (1 + np.exp(-(0.5 + min(margin, 3.0) + np.log(TOLERATED / max(excess, 0.5))))))
    parameters = described(how)
    if isinstance(how, PixelPermutation):
        parameters["unidentified"] = unidentified(after.images)
    rivals = [
        canonical(c.shift).family
        for c in found[1:]
        if c.misfit <= max(best.misfit, best.null) and c.shift.family != how.family
    ]
    said = f"{opening}. {str(how)[0].upper()}{str(how)[1:]}: {beside}."
    return Verdict(how, parameters, {}, 1.0, confidence, tuple(dict.fromkeys(rivals)), LEVEL), listed, said


def _listed(candidate: Candidate) -> Mapping[str, Any]:
    how = canonical(candidate.shift)
    return {
        "family": how.family,
        "parameters": described(how),
        "scope": how.to_json()["scope"],
        "score": float(min(1.0, candidate.null / max(candidate.misfit, 1e-9))),
        "misfit": candidate.misfit,
        "limit": TOLERATED * candidate.null,
    }
