"""Shifts that leave the pixels alone: of the images' order, the classes' shares, the labels."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check


@FAMILIES.register("reorder")
@dataclass(frozen=True)
class Reorder(Shift):
    """The same images with their labels in another order.

    out[i] = in[order[i]]; a random order if none is set.
    """

    family: ClassVar[str] = "reorder"
    group: ClassVar[str] = "sample"
    also_called: ClassVar[tuple[str, ...]] = ("shuffle", "permute")
    instead: ClassVar[str] = "Nothing has to be undone: each image has its label with it"
    paste_at: ClassVar[str] = "Only what relies on the order of the images has to undo it"
    why: ClassVar[str] = "It doesn't hurt a network, which sees one image at a time, unless it looks across the batch."
    information: ClassVar[Information] = "preserved"

    order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise BadInput("reorder: order must name each place from 0 once.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images[self._places(len(images), rng)]

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        return image_set.subset(self._places(len(image_set), rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images[np.argsort(self._places(len(images), rng))]

    def undo_steps(self) -> Steps | None:
        return None if self.order is None else Steps(f"images = images[np.argsort({literal(self.order)})]")

    def _places(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if self.order is None:
            return rng.permutation(n)
        if len(self.order) != n:
            raise BadInput(f"reorder: its order has {len(self.order)} places, there are {n} images.")
        return np.array(self.order)


@FAMILIES.register("class_prior")
@dataclass(frozen=True)
class ClassPrior(Shift):
    """A drawn subset in which class k has the share `proportions`[k].

    It is the largest such subset, in the same order.
    """

    family: ClassVar[str] = "class_prior"
    group: ClassVar[str] = "sample"
    instead: ClassVar[str] = (
        "No image changed: multiply the model's probabilities by the new shares of the classes over the old ones"
    )
    example: ClassVar[str] = "proportions=[0.5,0.3,0.2]"
    also_called: ClassVar[tuple[str, ...]] = ("label_shift", "prior_shift")
    why: ClassVar[str] = (
        "Accuracy is a mean over the classes' shares: it moves towards that of the frequent ones, and a network that "
        "leans on the old shares errs more."
    )
    information: ClassVar[Information] = "reduced"

    proportions: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.proportions, default=-1) < 0 or abs(sum(self.proportions) - 1) > 1e-6:
            raise BadInput(f"class_prior: proportions must be 0 or more and sum to 1, not {list(self.proportions)}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        raise BadInput("class_prior: it chooses images by their labels. Shift an image set that has them.")

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        labels = _labels(image_set, self)
        share = np.array(self.proportions)
        available = np.bincount(labels, minlength=len(share))
        if len(available) > len(share):
            raise BadInput(f"class_prior: {len(share)} proportions, but there are labels up to {len(available) - 1}.")
        positive = share > 0
        size = np.floor(np.min(available[positive] / share[positive]) + 1e-9)
        counts = np.minimum(np.rint(size * share), available).astype(np.int64)
        chosen = [rng.permutation(np.flatnonzero(labels == k))[:count] for k, count in enumerate(counts)]
        places = np.sort(np.concatenate(chosen))
        if len(places) == 0:
            raise BadInput("class_prior: no image would be left. A class that should be there has none.")
        return image_set.subset(places)


@FAMILIES.register("label_permutation")
@dataclass(frozen=True)
class LabelPermutation(Shift):
    """Label k becomes `mapping`[k]: the classes are renumbered.

    >>> LabelPermutation((1, 2, 3)).in_words
    'every label one higher'
    """

    family: ClassVar[str] = "label_permutation"
    group: ClassVar[str] = "sample"
    paste_at: ClassVar[str] = "Number the classes as the model does, where labels are read"
    example: ClassVar[str] = "mapping=[1,0,2]"
    why: ClassVar[str] = "The network says what it always said, but its classes now go by other numbers."
    information: ClassVar[Information] = "preserved"

    mapping: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.mapping or len(set(self.mapping)) != len(self.mapping):
            raise BadInput(
                f"label_permutation: mapping must give each class from 0 a number of its own, not {list(self.mapping)}."
            )

    @property
    def in_words(self) -> str | None:
        """The rule, if the new number follows from the old one by adding or multiplying."""
        steps = np.unique(np.diff(self.mapping))
        if len(steps) > 1:
            return None
        step, first = int(steps[0]) if len(steps) else 1, self.mapping[0]
        size = f"{abs(first):,}"
        if step == 1:
            direction = "higher" if first > 0 else "lower"
            return f"every label {'one' if size == '1' else size} {direction}" if first else None
        if step == -1:
            return f"label k became {first} − k"
        return f"label k became {step} k" + (f" {'+' if first > 0 else '−'} {size}" if first else "")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images.copy()

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        labels = _labels(image_set, self)
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.mapping):
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise BadInput(f"label_permutation: a mapping of {len(self.mapping)} classes, but a label is {wrong}.")
        return replace(image_set, labels=np.array(self.mapping, np.int64)[labels], classes=None)

    def undo_steps(self) -> Steps:
        return Steps(
            f"names = {literal(self.mapping)}\nlabels = np.array([names.index(label) for label in labels])", of="labels"
        )

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images.copy()


@FAMILIES.register("label_noise")
@dataclass(frozen=True)
class LabelNoise(Shift):
    """Each label, with probability `fraction`, becomes one of the other classes, each as likely."""

    family: ClassVar[str] = "label_noise"
    group: ClassVar[str] = "sample"
    instead: ClassVar[str] = "No image changed: look again at the labels that the model contradicts most surely"
    example: ClassVar[str] = "fraction=0.2"
    also_called: ClassVar[tuple[str, ...]] = ("mislabeled",)
    why: ClassVar[str] = (
        "The network is as good as before, but is measured against wrong answers: accuracy falls by about the fraction "
        "of them."
    )
    information: ClassVar[Information] = "preserved"

    fraction: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "fraction", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images.copy()

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        labels = _labels(image_set, self)
        classes = max(int(labels.max(initial=0)) + 1, 2)
        wrong, other = rng.random((2, len(labels)))
        step = np.where(wrong < self.fraction, 1 + np.floor(other * (classes - 1)), 0).astype(np.int64)
        return replace(image_set, labels=(labels + step) % classes)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images.copy()


@FAMILIES.register("label_misalignment")
@dataclass(frozen=True)
class LabelMisalignment(Shift):
    """Image i has the label of image i − `offset`, wrapped around.

    Without an offset the labels are shuffled.
    """

    family: ClassVar[str] = "label_misalignment"
    group: ClassVar[str] = "sample"
    instead: ClassVar[str] = "No image changed: join images and labels by a key, such as the file's name, not by place"
    paste_at: ClassVar[str] = "Put the labels back where they are read"
    why: ClassVar[str] = (
        "Answers are compared with other images' labels: accuracy falls to chance, whatever the network, and the "
        "images are not to blame."
    )
    information: ClassVar[Information] = "preserved"

    offset: int | None = None

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images.copy()

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        labels = _labels(image_set, self)
        moved = rng.permutation(labels) if self.offset is None else np.roll(labels, self.offset)
        return replace(image_set, labels=moved)

    def undo_steps(self) -> Steps | None:
        return None if self.offset is None else Steps(f"labels = np.roll(labels, {-self.offset})", of="labels")

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images.copy()


def _labels(image_set: ImageSet, shift: Shift) -> Int64[np.ndarray, "n"]:
    if image_set.labels is None:
        raise BadInput(f"{shift.family}: it changes labels or depends on them, and {image_set.name} has none.")
    return image_set.labels
