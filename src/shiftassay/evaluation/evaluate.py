"""How well a model does on an image set, and how that compares with a reference set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int64
from scipy.special import softmax

from shiftassay.errors import BadInput
from shiftassay.evaluation.class_order import other_order
from shiftassay.imagesets.image_set import ImageSet, class_name
from shiftassay.imagesets.items import ImageSource
from shiftassay.imagesets.items import image_set as as_image_set
from shiftassay.imagesets.labels import check_range
from shiftassay.imagesets.left_out import Region, leaving_out
from shiftassay.imagesets.shared_names import same_names
from shiftassay.model import Model
from shiftassay.models.predict import check_finite, labels_of, predict
from shiftassay.progress import Watch, unwatched
from shiftassay.records import Record
from shiftassay.statistics.calibration import expected_calibration_error
from shiftassay.statistics.intervals import Interval, difference_unpaired, wilson
from shiftassay.statistics.paired import difference_paired, equivalence, mcnemar, ratio_paired
from shiftassay.words.html import html_table, paragraphs
from shiftassay.words.numbers import DASH, p_value, percent, percent_with_interval, points_with_interval, times
from shiftassay.words.text import short

MARGIN = 0.005  # of accuracy: half a point, which sentences also give as a share of the reference's errors
ALPHA = 0.05

Effect = Literal["harmed", "slightly harmed", "not shown to change", "improved"]
"""What happened to accuracy. Slightly: it is shown to be lower, and shown to be so by less than the margin."""


def effect_of(difference: float, differs: bool, equivalent: bool) -> Effect:
    """The effect on accuracy in a word.

    From whether a difference is shown, and whether it is shown to be within the margin.

    >>> effect_of(-0.003, differs=True, equivalent=True), effect_of(-0.003, differs=False, equivalent=True)
    ('slightly harmed', 'not shown to change')
    """
    if not differs:
        return "not shown to change"
    if difference > 0:
        return "improved"
    return "slightly harmed" if equivalent else "harmed"


@dataclass(frozen=True)
class Comparison(Record):
    """Accuracy here minus accuracy on the reference.

    `gained` and `lost` count the images that only one of the two got right; `p_value` is McNemar's exact one, and the
    interval of `difference` excludes 0 exactly where it rejects at 5%. `error_ratio` is the error rate divided by the
    reference's. For sets that are not the same images in the same order these are None, and the interval is that of a
    difference of two independent proportions. `equivalence_p` is the p-value of "they differ by `margin` or more".
    """

    reference: str
    difference: Interval
    paired: bool
    gained: int | None
    lost: int | None
    p_value: float | None
    equivalence_p: float | None
    margin: float
    error_ratio: Interval | None = None
    derived: ClassVar = ("verdict", "effect")

    @property
    def differs(self) -> bool:
        """Whether a difference is shown."""
        low, high = self.difference.low, self.difference.high
        return self.p_value < ALPHA if self.p_value is not None else low > 0 or high < 0

    @property
    def equivalent(self) -> bool:
        """Whether the difference is shown to be within the margin, be there one or not."""
        low, high = self.difference.low, self.difference.high
        return -self.margin < low and high < self.margin if self.equivalence_p is None else self.equivalence_p < ALPHA

    @property
    def verdict(self) -> Literal["equivalent", "lower", "higher", "undecided"]:
        """The verdict in a word.

        `equivalent` where that is shown, which a small difference can be too; else the direction if one is shown.
        """
        if self.equivalent:
            return "equivalent"
        if not self.differs:
            return "undecided"
        return "lower" if self.difference.estimate < 0 else "higher"

    @property
    def effect(self) -> Effect:
        """What happened to accuracy."""
        return effect_of(self.difference.estimate, self.differs, self.equivalent)


@dataclass(frozen=True)
class Evaluation(Record):
    """A model's results on one image set.

    `confusion[i][j]` counts images of class i that were taken for class j. `recall` is None for a class that the set
    does not hold. `classes` are the names of the classes, where the set has them.
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
    classes: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """What was measured on the set, and what that says against its reference."""
        accuracy = f"{self.name}: {percent_with_interval(self.accuracy)} of {self.n:,} images"
        order = other_order(self.confusion, self.classes)
        warning = "" if order is None else f" But {order}."
        change = self.comparison
        if change is None:
            return f"{accuracy}.{warning}"
        shown = shown_in_words(change, self.reference_errors)
        return f"{accuracy}, {change.effect}: {change_in_words(change)}; {shown}.{warning}"

    @property
    def reference_errors(self) -> float:
        """The error rate on the reference."""
        return 1 - self.accuracy.estimate + (self.comparison.difference.estimate if self.comparison else 0.0)

    def __repr__(self) -> str:
        verdict = f", {self.comparison.effect}" if self.comparison else ""
        return f"<Evaluation of {self.n:,} images, {short(self.name)}: {percent_with_interval(self.accuracy)}{verdict}>"

    def _repr_html_(self) -> str:
        rows = [
            (class_name(label, self.classes), f"{sum(counts):,}", DASH if recall is None else percent(recall, 2))
            for label, (counts, recall) in enumerate(zip(self.confusion, self.recall, strict=True))
        ]
        return paragraphs(str(self)) + html_table(("class", "images", "recall"), rows)


def evaluate(
    image_set: ImageSource,
    *,
    model: Model,
    reference: ImageSource | None = None,
    margin: float = MARGIN,
    leave_out: Sequence[Region] = (),
    device: str = "cpu",
    watch: Watch = unwatched,
) -> Evaluation:
    """A model's accuracy on a labelled set and, given a reference, how it changed.

    The accuracy has its Wilson interval. Two sets whose labels are the same in the same order count as the same images,
    and are compared image by image. In the regions to `leave_out`, the model is shown the reference's mean grey (see
    `leaving_out`). `watch` is told how many batches are answered. Raises `BadInput` if there are no labels, or labels
    or images do not fit the model.

    >>> import torch
    >>> class Bright(torch.nn.Module):  # class 1 if the only pixel is brighter than a half
    ...     def forward(self, images):
    ...         return torch.stack([0.5 - images.flatten(), images.flatten() - 0.5], dim=1)
    >>> labels = np.array([0, 1] * 50)
    >>> clean = ImageSet(labels.astype(np.float32).reshape(100, 1, 1, 1), labels, "clean")
    >>> dark = ImageSet(0.4 * clean.images, labels, "dark")
    >>> result = evaluate(dark, model=Bright(), reference=clean)
    >>> result.accuracy.estimate, result.recall, result.comparison.verdict, result.comparison.lost
    (0.5, (1.0, 0.0), 'lower', 50)
    """
    beside = None if reference is None else leaving_out(as_image_set(reference, "reference"), leave_out)
    image_set = leaving_out(as_image_set(image_set, "images", beside), leave_out, like=beside)
    logits = predict(image_set.images, model=model, device=device, name=image_set.name, watch=watch)
    if beside is None:
        return assess(image_set, logits, margin=margin)
    beside_logits = predict(beside.images, model=model, device=device, name=beside.name, watch=watch)
    return assess(image_set, logits, beside, beside_logits, margin)


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
        named_alike = same_names(reference.names, image_set.names)
        paired = named_alike is not False and np.array_equal(labels, _labels(reference, classes))
        comparison = compare(reference.name, right, reference_right, paired, margin)
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
        classes=image_set.classes,
    )


def compare(name: str, right: np.ndarray, reference_right: np.ndarray, paired: bool, margin: float) -> Comparison:
    """Which images are right beside which of the reference `name` are."""
    if not paired:
        difference = difference_unpaired(int(right.sum()), len(right), int(reference_right.sum()), len(reference_right))
        return Comparison(name, difference, False, None, None, None, None, margin)
    n, gained, lost = len(right), int((right & ~reference_right).sum()), int((~right & reference_right).sum())
    return Comparison(
        reference=name,
        difference=difference_paired(gained, lost, n),
        paired=True,
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
        equivalence_p=equivalence(gained, lost, n, margin),
        margin=margin,
        error_ratio=ratio_paired(gained, lost, int((~right & ~reference_right).sum()), n),
    )


def _labels(image_set: ImageSet, classes: int) -> Int64[np.ndarray, "n"]:
    if image_set.labels is None:
        raise BadInput(
            f"{image_set.name}: no labels, so no accuracy. Pass --labels FILE, or put labels.npy beside the images."
        )
    check_range(image_set.labels, classes, image_set.name)
    return image_set.labels


def change_in_words(change: Comparison) -> str:
    """The change of the error rate, then that of accuracy in points."""
    difference = f"{points_with_interval(change.difference, sign=True)} points"
    return difference if change.error_ratio is None else f"{times(change.error_ratio)} the errors, {difference}"


def shown_in_words(change: Comparison, reference_errors: float) -> str:
    """What is shown, and what is not."""
    margin = margin_in_words(change.margin, reference_errors, change.reference)
    within = f", by less than {margin}" if change.equivalent else ""
    if change.differs:
        direction = "higher" if change.difference.estimate > 0 else "lower"
        return f"accuracy is {direction}{within}{_discordant(change)}"
    if change.equivalent:
        return f"it is shown that accuracy changes by less than {margin}"
    return "these images can't show that accuracy stays the same either"


def margin_in_words(margin: float, reference_errors: float, reference: str) -> str:
    """A margin in points, and as a share of the errors that it is held against.

    >>> margin_in_words(0.005, 0.0138, "clean")
    '0.5 points (36% of the errors on clean)'
    """
    share = f" ({percent(margin / reference_errors)} of the errors on {reference})" if reference_errors > 0 else ""
    return f"{100 * margin:g} points{share}"


def _discordant(change: Comparison) -> str:
    if change.p_value is None:
        return ""
    return f" ({change.lost:,} images are wrong now, {change.gained:,} right now, p\u00a0{p_value(change.p_value)})"
