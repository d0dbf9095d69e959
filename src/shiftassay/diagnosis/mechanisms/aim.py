"""Do the pixels' effects add up, or do they cancel?"""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.adversarial import AdversarialEvidence, adversarial_evidence
from shiftassay.diagnosis.controls import shuffled_residual
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, Numbers, briefly
from shiftassay.random_stream import seed_for
from shiftassay.words.numbers import number, percent


@briefly("the pixels' effects add up along the model's gradient")
def adds_up(case: Case) -> Mechanism | None:
    """Small changes all point where the loss grows, so that their effects add up: an attack.

    Reported where the residual agrees with the gradient more than two controls of the same size do, and harms more (see
    `AdversarialEvidence.is_adversarial`).
    """
    evidence = _evidence(case)
    if evidence is None:
        return None
    return Mechanism(
        "adds_up",
        evidence.is_adversarial,
        "The effects of the pixels add up. To first order the margin moves by g·δ, the gradient times the change, and "
        f"here that is {percent(evidence.agreement.shifted)} of Σ|g||δ|, the most that changes of these sizes could "
        f"do. The same change shuffled over the image reaches {percent(abs(evidence.agreement.shuffled))} and leaves "
        f"accuracy at {percent(evidence.accuracy.shuffled, 1)} instead of {percent(evidence.accuracy.shifted, 1)}.",
        _numbers(evidence),
    )


@briefly("the pixels' effects cancel")
def cancels(case: Case) -> Mechanism | None:
    """Each pixel's change is drawn by itself, so that its effects on the logits mostly cancel.

    Reported where neighbouring pixels' changes are no more alike than shuffled ones, at most 30% of what they could do
    arrives, that is what arrives when they are shuffled, and accuracy falls by less than 0.1: enough noise harms all
    the same.
    """
    evidence = _evidence(case)
    if evidence is None:
        return None
    alike, null = _neighbors(case)
    arrives, shuffled = evidence.agreement.shifted, evidence.agreement.shuffled
    moved = float(np.abs(case.shifted - case.reference).mean())
    present = (
        moved >= thresholds.PIXEL_MOVED
        and case.before - case.after < thresholds.ACCURACY_HOLDS
        and alike < max(null, 0) + thresholds.ALIKE_NEIGHBORS
        and alike < 2 * thresholds.ALIKE_NEIGHBORS
        and abs(arrives) <= thresholds.AGREEMENT_OF_NOISE
        and abs(arrives - shuffled) <= thresholds.LIKE_CONTROL
        and not evidence.is_adversarial
    )
    return Mechanism(
        "cancels",
        bool(present),
        "The effects of the pixels cancel. To first order the margin moves by g·δ, the gradient times the change; "
        "random signs add up like a random walk, to "
        f"{percent(abs(arrives))} of Σ|g||δ| here, the most that changes of these sizes could do (shuffled over the "
        f"image: {percent(abs(shuffled))}). The changes of neighbouring pixels are uncorrelated ({number(alike, 2)}).",
        {**_numbers(evidence), "neighbours": alike, "neighbours_shuffled": null},
    )


def _evidence(case: Case) -> AdversarialEvidence | None:
    return case.memoized("aim", lambda: _gathered(case)) if case.paired and case.truth is not None else None


def _gathered(case: Case) -> AdversarialEvidence:
    some = case.rng("aim").permutation(len(case.reference))[: case.gradient_images]
    assert case.truth is not None
    return adversarial_evidence(
        case.model, case.reference[some], case.shifted[some], case.truth[some], seed_for(case.seed, "aim")
    )


def _neighbors(case: Case) -> tuple[float, float]:
    """The correlation of neighbouring pixels' changes, and that when shuffled.

    Over neighbours that are both black or both not.
    """
    some = case.rng("aim").permutation(len(case.reference))[: case.gradient_images]
    reference, shifted = case.reference[some], case.shifted[some]
    control = shuffled_residual(reference, shifted, case.rng("neighbours"))
    return _alike(reference, shifted), _alike(reference, control)


def _alike(reference: np.ndarray, shifted: np.ndarray) -> float:
    residual = (shifted - reference).astype(np.float64)
    black = reference <= reference.min()
    centered = np.where(black, residual - residual[black].mean(), residual - residual[~black].mean())
    both = black[..., :-1] == black[..., 1:]
    one, other = centered[..., :-1][both], centered[..., 1:][both]
    return float((one * other).mean() / max((centered**2).mean(), 1e-12))


def _numbers(evidence: AdversarialEvidence) -> Numbers:
    return {
        "agreement": evidence.agreement.to_json(),
        "accuracy": evidence.accuracy.to_json(),
        "worse_than_shuffled": evidence.worse,
        "harm": evidence.harm.to_json(),
    }
