"""Margins against what the shift does to the differences of logits."""

import numpy as np
from scipy.stats import mannwhitneyu

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.asking import log_odds_gradient
from shiftassay.diagnosis.controls import derangement
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.statistics.intervals import wilson
from shiftassay.words.numbers import number, percent

FEWEST = 10  # lost or kept images, from which on their margins are compared


@briefly("margins are wider than what it moves")
def within_margins(case: Case) -> Mechanism | None:
    """Accuracy holds since margins are wide: the shift changes logits by less than the margin.

    The margin is the true class's logit less the best other one, of the images that the model gets right. Reported
    where images changed, and the upper end of the 95% interval of the share of margins that the change exceeds is below
    2%.
    """
    if not case.paired or case.truth is None:
        return None
    margin, moved = _margins(case)
    n = len(margin)
    exceeded = wilson(int((margin + moved <= 0).sum()), n)
    pixel = float(np.abs(case.shifted - case.reference).mean())
    present = pixel >= thresholds.PIXEL_MOVED and exceeded.high < thresholds.MARGINS_EXCEEDED
    return Mechanism(
        "within_margins",
        bool(present),
        "Margins are wider than what the shift does to them: the median margin, the right class's logit minus the best "
        f"other one, is {_median(margin):.2g}; the shift moves it by {_median(np.abs(moved)):.2g} in the median, and "
        f"beyond zero on {percent(exceeded.estimate, 1)} of the images that were right.",
        _numbers(margin, moved) | {"pixel_change": pixel, "exceeded_interval": [exceeded.low, exceeded.high]},
    )


@briefly("images with narrow margins are lost", extent=lambda case: _extent(case))
def narrow_margins_lost(case: Case) -> Mechanism | None:
    """The images that are lost are those whose margin was narrow.

    Any change of like size for all images would do that. The measure is the probability that a lost image had a
    narrower margin than one that was kept (0.5 if the margin has nothing to do with it), with Mann and Whitney's test.
    Reported from 0.65.
    """
    if not case.paired or case.truth is None or not case.dropped:
        return None
    margin, moved = _margins(case)
    lost, narrower, p_value = _lost(case)
    if narrower is None:
        return None
    present = narrower >= thresholds.MARGINS_NARROW and p_value < thresholds.MECHANISM_LEVEL
    return Mechanism(
        "narrow_margins_lost",
        bool(present),
        "Images with narrow margins are lost. The median margin, the right class's logit minus the best other one, was "
        f"{_median(margin[lost]):.2g} for the images that are lost and {_median(margin[~lost]):.2g} for those that are "
        f"kept; a lost image had the narrower of the two in {percent(narrower)} of all pairs. The shift moves the "
        f"margin by {_median(np.abs(moved)):.2g} in the median.",
        _numbers(margin, moved) | {"lost_is_narrower": narrower, "null": 0.5, "p_value": p_value},
    )


@briefly("the gradient predicts the change of the log-odds", describes=True)
def first_order(case: Case) -> Mechanism | None:
    """The Jacobian alone predicts how the log-odds change.

    gradient · (shifted − reference) is compared with the measured change. The share of the changes' mean square that
    the prediction explains one to one, without a fitted slope; reported from 85%, where its errors have at most 40% of
    the mean square of those of the same predictions for other images, and the images moved by at most half of the
    distance between two of them: a network that is linear throughout shows nothing.
    """
    if not case.paired or case.truth is None:
        return None
    some = case.rng("first order").permutation(len(case.reference))[: case.gradient_images]
    reference, shifted, truth = case.reference[some], case.shifted[some], case.truth[some]
    gradient = log_odds_gradient(case.model, reference, truth)
    predicted = ((shifted - reference) * gradient).reshape(len(some), -1).sum(1, dtype=np.float64)
    measured = _log_odds(case.shifted_logits[some], truth) - _log_odds(case.reference_logits[some], truth)
    variance = float((measured**2).mean())
    if variance < 1e-8:
        return Mechanism("first_order", False, "", {"measured_rms": variance**0.5})
    explained = 1 - float(((measured - predicted) ** 2).mean()) / variance
    control = predicted[derangement(len(some), case.rng("first order null"))]
    null = 1 - float(((measured - control) ** 2).mean()) / variance
    correlation = float(np.corrcoef(predicted, measured)[0, 1]) if predicted.std() > 0 and measured.std() > 0 else 0.0
    size = _length(shifted - reference) / max(_length(reference - reference[::-1]), 1e-9)
    present = (
        size <= thresholds.SMALL_CHANGE
        and explained >= thresholds.FIRST_ORDER_EXPLAINED
        and 1 - explained <= (1 - thresholds.FIRST_ORDER_SKILL) * (1 - null)
    )
    return Mechanism(
        "first_order",
        bool(present),
        "The network answers this change almost linearly: g·δ, the gradient times the change, predicts "
        f"{percent(explained)} of the mean square by which the log-odds move (correlation {number(correlation, 2)}). "
        f"Predictions taken from other images explain {percent(max(null, 0.0))}.",
        {"explained": explained, "null": null, "correlation": correlation, "measured_rms": variance**0.5, "size": size},
    )


def _extent(case: Case) -> Extent:
    _, narrower, _ = _lost(case)
    words = (
        "too few images are lost to tell which"
        if narrower is None
        else (f"a lost image had the narrower margin in {percent(narrower)} of all pairs")
    )
    return Extent(narrower or 0.0, thresholds.MARGINS_NARROW, words)


def _lost(case: Case) -> tuple[np.ndarray, float | None, float]:
    """Which images are lost, how often their margin was the narrower one, and the p-value.

    None for fewer than ten lost or kept images.
    """
    margin, moved = _margins(case)
    lost = margin + moved <= 0
    if min(lost.sum(), (~lost).sum()) < FEWEST:
        return lost, None, 1.0
    test = mannwhitneyu(margin[~lost], margin[lost], alternative="greater")
    return lost, float(test.statistic / (lost.sum() * (~lost).sum())), float(test.pvalue)


def _margins(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Of images that were right: the margin, and by how much the shift changes it."""
    assert case.truth is not None
    right = case.reference_logits.argmax(1) == case.truth
    before, after = (_margin(x[right], case.truth[right]) for x in (case.reference_logits, case.shifted_logits))
    return before, after - before


def _margin(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    rows = np.arange(len(logits))
    others = logits.astype(np.float64).copy()
    others[rows, truth] = -np.inf
    return logits[rows, truth] - others.max(1)


def _log_odds(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    rows = np.arange(len(logits))
    others = logits.astype(np.float64).copy()
    others[rows, truth] = -np.inf
    return np.logaddexp.reduce(others, axis=1) - logits[rows, truth]


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _numbers(margin: np.ndarray, moved: np.ndarray) -> dict[str, float]:
    return {
        "margin_median": _median(margin),
        "change_median": _median(np.abs(moved)),
        "exceeded": float((margin + moved <= 0).mean()),
    }


def _length(difference: np.ndarray) -> float:
    return float(np.sqrt((difference.astype(np.float64) ** 2).sum((1, 2, 3)).mean()))
