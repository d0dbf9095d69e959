"""Shifts that leave every image alone: of labels, of order, of how many there are of each class."""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import chi2_contingency

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.sample import ClassPrior, LabelMisalignment, LabelNoise, LabelPermutation, Reorder

Labels = Int64[np.ndarray, "n"]

NAMED = 10  # classes whose new number a sentence names
SUBSET = 0.99  # of the reference's images: a shifted set with fewer is a subset
CHANCE_AGREEMENT = 4  # standard errors above chance, below which labels agree by chance


def label_shift(reference: ImageSet, shifted: ImageSet, pairing: Pairing) -> Shift | None:
    """What happened to labels, order or number, where the images are unchanged.

    None if no family makes it. Labels are compared image by image: with the partner's, with those of the images around
    it, and as whole classes.
    """
    order = pairing.order
    assert order is not None
    subset = len(shifted) < SUBSET * len(reference)
    if reference.labels is not None and shifted.labels is not None:
        after = shifted.labels[order >= 0]
        if not np.array_equal(reference.labels[order[order >= 0]], after):
            return relabeling(reference, shifted, pairing)
        if subset and proportions_differ(reference.labels, after):
            classes = int(max(reference.labels.max(), after.max())) + 1
            return _if_registered(ClassPrior(tuple((np.bincount(after, minlength=classes) / len(after)).tolist())))
    distinct = len(np.unique(order[order >= 0])) / len(order)
    if pairing.kind == "reordered" and not subset and distinct >= thresholds.ALMOST_ALL_LABELS:
        return _if_registered(Reorder(tuple(order.tolist()) if distinct == 1 else None))
    return Identity()


def relabeling(reference: ImageSet, shifted: ImageSet, pairing: Pairing) -> Shift | None:
    """What happened to the labels of images that have partners, whatever happened to the images.

    None if nothing did, or if that is in no family.
    """
    order = pairing.order
    if order is None or reference.labels is None or shifted.labels is None:
        return None
    before, after = reference.labels[order[order >= 0]], shifted.labels[order >= 0]
    return None if np.array_equal(before, after) else _relabeled(before, after)


def renumbering(reference: ImageSet, shifted: ImageSet, pairing: Pairing) -> str | None:
    """A sentence on how the classes are numbered in the shifted set, if they are in another way."""
    shift = relabeling(reference, shifted, pairing)
    first = None if shift is None else shift.components[0]
    if pairing.order is None or reference.labels is None or not isinstance(first, LabelPermutation):
        return None
    present = np.unique(reference.labels[pairing.order[pairing.order >= 0]])
    names = reference.classes or range(int(present.max()) + 1)
    numbers = ", ".join(f"{names[k]} → {first.mapping[k]}" for k in present[:NAMED])
    numbers += " …" if len(present) > NAMED else ""
    rule = first.in_words or "the classes are numbered in another way"
    return f"{shifted.name}: {rule} ({numbers})."


def _if_registered(shift: Shift) -> Shift | None:
    """The shift, if its family is in the catalogue."""
    return shift if shift.family in FAMILIES else None


def _relabeled(before: Labels, after: Labels) -> Shift | None:
    """Renumbered, out of step, shuffled, some of them wrong, or renumbered and some wrong."""
    names = np.unique(np.concatenate([before, after]))
    x, y = np.searchsorted(names, before), np.searchsorted(names, after)
    classes = len(names)
    counts = np.bincount(x * classes + y, minlength=classes**2).reshape(classes, classes)
    present = np.flatnonzero(counts.sum(1))
    usual = counts.argmax(1)[present]
    usual_share = float(counts.max(1).sum() / len(before))
    renamed = bool(np.any(usual != present))
    one_to_one = len(np.unique(usual)) == len(present)
    if usual_share >= thresholds.ALMOST_ALL_LABELS and renamed:
        # Two classes under one number are a function of the class as well: no chance, and no other numbering.
        return _renumbered(names[present], names[usual]) if one_to_one else None
    agreement = _circular_agreement(x, y, classes)
    offset = int(agreement.argmax())
    if offset and agreement[offset] >= thresholds.ALMOST_ALL_LABELS:
        return _if_registered(LabelMisalignment(offset if offset <= len(before) // 2 else offset - len(before)))
    if offset := int(after.min() - before.min()):
        moved = before + offset
        if np.array_equal(np.sort(moved), np.sort(after)):
            return _both(_renumbered(names[present], names[present] + offset), _relabeled(moved, after))
    same = float(np.mean(before == after))
    chance = float(np.sum(np.bincount(x, minlength=classes) * np.bincount(y, minlength=classes)) / len(before) ** 2)
    same_counts = np.array_equal(np.sort(before), np.sort(after))
    if same_counts and same < chance + CHANCE_AGREEMENT * np.sqrt(chance / len(before)):
        return _if_registered(LabelMisalignment())
    renumbered = renamed and one_to_one and usual_share >= thresholds.USUAL_NUMBERING
    wrong = counts.copy()
    wrong[present, usual if renumbered else present] = 0
    if classes > 2 and _of_one_kind(wrong):
        return None
    if renumbered and classes > 2:
        return _both(_renumbered(names[present], names[usual]), _if_registered(LabelNoise(1 - usual_share)))
    return _if_registered(LabelNoise(1 - same))


def _both(first: Shift | None, then: Shift | None) -> Shift | None:
    return None if first is None or then is None else Compose((first, then))


def _renumbered(before: Labels, after: Labels) -> Shift | None:
    """The permutation that takes each class to its new number.

    Classes that no image has follow the rule of the others, if there is one. Else they keep their number, or take one
    that is free.
    """
    if before[0] < 0 or before[-1] > thresholds.LARGEST_LABEL:
        return None
    mapping = dict(zip(before.tolist(), after.tolist(), strict=True))
    first, last = before[0], before[-1]
    step = (after[-1] - after[0]) / (last - first) if last > first else 1.0
    linear = step == int(step) and np.array_equal(after, after[0] + int(step) * (before - first))
    classes = int(max(last, after[-1], after.max())) + 1
    around = (after - before) % classes
    for k in range(int(last) + 1):
        if k in mapping:
            continue
        taken = set(mapping.values())
        rule = [int(after[0] + int(step) * (k - first))] if linear else []
        rule += [int(k + around[0]) % classes] if np.all(around == around[0]) else []
        mapping[k] = next(new for new in (*rule, k, *range(len(before) + int(last) + 1)) if new not in taken)
    return _if_registered(LabelPermutation(tuple(mapping[k] for k in range(int(last) + 1))))


def _of_one_kind(wrong: np.ndarray) -> bool:
    """Whether one class is taken for one other, or each for one, more often than by chance.

    `wrong` are counts by class and label.
    """
    if wrong.max() > thresholds.LABELS_OF_ONE_KIND * wrong.sum():
        return True
    many = wrong[wrong.sum(1) >= thresholds.ENOUGH_WRONG_LABELS]
    # Of two wrong labels that a class may take, one has at least half.
    return bool(
        len(many) > 0 and many.max(1).sum() > max(thresholds.LABELS_OF_ONE_KIND, 1.5 / (len(wrong) - 1)) * many.sum()
    )


def _circular_agreement(before: Labels, after: Labels, classes: int) -> Float64[np.ndarray, "n"]:
    """The share of labels that agree if they are moved on by 0, 1, 2 … places."""
    total = np.zeros(len(before))
    for k in range(classes):
        total += np.fft.irfft(np.conj(np.fft.rfft(before == k)) * np.fft.rfft(after == k), len(before))
    return total / len(before)


def proportions_differ(before: Labels, after: np.ndarray) -> bool:
    """Whether the proportions of classes differ, by a χ² test."""
    classes = int(max(before.max(), after.max())) + 1
    table = np.stack([np.bincount(side, minlength=classes) for side in (before, after)])
    p_value = np.asarray(chi2_contingency(table[:, table.sum(0) > 0])[1])
    return float(p_value) < thresholds.PROPORTIONS_LEVEL
