"""Do the pixels' effects add up, or do they cancel?"""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.adversarial import AdversarialEvidence, adversarial_evidence
from shiftassay.diagnosis.controls import shuffled_residual
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, Numbers, percent
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.random_stream import seed_for


def adds_up(case: Case) -> Mechanism | None:
    """Every pixel's small change points where the loss grows, so that their effects add up (the aim of an attack).

    Said where the residual agrees with the gradient more than two controls of the same size do, and harms more (see
    `AdversarialEvidence.is_adversarial`).
    """
    found = _evidence(case)
    if found is None:
        return None
    return Mechanism(
        "adds_up",
        found.is_adversarial,
        f"The pixels' effects add up: of what a change of this size could do at best, {percent(found.agreement.shifted)} arrives "
        f"(shuffled over the image {percent(found.agreement.shuffled)}), and accuracy is {percent(found.accuracy.shifted)} where noise of "
        f"the same size leaves {percent(found.accuracy.shuffled)}.",
        _numbers(found),
    )


def cancels(case: Case) -> Mechanism | None:
    """Each pixel's change is drawn by itself, so that its effects on the logits mostly cancel.

    Said where neighbouring pixels' changes are no more alike than shuffled ones, at most 30% of what they could do
    arrives, that is what arrives when they are shuffled, and accuracy falls by less than 0.1: enough noise harms all the same.
    """
    found = _evidence(case)
    if found is None:
        return None
    alike, null = _neighbours(case)
    arrives, shuffled = found.agreement.shifted, found.agreement.shuffled
    moved = float(np.abs(case.shifted - case.reference).mean())
    present = (
        moved >= thresholds.PIXEL_MOVED
        and case.before - case.after < thresholds.ACCURACY_HOLDS
        and alike < max(null, 0) + thresholds.ALIKE_NEIGHBOURS
        and alike < 2 * thresholds.ALIKE_NEIGHBOURS
        and abs(arrives) <= thresholds.AGREEMENT_OF_NOISE
        and abs(arrives - shuffled) <= thresholds.LIKE_CONTROL
        and not found.is_adversarial
    )
    return Mechanism(
        "cancels",
        bool(present),
        f"The pixels' effects cancel: of what a change of this size could do at best, {percent(abs(arrives))} arrives, as much as when "
        f"it is shuffled over the image ({percent(abs(shuffled))}), and neighbouring pixels change independently of each other "
        f"(correlation {alike:.2f}).",
        {**_numbers(found), "neighbours": alike, "neighbours_shuffled": null},
    )


def _evidence(case: Case) -> AdversarialEvidence | None:
    return case.once("aim", lambda: _gathered(case)) if case.paired and case.truth is not None else None


def _gathered(case: Case) -> AdversarialEvidence:
    some = case.rng("aim").permutation(len(case.reference))[: SETTINGS.gradient_images]
    assert case.truth is not None
    return adversarial_evidence(
        case.model, case.reference[some], case.shifted[some], case.truth[some], seed_for(case.seed, "aim")
    )


def _neighbours(case: Case) -> tuple[float, float]:
    """How alike neighbouring pixels' changes are where both are black in the reference or both are not, and shuffled."""
    some = case.rng("aim").permutation(len(case.reference))[: SETTINGS.gradient_images]
    reference, shifted = case.reference[some], case.shifted[some]
    control = shuffled_residual(reference, shifted, case.rng("neighbours"))
    return _alike(reference, shifted), _alike(reference, control)


def _alike(reference: np.ndarray, shifted: np.ndarray) -> float:
    residual = (shifted - reference).astype(np.float64)
    black = reference <= reference.min()
    centred = np.where(black, residual - residual[black].mean(), residual - residual[~black].mean())
    both = black[..., :-1] == black[..., 1:]
    one, other = centred[..., :-1][both], centred[..., 1:][both]
    return float((one * other).mean() / max((centred**2).mean(), 1e-12))


def _numbers(found: AdversarialEvidence) -> Numbers:
    return {
        "agreement": found.agreement.to_json(),
        "accuracy": found.accuracy.to_json(),
        "worse_than_shuffled": found.worse,
        "harm": found.harm.to_json(),
    }
