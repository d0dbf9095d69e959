"""The verdict of a search on images that have partners."""

from collections.abc import Sequence
from itertools import islice

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.evidence import EVEN_ODDS, LARGEST_LEAD, Evidence
from shiftassay.diagnosis.paired.candidate import Candidate, draws_what_is_predicted
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.noise_discrepancy import energy_of
from shiftassay.diagnosis.paired.refit import refitted
from shiftassay.diagnosis.paired.remake import ROUNDING
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.execution.threads import one_thread_each
from shiftassay.shifts.compose import Compose, in_normal_form, in_usual_form
from shiftassay.shifts.estimation.pairs import Pairs

CALIBRATED_PIXELS = 28 * 28  # of the images that confidence was fitted on
FEW_EQUIVALENT = 5  # families that are named as equivalent, at most


@one_thread_each()
def paired_verdict(candidates: Sequence[Candidate], pairs: Pairs, share: float) -> Verdict:
    """The best of the candidates, fitted to more of the pairs.

    Unknown if it does not fit, or is more probably wrong than right; the confidence is then that of `unknown`. `share`
    is the fraction of all images that changed; `pairs` holds only those.
    """
    best = candidates[0]
    ruled_out = [c for c in candidates[1:] if c.limit is not None and not c.fits]
    rivals = [
        c
        for c in candidates[1:]
        if c not in ruled_out
        and _kinds(c) != _kinds(best)
        and not _is_same_map(c, best)
        and not draws_what_is_predicted(c, best)
    ]
    evidence = Evidence(
        "paired",
        best.misfit,
        best.limit,
        min((rival.cost - best.cost for rival in rivals), default=LARGEST_LEAD),
        _small_images(pairs),
        len(best.shift.components),
        len(pairs),
    )
    confidence = evidence.confidence(known=True)
    if not best.fits or confidence < EVEN_ODDS:
        unknown = 1 - confidence if best.fits else evidence.confidence(known=False)
        return Verdict(None, {}, {}, share, unknown, evidence=evidence)
    count = SETTINGS.refitted_composition if isinstance(best.shift, Compose) else SETTINGS.refitted
    refit_pairs = pairs.first_affordable(count, SETTINGS.values_refitted, SETTINGS.fewest_large)
    resampling = best.remake.resampling
    shift = in_normal_form(refitted(in_normal_form(best.shift), refit_pairs, resampling))
    shift, ends = measured(shift, refit_pairs, resampling, thresholds.LEVEL)
    shift = in_usual_form(shift).settle(pairs)
    parameters = parameters_of(shift, shift.infer_draws(refit_pairs.first(SETTINGS.n_fit)))
    return Verdict(shift, parameters, ends, share, confidence, _equivalent(candidates), evidence=evidence)


def _small_images(pairs: Pairs) -> int:
    """How many images of the size that confidence was fitted on have as many pixels."""
    h, w = pairs.reference.shape[2:]
    return round(len(pairs) * max(1.0, h * w / CALIBRATED_PIXELS))


def summaries(candidates: Sequence[Candidate]) -> tuple[CandidateSummary, ...]:
    """The first candidates for a reader: of each set of families and scopes, the best."""
    first: dict[tuple[tuple[str, str], ...], Candidate] = {}
    for candidate in candidates:
        first.setdefault(tuple(_kinds(candidate)), candidate)
    return tuple(map(_summary, islice(first.values(), SETTINGS.listed)))


def _summary(candidate: Candidate) -> CandidateSummary:
    summary, remake = summarized(in_usual_form(in_normal_form(candidate.shift))), candidate.remake
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=max(0.0, 1 - remake.misfit),
        misfit=remake.misfit,
        limit=candidate.limit,
        unexplained=remake.unexplained,
        mismatch=remake.details,
    )


def _equivalent(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """The families that leave no more than the best one.

    Up to what implementations differ by. They need not fit.

    If the best is a composition, no other composition is named.
    """
    best = candidates[0]
    largest = best.misfit + best.task.tolerance
    alike = [c for c in candidates[1:] if c.misfit <= largest and c.shift.family != best.shift.family]
    names = dict.fromkeys(_families(c) for c in alike if _families(c) != _families(best))
    return tuple(names)[:FEW_EQUIVALENT]


def _families(candidate: Candidate) -> str:
    """The families of a candidate's parts in order, such as `rotate + gain`."""
    return " + ".join(part.family for part in in_normal_form(candidate.shift).components)


def _is_same_map(candidate: Candidate, other: Candidate) -> bool:
    """Whether both move pixels to the same places.

    A mirror before one turn is another mirror before another turn.
    """
    parts = (*candidate.shift.components, *other.shift.components)
    if not all(part.group in ("geometry", "rearrangement") for part in parts):
        return False
    n = min(len(candidate.remake.residual), len(other.remake.residual))
    return energy_of(candidate.remake.residual[:n] - other.remake.residual[:n]) < ROUNDING


def _kinds(candidate: Candidate) -> list[tuple[str, str]]:
    """The families and scopes of a candidate's parts, in whatever order."""
    return sorted((part.family, part.scope) for part in in_normal_form(candidate.shift).components)
