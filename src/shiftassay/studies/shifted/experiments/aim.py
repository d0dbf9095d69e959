"""From a change that is not aimed at the model to one that is, at the same size."""

from dataclasses import dataclass

import numpy as np

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.studies.shifted.context import StudyContext

AIMED = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of pixels that change as in the aimed variant
TIMES = (1, 2, 3, 4, 6)


@dataclass(frozen=True)
class Mixed(Record):
    """Accuracy where this share of the pixels changes as in the aimed variant.

    Sizes are medians over images.
    """

    aimed: float
    accuracy: Interval
    linf: float
    l2: float


@dataclass(frozen=True)
class Larger(Record):
    """Accuracy under so many times the change of the unaimed variant.

    Sizes are medians over images.
    """

    times: int
    accuracy: Interval
    linf: float
    l2: float


@dataclass(frozen=True)
class AimExperiment(Record):
    """From a change that is not aimed at the model to one that is.

    The unaimed one is also made larger.
    """

    aimed: str
    unaimed: str
    images: int
    mixed: tuple[Mixed, ...]
    larger: tuple[Larger, ...]


def vary_aim(context: StudyContext, aimed: str, unaimed: str) -> AimExperiment:
    """Mix pixels that change as in either variant, and make the unaimed change larger."""
    (clean, attacked), (_, beside) = context.argued_images(aimed), context.argued_images(unaimed)
    pick = np.random.default_rng(seed_for("contrast", "aim")).random(clean.images.shape)
    mixed, larger = [], []
    for share in AIMED:
        images = np.where(pick < share, attacked.images, beside.images)
        mixed.append(Mixed(share, *_accuracy_and_sizes(context, images, clean)))
    low, high = clean.images.min(), clean.images.max()
    for factor in TIMES:
        images = np.clip(clean.images + factor * (beside.images - clean.images), low, high).astype(np.float32)
        larger.append(Larger(factor, *_accuracy_and_sizes(context, images, clean)))
    return AimExperiment(aimed, unaimed, len(clean), tuple(mixed), tuple(larger))


def _accuracy_and_sizes(context: StudyContext, images: np.ndarray, clean: ImageSet) -> tuple[Interval, float, float]:
    """The model's accuracy on changed images, and the medians of the changes' L∞ and L2."""
    right = context.right(images, clean.required_labels)
    change = (images - clean.images).reshape(len(images), -1).astype(np.float64)
    accuracy = wilson(int(right.sum()), len(right))
    return accuracy, float(np.median(np.abs(change).max(1))), float(np.median(np.sqrt((change**2).sum(1))))
