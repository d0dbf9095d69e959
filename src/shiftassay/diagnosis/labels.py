"""Shifts that leave every image alone: of labels, of order, of how many there are of each class."""

import numpy as np
from scipy.stats import chi2_contingency

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.sample import ClassPrior, LabelMisalignment, LabelNoise, LabelPermutation, Reorder

TOLD = 10  # classes whose new number a sentence tells


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
    if pairing.kind == "reordered" and not subset and distinct >= thresholds.ALMOST_ALL_LABELS:
        return _if_known(Reorder(tuple(order.tolist()) if distinct == 1 else None))
    return Identity()


def relabelling(before: ImageSet, after: ImageSet, pairing: Pairing) -> Shift | None:
    """What happened to the labels of images that have partners, whatever happened to the images; None if nothing that is in the catalogue."""
    order = pairing.order
    if order is None or before.labels is None or after.labels is None:
        return None
    own, given = before.labels[order[order >= 0]], after.labels[order >= 0]
    return None if np.array_equal(own, given) else _relabelled(own, given)


def renumbering(before: ImageSet, after: ImageSet, pairing: Pairing) -> str | None:
    """A sentence on how the classes are numbered in the shifted set, if they are in another way."""
    how = relabelling(before, after, pairing)
    first = None if how is None else how.components[0]
    if pairing.order is None or before.labels is None or not isinstance(first, LabelPermutation):
        return None
    present = np.unique(before.labels[pairing.order[pairing.order >= 0]])
    told = ", ".join(f"{k} → {first.mapping[k]}" for k in present[:TOLD]) + (" …" if len(present) > TOLD else "")
    rule = first.in_words or "the classes are numbered in another way"
    return f"{after.name}: {rule} ({told})."


def _if_known(how: Shift) -> Shift | None:
    """The shift, if its family is in the catalogue."""
    return how if how.family in FAMILIES else None


def _relabelled(own: np.ndarray, given: np.ndarray) -> Shift | None:
    """Renumbered, out of step, shuffled, some of them wrong, or renumbered and some wrong."""
    names = np.unique(np.concatenate([own, given]))
    x, y = np.searchsorted(names, own), np.searchsorted(names, given)
    classes = len(names)
    counts = np.bincount(x * classes + y, minlength=classes**2).reshape(classes, classes)
    present = np.flatnonzero(counts.sum(1))
    usual = counts.argmax(1)[present]
    kept = float(counts.max(1).sum() / len(own))
    renamed = bool(np.any(usual != present))
    one_to_one = len(np.unique(usual)) == len(present)
    if kept >= thresholds.ALMOST_ALL_LABELS and renamed:
        # Two classes under one number are a function of the class as well: no chance, and no other numbering.
        return _renumbered(names[present], names[usual]) if one_to_one else None
    agreement = _circular_agreement(x, y, classes)
    offset = int(agreement.argmax())
    if offset and agreement[offset] >= thresholds.ALMOST_ALL_LABELS:
        return _if_known(LabelMisalignment(offset if offset <= len(own) // 2 else offset - len(own)))
    if offset := int(given.min() - own.min()):
        moved = own + offset
        if np.array_equal(np.sort(moved), np.sort(given)):
            return _both(_renumbered(names[present], names[present] + offset), _relabelled(moved, given))
    same = float(np.mean(own == given))
    chance = float(np.sum(np.bincount(x, minlength=classes) * np.bincount(y, minlength=classes)) / len(own) ** 2)
    counts_kept = np.array_equal(np.sort(own), np.sort(given))
    if counts_kept and same < chance + 4 * np.sqrt(chance / len(own)):
        return _if_known(LabelMisalignment())
    wrong = counts.copy()
    wrong[present, usual if renamed and one_to_one and kept >= thresholds.USUAL_NUMBERING else present] = 0
    if classes > 2 and _of_one_kind(wrong):
        return None
    if renamed and one_to_one and kept >= thresholds.USUAL_NUMBERING and classes > 2:
        return _both(_renumbered(names[present], names[usual]), _if_known(LabelNoise(1 - kept)))
    return _if_known(LabelNoise(1 - same))


def _both(one: Shift | None, then: Shift | None) -> Shift | None:
    return None if one is None or then is None else Compose((one, then))


def _renumbered(own: np.ndarray, given: np.ndarray) -> Shift | None:
    """The permutation that takes each class to its new number.

    Classes that no image has follow the rule of the others, if there is one; else they keep their number, or take one
    that is left.
    """
    if own[0] < 0 or own[-1] > thresholds.LARGEST_LABEL:
        return None
    mapping = dict(zip(own.tolist(), given.tolist(), strict=True))
    first, last = own[0], own[-1]
    step = (given[-1] - given[0]) / (last - first) if last > first else 1.0
    linear = step == int(step) and np.array_equal(given, given[0] + int(step) * (own - first))
    classes = int(max(last, given[-1], given.max())) + 1
    around = (given - own) % classes
    for k in range(int(last) + 1):
        if k in mapping:
            continue
        taken = set(mapping.values())
        rule = [int(given[0] + int(step) * (k - first))] if linear else []
        rule += [int(k + around[0]) % classes] if np.all(around == around[0]) else []
        mapping[k] = next(new for new in (*rule, k, *range(len(own) + int(last) + 1)) if new not in taken)
    return _if_known(LabelPermutation(tuple(mapping[k] for k in range(int(last) + 1))))


def _of_one_kind(wrong: np.ndarray) -> bool:
    """Whether one class is taken for one other, or each for one, more often than chance would: `wrong` are counts by class and label."""
    if wrong.max() > thresholds.LABELS_OF_ONE_KIND * wrong.sum():
        return True
    many = wrong[wrong.sum(1) >= thresholds.ENOUGH_WRONG_LABELS]
    # Of two wrong labels that a class may take, one has at least half.
    return bool(
        len(many) > 0 and many.max(1).sum() > max(thresholds.LABELS_OF_ONE_KIND, 1.5 / (len(wrong) - 1)) * many.sum()
    )


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
    return float(chi2_contingency(table[:, table.sum(0) > 0])[1]) < thresholds.PROPORTIONS_LEVEL  # pyright: ignore[reportArgumentType]
