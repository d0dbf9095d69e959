"""The verdict of a search on images that have partners."""

from collections.abc import Sequence

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, fits, limit
from shiftassay.diagnosis.paired.confidence import confidence_of
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.refit import refitted
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs

FEW_EQUIVALENT = 5  # families that are named as equivalent, at most


@one_thread_each()
def paired_verdict(candidates: Sequence[Candidate], pairs: Pairs, share: float) -> Verdict:
    """The best of the candidates, fitted to more of the pairs.

    Unknown if it does not fit, or is a composition of confidence below one half; the confidence is then that of
    `unknown`. `share` is the fraction of all images that changed; `pairs` holds only those.
    """
    best = candidates[0]
    rivals = [c for c in candidates[1:] if _families(c) != _families(best) or c.shift.scope != best.shift.scope]
    confidence = confidence_of(best, rivals)
    if not fits(best) or (isinstance(best.shift, Compose) and confidence < thresholds.EVEN_ODDS):
        return Verdict(None, {}, {}, share, max(confidence, 1 - confidence))
    refit_pairs = pairs.first(SETTINGS.refitted_composition if isinstance(best.shift, Compose) else SETTINGS.refitted)
    resampling = best.remake.resampling
    shift = in_normal_form(refitted(in_normal_form(best.shift), refit_pairs, resampling))
    shift, ends = measured(shift, refit_pairs, resampling, thresholds.LEVEL)
    shift = shift.settle(pairs)
    parameters = parameters_of(shift, shift.infer_draws(pairs.first(SETTINGS.n_fit)))
    return Verdict(shift, parameters, ends, share, confidence, _equivalent(candidates))


def candidate_summary(candidate: Candidate) -> CandidateSummary:
    """A candidate for a reader."""
    summary, remake = summarized(in_normal_form(candidate.shift)), candidate.remake
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=max(0.0, 1 - remake.misfit),
        misfit=remake.misfit,
        limit=limit(candidate),
        unexplained=remake.unexplained,
        mismatch=remake.details,
    )


def _equivalent(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """The families whose weighted misfit is about the best one's or less; they need not fit.

    If the best is a composition, no other composition is named.
    """
    best = candidates[0]
    largest = best.weighted_misfit + thresholds.EQUIVALENT_MISFIT
    alike = [c for c in candidates[1:] if c.weighted_misfit <= largest and c.shift.family != best.shift.family]
    names = dict.fromkeys(_families(c) for c in alike if _families(c) != _families(best))
    return tuple(names)[:FEW_EQUIVALENT]


def _families(candidate: Candidate) -> str:
    """The families of a candidate's parts in order, such as `rotate + gain`."""
    return " + ".join(part.family for part in in_normal_form(candidate.shift).components)
