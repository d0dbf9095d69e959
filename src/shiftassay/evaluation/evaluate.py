"""How well a model does on an image set, and how that compares with a reference set."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int64
from scipy.special import softmax
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import check_range
from shiftassay.models.predict import check_finite, labels_of, predict
from shiftassay.records import Record
from shiftassay.statistics.calibration import expected_calibration_error
from shiftassay.statistics.intervals import Interval, difference_unpaired, wilson
from shiftassay.statistics.paired import bootstrap_difference, equivalence, mcnemar
from shiftassay.words.html import html_table, paragraphs
from shiftassay.words.numbers import DASH, brackets, p_value, percent, percent_with_interval, points
from shiftassay.words.text import short

MARGIN = 0.005
ALPHA = 0.05


@dataclass(frozen=True)
class Comparison(Record):
    """Accuracy here minus accuracy on the reference.

    `gained` and `lost` count the images that only one of the two got right; `p_value` is McNemar's exact one. For sets
    that are not the same images in the same order these are None, and the interval is that of a difference of two
    independent proportions. `equivalence_p` is the p-value of "they differ by `margin` or more".
    """

    reference: str
    difference: Interval
    paired: bool
    gained: int | None
    lost: int | None
    p_value: float | None
    equivalence_p: float | None
    margin: float
    derived: ClassVar = ("verdict",)

    @property
    def verdict(self) -> Literal["equivalent", "lower", "higher", "undecided"]:
        """`equivalent` where that is shown; else the direction where one is shown."""
        low, high = self.difference.low, self.difference.high
        if self.equivalence_p is not None:
            equivalent = self.equivalence_p < ALPHA
        else:
            equivalent = -self.margin < low and high < self.margin
        if equivalent:
            return "equivalent"
        differs = self.p_value < ALPHA if self.p_value is not None else low > 0 or high < 0
        if not differs:
            return "undecided"
        return "lower" if self.difference.estimate < 0 else "higher"


@dataclass(frozen=True)
class Evaluation(Record):
    """A model's results on one image set.

    `confusion[i][j]` counts images of class i that were taken for class j. `recall` is None for a class that the set
    does not hold.
    """

    name: str
    n: int
    correct: int
    accuracy: Interval
    recall: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]
    mean_confidence: float
    calibration_error: float
    comparison: Comparison | None

    def __str__(self) -> str:
        """What was measured on the set, and what that says against its reference."""
        accuracy = f"{self.name}: {percent_with_interval(self.accuracy)}"
        change = self.comparison
        if change is None:
            return f"{accuracy}."
        difference = f"{points(change.difference.estimate, sign=True)} points {brackets(change.difference)}"
        if change.verdict == "equivalent":
            within = f"the change is shown to be within ±{100 * change.margin:g} points"
            return f"{accuracy}, {difference}: nothing happened that matters, {within}."
        if change.verdict == "undecided":
            return f"{accuracy}, {difference}: neither a change nor its absence can be shown with these images."
        return f"{accuracy}, {difference}: accuracy is {change.verdict}{_discordant(change)}."

    def __repr__(self) -> str:
        verdict = f", {self.comparison.verdict}" if self.comparison else ""
        return f"<Evaluation of {self.n:,} images, {short(self.name)}: {percent_with_interval(self.accuracy)}{verdict}>"

    def _repr_html_(self) -> str:
        rows = [
            (str(label), f"{sum(counts):,}", DASH if recall is None else percent(recall, 2))
            for label, (counts, recall) in enumerate(zip(self.confusion, self.recall, strict=True))
        ]
        return paragraphs(str(self)) + html_table(("class", "images", "recall"), rows)


def evaluate(
    image_set: ImageSet,
    *,
    model: nn.Module,
    reference: ImageSet | None = None,
    margin: float = MARGIN,
    device: str = "cpu",
) -> Evaluation:
    """A model's accuracy on a labelled set and, given a reference, how it changed.

    The accuracy has its Wilson interval. Two sets whose labels are the same in the same order count as the same images,
    and are compared image by image. Raises `BadInput` if there are no labels, or labels or images do not fit the model.

    >>> import torch
    >>> class Bright(nn.Module):  # class 1 if the only pixel is brighter than a half
    ...     def forward(self, images):
    ...         return torch.stack([0.5 - images.flatten(), images.flatten() - 0.5], dim=1)
    >>> labels = np.array([0, 1] * 50)
    >>> clean = ImageSet(labels.astype(np.float32).reshape(100, 1, 1, 1), labels, "clean")
    >>> dark = ImageSet(0.4 * clean.images, labels, "dark")
    >>> result = evaluate(dark, model=Bright(), reference=clean)
    >>> result.accuracy.estimate, result.recall, result.comparison.verdict, result.comparison.lost
    (0.5, (1.0, 0.0), 'lower', 50)
    """
    logits = predict(image_set.images, model=model, device=device, name=image_set.name)
    if reference is None:
        return assess(image_set, logits, margin=margin)
    return assess(
        image_set, logits, reference, predict(reference.images, model=model, device=device, name=reference.name), margin
    )


def assess(
    image_set: ImageSet,
    logits: Float[np.ndarray, "n classes"],
    reference: ImageSet | None = None,
    reference_logits: Float[np.ndarray, "m classes"] | None = None,
    margin: float = MARGIN,
) -> Evaluation:
    """The same as `evaluate`, from logits that are there already."""
    classes = logits.shape[1]
    labels = _labels(image_set, classes)
    check_finite(logits, image_set.name)
    predicted = labels_of(logits)
    right = predicted == labels
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    confidence = softmax(logits.astype(np.float64), axis=1).max(axis=1)
    comparison = None
    if reference is not None and reference_logits is not None:
        check_finite(reference_logits, reference.name)
        reference_right = labels_of(reference_logits) == _labels(reference, classes)
        paired = np.array_equal(labels, _labels(reference, classes))
        comparison = _compare(reference.name, right, reference_right, paired, margin)
    return Evaluation(
        name=image_set.name,
        n=len(labels),
        correct=int(right.sum()),
        accuracy=wilson(int(right.sum()), len(labels)),
        recall=tuple(float(row[i] / row.sum()) if row.sum() else None for i, row in enumerate(confusion)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        mean_confidence=float(confidence.mean()),
        calibration_error=expected_calibration_error(confidence, right),
        comparison=comparison,
    )


def _compare(name: str, right: np.ndarray, reference_right: np.ndarray, paired: bool, margin: float) -> Comparison:
    if not paired:
        difference = difference_unpaired(int(right.sum()), len(right), int(reference_right.sum()), len(reference_right))
        return Comparison(name, difference, False, None, None, None, None, margin)
    n, gained, lost = len(right), int((right & ~reference_right).sum()), int((~right & reference_right).sum())
    return Comparison(
        reference=name,
        difference=bootstrap_difference(gained, lost, n),
        paired=True,
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
        equivalence_p=equivalence(gained, lost, n, margin),
        margin=margin,
    )


def _labels(image_set: ImageSet, classes: int) -> Int64[np.ndarray, "n"]:
    if image_set.labels is None:
        raise BadInput(
            f"{image_set.name}: no labels, so no accuracy. Pass --labels FILE, or put labels.npy beside the images."
        )
    check_range(image_set.labels, classes, image_set.name)
    return image_set.labels


def _discordant(change: Comparison) -> str:
    if change.p_value is None:
        return ""
    return f" ({change.lost:,} images lost, {change.gained:,} gained, p\u00a0{p_value(change.p_value)})"
