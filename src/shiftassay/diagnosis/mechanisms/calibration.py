"""Does the network know that it is wrong more often?"""

import numpy as np
from scipy.special import softmax

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, briefly
from shiftassay.words.numbers import percent


@briefly("confidence stays while accuracy falls", describes=True)
def overconfident(case: Case) -> Mechanism | None:
    """Confidence stays while accuracy falls.

    Reported where the gap between the two grows to 0.05 or more, by at least 0.05 and 3 standard errors.
    """
    if case.reference_labels is None or case.truth is None or not case.dropped:
        return None
    sure_before, sure_after = (softmax(x, axis=1).max(1) for x in (case.reference_logits, case.shifted_logits))
    before, after = sure_before - case.right_before, sure_after - case.right_after
    growth = float(after.mean() - before.mean())
    error = float(np.sqrt(before.var() / len(before) + after.var() / len(after)))
    wrong = sure_after[~case.right_after]
    present = min(growth, float(after.mean())) >= thresholds.CONFIDENCE_GAP and growth > 3 * error
    return Mechanism(
        "overconfident",
        bool(present),
        f"Confidence does not fall with accuracy: mean confidence is {percent(float(sure_after.mean()), 1)} at an "
        f"accuracy of {percent(case.after, 1)} (reference: {percent(float(sure_before.mean()), 1)} at "
        f"{percent(case.before, 1)}), and {percent(float(wrong.mean()), 1)} on the images that it gets wrong.",
        {
            "confidence": float(sure_after.mean()),
            "confidence_reference": float(sure_before.mean()),
            "gap": float(after.mean()),
            "gap_reference": float(before.mean()),
            "growth": growth,
            "standard_error": error,
        },
    )
