"""Shifts that leave every image alone: of labels, of order, of how many there are of each class."""

import numpy as np
from scipy.stats import chi2_contingency

from shiftassay.arrays.image_set import ImageSet
from shiftassay.diagnosis.pairing import Pairing
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.none import Identity
from shiftassay.shifts.sample import ClassPrior, LabelMisalignment, LabelNoise, LabelPermutation, Reorder

ALMOST = 0.98
ONE_KIND = 0.5  # share of the wrong labels that turn one class into one other
RARE = 1e-3  # p-value below which proportions differ


def label_shift(before: ImageSet, after: ImageSet, pairing: Pairing) -> Shift | None:
    """What happened to labels, order or number, where images are as they were: nothing, a family, or, None, what is none.

    Labels are compared image by image: with the partner's, with those of the images around it, and as whole classes.
    """
    order = pairing.order
    assert order is not None
    subset = len(after) < 0.99 * len(before)
    if before.labels is not None and after.labels is not None:
        given = after.labels[order >= 0]
        if not np.array_equal(before.labels[order[order >= 0]], given):
            return relabelling(before, after, pairing)
        if subset and _differ(before.labels, given):
            classes = int(max(before.labels.max(), given.max())) + 1
            return _if_known(ClassPrior(tuple((np.bincount(given, minlength=classes) / len(given)).tolist())))
    distinct = len(np.unique(order[order >= 0])) / len(order)
    if pairing.kind == "reordered" and not subset and distinct >= ALMOST:
        return _if_known(Reorder(tuple(order.tolist()) if distinct == 1 else None))
    return Identity()


def relabelling(before: ImageSet, after: ImageSet, pairing: Pairing) -> Shift | None:
    """What happened to the labels of images that have partners, whatever happened to the images; None if nothing that is in the catalogue."""
    order = pairing.order
    if order is None or before.labels is None or after.labels is None:
        return None
    own, given = before.labels[order[order >= 0]], after.labels[order >= 0]
    return None if np.array_equal(own, given) else _relabelled(own, given)


def _if_known(how: Shift) -> Shift | None:
    """The shift, if its family is in the catalogue."""
    return how if how.family in FAMILIES else None


def _relabelled(own: np.ndarray, given: np.ndarray) -> Shift | None:
    """Renumbered, out of step, shuffled, or some of them wrong."""
    classes = int(max(own.max(), given.max())) + 1
    counts = np.bincount(own * classes + given, minlength=classes**2).reshape(classes, classes)
    mapping = counts.argmax(1)
    mapping = np.where(counts.sum(1) > 0, mapping, np.arange(classes))
    if (
        counts.max(1).sum() >= ALMOST * len(own)
        and sorted(mapping.tolist()) == list(range(classes))
        and np.any(mapping != np.arange(classes))
    ):
        return _if_known(LabelPermutation(tuple(mapping.tolist())))
    agreement = _circular_agreement(own, given, classes)
    offset = int(agreement.argmax())
    if offset and agreement[offset] >= ALMOST:
        return _if_known(LabelMisalignment(offset if offset <= len(own) // 2 else offset - len(own)))
    same = float(np.mean(own == given))
    chance = float(np.sum(np.bincount(own, minlength=classes) * np.bincount(given, minlength=classes)) / len(own) ** 2)
    counts_kept = np.array_equal(np.sort(own), np.sort(given))
    if counts_kept and same < chance + 4 * np.sqrt(chance / len(own)):
        return _if_known(LabelMisalignment())
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if classes > 2 and wrong.max() > ONE_KIND * wrong.sum():
        return None  # one class taken for another is no chance
    return _if_known(LabelNoise(1 - same))


def _circular_agreement(own: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """The share of labels that agree if they are moved on by 0, 1, 2 … places."""
    total = np.zeros(len(own))
    for k in range(classes):
        total += np.fft.irfft(np.conj(np.fft.rfft(own == k)) * np.fft.rfft(given == k), len(own))
    return total / len(own)


def _differ(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether classes are as frequent as they were."""
    classes = int(max(before.max(), after.max())) + 1
    table = np.stack([np.bincount(side, minlength=classes) for side in (before, after)])
    return float(chi2_contingency(table[:, table.sum(0) > 0])[1]) < RARE  # pyright: ignore[reportArgumentType]
