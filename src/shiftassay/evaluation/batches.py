"""Whether a model's answer depends on the other images in the batch, or on their order."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.evaluation.answers import Check, Difference, NotMeasured, Numbers, ask, difference, tolerance
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.records import Record
from shiftassay.words.lists import plural
from shiftassay.words.numbers import percent

BATCH = 64


@dataclass(frozen=True)
class Batching(Record):
    """The images shown in one way, compared with shuffled batches of 64.

    `reference_accuracy` is that of the same images in those batches. `changed` counts labels, `largest` is the largest
    difference of a log-probability.
    """

    batch: int
    order: str
    images: int
    accuracy: float | None = None
    reference_accuracy: float | None = None
    changed: int = 0
    largest: float = 0.0
    not_measured: str | None = None

    def __str__(self) -> str:
        if self.order == "alone":
            return f"one at a time ({plural(self.images, 'image')})"
        by_label = " by label" if self.order == "sorted" else ""
        if self.batch >= self.images:
            return f"all {self.images:,} at once, {self.order}{by_label}"
        return f"in batches of {self.batch:,}, {self.order}{by_label}"


def check_batches(
    model: nn.Module,
    image_set: ImageSet,
    base: Float32[np.ndarray, "n classes"],
    repeat: Difference,
    order: Int64[np.ndarray, "n"],
    other: Int64[np.ndarray, "n"],
    largest_batch: int,
    single_images: int,
    device: str,
) -> tuple[Check, Check]:
    """The checks `batch` and `order` of a model in evaluation mode.

    `base` are the answers to the images (in the set's order) when shown as `order` in batches of 64, `repeat` what two
    such series differ by, `other` another permutation.
    """
    n, labels = len(order), image_set.labels
    by_label = np.argsort(labels if labels is not None else base.argmax(1), kind="stable")
    largest = min(largest_batch, n)
    ways = [(BATCH, "sorted", by_label)] if n > BATCH else []
    if largest > BATCH:
        ways += [(largest, "shuffled", order), (largest, "sorted", by_label)]
    ways += [(1, "alone", order[:single_images])]

    def show(batch: int, name: str, shown: np.ndarray) -> Batching:
        try:
            answers = ask(model, image_set.images, shown, batch, device)
        except NotMeasured as error:
            return Batching(batch, name, len(shown), not_measured=str(error))
        change = difference(base[shown], answers)
        here, there = (None if labels is None else _accuracy(x, labels[shown]) for x in (answers, base[shown]))
        return Batching(batch, name, len(shown), here, there, change.changed, change.largest)

    shown = [show(*way) for way in ways]
    permuted = show(BATCH, "another permutation", other)
    allowed = tolerance(base)
    repeats = repeat.largest <= allowed and repeat.changed == 0
    accuracy = None if labels is None else _accuracy(base, labels)
    start = Batching(min(BATCH, n), "shuffled", n, accuracy, accuracy)
    numbers: Numbers = {"tolerance": allowed, "shown": [way.to_json() for way in (start, *shown)]}
    order_numbers: Numbers = {"tolerance": allowed, **permuted.to_json()}
    if not repeats:
        sentence = (
            f"Not measured: asked the same again, the model answers otherwise ({repeat.changed:,} labels change)."
        )
        return (
            Check("batch", "not measured", sentence, numbers),
            Check("order", "not measured", sentence, order_numbers),
        )
    depends = [way for way in shown if way.largest > allowed]
    batch = Check("batch", _verdict(depends, shown), _batch_sentence(start, shown, depends), numbers)
    moved = [permuted] if permuted.largest > allowed else []
    return batch, Check("order", _verdict(moved, [permuted]), _order_sentence(permuted, moved), order_numbers)


def _verdict(depends: list[Batching], ways: list[Batching]) -> Literal["ok", "found", "not measured"]:
    if depends:
        return "found"
    return "not measured" if all(way.not_measured for way in ways) else "ok"


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float((logits.argmax(1) == labels).mean())


def _batch_sentence(start: Batching, ways: list[Batching], depends: list[Batching]) -> str:
    missing = "".join(f" Not measured for {way}: {way.not_measured}." for way in ways if way.not_measured)
    if not depends:
        measured = "; ".join(str(way) for way in ways if not way.not_measured)
        most = max((way.largest for way in ways), default=0.0)
        return (
            f"Each image is answered by itself: log-probabilities move by at most {most:.1g}, which is rounding, when "
            f"images are shown {measured or 'in no other way'}.{missing}"
        )
    accuracies = "".join(f", {_accuracy_of(way)} {way}{_same_images(way)}" for way in ways if way.accuracy is not None)
    worst = max(depends, key=lambda way: (way.changed / way.images, way.largest))
    text = (
        f"An image's answer depends on the others in its batch: {worst.changed:,} of {worst.images:,} labels change "
        f"when shown {worst}, instead of in shuffled batches of {start.batch}, and log-probabilities by up to "
        f"{worst.largest:.2g}."
    )
    if accuracies:
        text += f" Accuracy {_accuracy_of(start)} {start}{accuracies}."
    return text + missing


def _order_sentence(permuted: Batching, moved: list[Batching]) -> str:
    if permuted.not_measured:
        return f"Not measured: {permuted.not_measured}."
    if not moved:
        return f"Another order of the images changes nothing: log-probabilities move by at most {permuted.largest:.1g}."
    return (
        f"Another order of the images, batches of {permuted.batch}, changes {permuted.changed:,} of "
        f"{permuted.images:,} labels and log-probabilities by up to {permuted.largest:.2g}."
    )


def _accuracy_of(way: Batching) -> str:
    return percent(way.accuracy or 0.0, 2)


def _same_images(way: Batching) -> str:
    if way.order != "alone":
        return ""
    return f", where shuffled batches have {percent(way.reference_accuracy or 0.0, 2)} of the same"
