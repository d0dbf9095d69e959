"""Is the network right, and are the labels wrong?

Asked unless paired images carry the labels that they had.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax
from scipy.stats import rankdata

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, briefly
from shiftassay.models.predict import labels_of
from shiftassay.words.numbers import percent


@briefly("classes go by other numbers")
def renumbered(case: Case) -> Mechanism | None:
    """The classes are renumbered: the best assignment of answers to labels makes the network right.

    The assignment is found on one half of the images and judged on the other; the null is that of labels shuffled.
    """
    if case.shifted_labels is None or case.same_labels:
        return None
    answers, labels = labels_of(case.shifted_logits), case.shifted_labels
    classes = int(max(answers.max(), labels.max())) + 1
    order = case.rng("renumbered").permutation(len(labels))
    find, judge = order[::2], order[1::2]
    mapping = _assignment(answers[find], labels[find], classes)
    as_given = float((answers[judge] == labels[judge]).mean())
    mapped = float((mapping[answers[judge]] == labels[judge]).mean())
    shuffled = case.rng("renumbered null").permutation(labels)
    null_mapping = _assignment(answers[find], shuffled[find], classes)
    null = float((null_mapping[answers[judge]] == shuffled[judge]).mean())
    moved = [k for k in range(classes) if mapping[k] != k]
    present = (
        mapped - as_given >= thresholds.LABELS_GAIN
        and mapped - null >= thresholds.LABELS_GAIN
        and mapped > thresholds.LABELS_TRUSTED
    )
    renumbering = ", ".join(f"{k} → {mapping[k]}" for k in moved[:10])
    return Mechanism(
        "renumbered",
        bool(present),
        f"The classes are numbered otherwise: with the answers renumbered ({renumbering}), accuracy is "
        f"{percent(mapped, 1)} instead of {percent(as_given, 1)}, on images that the renumbering was not fitted to.",
        {"given": as_given, "renumbered": mapped, "shuffled_labels": null, "mapping": mapping.tolist()},
    )


@briefly("labels are out of step with images")
def out_of_step(case: Case) -> Mechanism | None:
    """Labels are offset: the network is right at one offset and at chance at all others.

    Labels belong to images some places away. All images are asked, in their order, and only where accuracy against the
    labels is low. The null is every other offset.
    """
    if case.shifted_labels is None or len(case.shifted_labels) < 50 or case.same_labels:
        return None
    as_given = float((labels_of(case.shifted_logits) == case.shifted_labels).mean())
    if as_given > thresholds.LABELS_TRUSTED:
        return Mechanism("out_of_step", False, "", {"given": as_given})
    labels = case.in_step.labels
    assert labels is not None
    answers, n = labels_of(case.in_step_logits), len(labels)
    rights = np.zeros(n)
    for k in np.unique(labels):
        one, other = (np.fft.rfft((x == k).astype(np.float64)) for x in (answers, labels))
        rights += np.fft.irfft(np.conj(one) * other, n)
    accuracy = rights / n
    best = int(accuracy[1:].argmax()) + 1
    others = np.delete(accuracy, [0, best])
    offset = best if best <= n / 2 else best - n
    z = (accuracy[best] - others.mean()) / max(others.std(), 1e-9)
    present = (
        accuracy[best] > thresholds.LABELS_TRUSTED
        and accuracy[best] - accuracy[0] >= thresholds.LABELS_GAIN
        and z > thresholds.LABELS_BEYOND_CHANCE
    )
    return Mechanism(
        "out_of_step",
        bool(present),
        f"Labels and images are out of step: compared with the labels {abs(offset)} places "
        f"{'later' if offset > 0 else 'earlier'}, accuracy is {percent(accuracy[best], 1)}. Compared with the given "
        f"labels it is {percent(accuracy[0], 1)}, and at any other offset at most {percent(float(others.max()), 1)}.",
        {
            "offset": offset,
            "given": float(accuracy[0]),
            "at_offset": float(accuracy[best]),
            "largest_elsewhere": float(others.max()),
            "z": float(z),
        },
    )


@briefly("labels are wrong, not answers")
def wrong_labels(case: Case) -> Mechanism | None:
    """Images are mislabelled, not hard: the network is as sure of its mistakes as of other answers.

    Measured by the probability that an image it gets right is answered more surely than one that it gets wrong (the
    area under the curve): near a half where labels are wrong, well above where images are hard. On the reference it
    must be above 0.75. Where another mechanism explains the labels it is not reported.
    """
    if case.shifted_labels is None or case.reference_labels is None or case.same_labels:
        return None
    right = labels_of(case.shifted_logits) == case.shifted_labels
    lost = case.before - float(right.mean())
    before, after = _surer(case.reference_logits, case.right_before), _surer(case.shifted_logits, right)
    if before is None or after is None:
        return None
    sure = float(softmax(case.shifted_logits, axis=1).max(1)[~right].mean())
    usual = float(softmax(case.reference_logits, axis=1).max(1).mean())
    explained = any(other is not None and other.present for other in (renumbered(case), out_of_step(case)))
    # Images that are hard in earnest make the network less sure of all of them.
    less_sure = usual - float(softmax(case.shifted_logits, axis=1).max(1).mean())
    present = (
        not explained
        and lost >= thresholds.ACCURACY_DROP
        and before > thresholds.MODEL_KNOWS
        and 1 - thresholds.MODEL_BLIND
        < after
        < thresholds.MODEL_BLIND + (thresholds.MODEL_KNOWS - thresholds.MODEL_BLIND) * _own_mistakes(case, right)
        and less_sure < 0.05
    )
    return Mechanism(
        "wrong_labels",
        bool(present),
        f"The labels are wrong, not the answers: on the {percent(1 - float(right.mean()))} of images that count as "
        f"wrong, mean confidence is {percent(sure, 1)} (reference, all images: {percent(usual, 1)}). Confidence is "
        f"higher on an image that counts as right than on one that counts as wrong in {percent(after)} of all pairs; "
        f"on the reference, where labels are right, in {percent(before)}.",
        {
            "surer_when_right": after,
            "surer_when_right_reference": before,
            "sure_when_wrong": sure,
            "sure_reference": usual,
        },
    )


def _own_mistakes(case: Case, right: np.ndarray) -> float:
    """The share of mistakes that the network made before the labels went wrong.

    It is unsure of those.
    """
    return min(1.0, (1 - case.before) / max(1 - float(right.mean()), 1e-9))


def _assignment(answers: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes))
    np.add.at(counts, (answers, labels), 1)
    return linear_sum_assignment(counts, maximize=True)[1]


def _surer(logits: np.ndarray, right: np.ndarray) -> float | None:
    """The area under the curve of confidence for being right (Mann and Whitney 1947).

    None with fewer than 5 right or wrong answers.
    """
    good, bad = int(right.sum()), int((~right).sum())
    if good < 5 or bad < 5:
        return None
    ordered = np.sort(logits.astype(np.float64), axis=1)
    ranks = rankdata(ordered[:, -1] - ordered[:, -2])
    return float((ranks[right].sum() - good * (good + 1) / 2) / (good * bad))
