"""The verdict where no image has a partner.

The shift whose remake has the summary statistics of the shifted set.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shiftassay.diagnosis.evidence import EVEN_ODDS, LARGEST_LEAD, Evidence
from shiftassay.diagnosis.paired.complexity import complexity_penalty
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.unpaired.candidates import UnpairedCandidate, estimate_unpaired
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.progress import Watch, unwatched
from shiftassay.shifts.compose import in_normal_form


class UnpairedVerdict(NamedTuple):
    """A verdict, the candidates, best first, and a sentence.

    It says how far the best is from the shifted set.
    """

    verdict: Verdict
    candidates: tuple[CandidateSummary, ...]
    sentence: str


@one_thread_each()
def unpaired_verdict(
    reference: ImageSet,
    shifted: ImageSet,
    families: Sequence[str],
    seed: int,
    shared: int = 0,
    watch: Watch = unwatched,
) -> UnpairedVerdict:
    """The verdict on sets that share no images.

    Its parameters have no intervals: sampling error is not propagated. `shared` images are in both sets and were left
    out of these.
    """
    tried = [*families, *(["class_prior"] if reference.labels is not None else [])]
    candidates = estimate_unpaired(reference, shifted, tried, seed, watch=watch)
    best = candidates[0]
    shift = in_normal_form(best.shift)
    summaries = tuple(map(_summary, candidates))
    opening = "The sets share no images"
    if shared:
        opening = f"Without the {shared:,} images that are in both, the sets share none"
    fits, limit = best.fit is not None and best.fit.fits, None if best.fit is None else best.fit.limit
    distance = f"its summary statistics are {best.misfit:.1f} sampling errors from the shifted set's"
    if limit is not None:
        distance += f", where up to {limit:.1f} are by chance"
    evidence = unpaired_evidence(reference, shifted, candidates)
    confidence = evidence.confidence(known=True)
    if not (fits and (confidence >= EVEN_ODDS or _leaves_images_alone(best))):
        unknown = 1 - confidence if fits else evidence.confidence(known=False)
        sentence = f"{opening}, and nothing in the catalogue makes one like the other. Nearest is {shift}: {distance}."
        return UnpairedVerdict(Verdict(None, {}, {}, 1.0, unknown, evidence=evidence), summaries, sentence)
    shift = shift.settle_unpaired(reference.images, shifted.images)
    parameters = parameters_of(shift)
    equivalent = dict.fromkeys(
        in_normal_form(c.shift).family
        for c in candidates[1:]
        if c.misfit <= max(best.misfit, best.by_chance) and c.shift.family != shift.family
    )
    sentence = f"{opening}. {str(shift)[0].upper()}{str(shift)[1:]}: {distance}."
    verdict = Verdict(shift, parameters, {}, 1.0, confidence, tuple(equivalent), evidence=evidence)
    return UnpairedVerdict(verdict, summaries, sentence)


def unpaired_evidence(reference: ImageSet, shifted: ImageSet, candidates: Sequence[UnpairedCandidate]) -> Evidence:
    """The evidence for the first of the candidates."""
    best = candidates[0]
    return Evidence(
        "unpaired",
        best.misfit,
        None if best.fit is None else best.fit.limit,
        _lead(candidates),
        min(len(reference), len(shifted)),
        len(best.shift.components) - best.shift.is_identity,
    )


def _lead(candidates: Sequence[UnpairedCandidate]) -> float:
    """By how much the best candidate costs less than the best of another family.

    The identity, and a shift that changes nothing here, is no rival of itself, nor of what labels show; and shares of
    classes that labels show are not free to be chosen.
    """
    best = candidates[0]
    rivals = [c for c in candidates[1:] if c.shift.family != best.shift.family]
    own = best.cost
    if _leaves_images_alone(best):
        unchanged = {c.misfit for c in candidates if c.shift.is_identity}
        rivals = [c for c in rivals if c.misfit not in unchanged]
        own -= complexity_penalty(best.shift)
    return min((c.cost for c in rivals), default=own + LARGEST_LEAD) - own


def _leaves_images_alone(best: UnpairedCandidate) -> bool:
    """Whether it is the identity, or other shares of the classes.

    One that fits is named whatever its confidence: the images of both sets differ by no more than chance.
    """
    return best.shift.is_identity or best.shift.group == "sample"


def _summary(candidate: UnpairedCandidate) -> CandidateSummary:
    summary = summarized(in_normal_form(candidate.shift))
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=float(min(1.0, candidate.by_chance / max(candidate.misfit, 1e-9))),
        misfit=candidate.misfit,
        limit=None if candidate.fit is None else candidate.fit.limit,
    )
