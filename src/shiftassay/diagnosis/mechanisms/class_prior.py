"""Has accuracy moved because other classes are frequent now?"""

import numpy as np
from scipy.stats import chi2

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, briefly
from shiftassay.models.predict import labels_of
from shiftassay.words.numbers import percent


@briefly("classes have other shares")
def class_prior(case: Case) -> Mechanism | None:
    """The classes' new shares explain the accuracy.

    Each class's accuracy on the reference, weighted with the new shares, gives the accuracy that is measured. Reported
    where the shares differ (χ² test, and a total variation of at least 0.05) and what is left over is within what
    chance would do (2.6 standard errors). The null is the reference's own shares.
    """
    if case.reference_labels is None or case.shifted_labels is None:
        return None
    classes = int(max(case.reference_labels.max(), case.shifted_labels.max())) + 1
    counts = np.stack([np.bincount(x, minlength=classes) for x in (case.reference_labels, case.shifted_labels)])
    used = counts.sum(0) > 0
    p_value = _chi_squared(counts[:, used])
    shares = counts / counts.sum(1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if (counts[0][counts[1] > 0] == 0).any():
        return None
    right = case.right_before.astype(np.float64)
    recall = np.bincount(case.reference_labels, right, classes) / np.maximum(counts[0], 1)
    expected = float(shares[1] @ recall)
    after = float((labels_of(case.shifted_logits) == case.shifted_labels).mean())
    variance = shares[1] ** 2 @ (recall * (1 - recall) / np.maximum(counts[0], 1)) + after * (1 - after) / len(
        case.shifted
    )
    error = float(np.sqrt(variance + 1e-6))
    most = int(np.abs(shares[1] - shares[0]).argmax())
    present = (
        p_value < thresholds.MECHANISM_LEVEL
        and distance >= thresholds.SHARES_MOVED
        and abs(after - expected) < 2.6 * error
    )
    return Mechanism(
        "class_prior",
        bool(present),
        f"Only the shares of the classes changed: class {case.class_name(most)} makes up {percent(shares[1][most])} "
        f"instead of {percent(shares[0][most])}. Each class's accuracy on the reference, weighted with the new shares, "
        f"predicts {percent(expected, 1)} right; {percent(after, 1)} is measured (reference "
        f"{percent(case.before, 1)}).",
        {
            "expected": expected,
            "measured": after,
            "reference": case.before,
            "standard_error": error,
            "shares_distance": distance,
            "p_value": p_value,
            "recall": recall.tolist(),
        },
    )


def _chi_squared(counts: np.ndarray) -> float:
    """The p-value that two rows of counts come from the same shares (Pearson 1900)."""
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), max(counts.shape[1] - 1, 1)))
