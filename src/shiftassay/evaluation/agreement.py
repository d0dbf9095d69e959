"""Whether images are answered alike: what there is to measure without labels.

By one model, on an image and its partner in the reference; or by two models, on the same image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int64

from shiftassay.errors import BadInput
from shiftassay.evaluation.compare import ComparisonOfGroups, compare
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource
from shiftassay.imagesets.items import image_set as as_image_set
from shiftassay.imagesets.labels import check_range
from shiftassay.imagesets.shared_names import shared_names
from shiftassay.model import Model
from shiftassay.models.predict import labels_of, predict
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.words.html import paragraphs
from shiftassay.words.lists import first_of
from shiftassay.words.numbers import percent_with_interval
from shiftassay.words.text import short

Places = Int64[np.ndarray, "k"]


@dataclass(frozen=True)
class Agreement(Record):
    """On how many of `n` images one series of answers is that of another, `reference`.

    `share` has Wilson's interval. `differing` are the other images, by their places in the set that is held against the
    reference.
    """

    name: str
    reference: str
    n: int
    share: Interval
    differing: tuple[int, ...]

    @property
    def drop(self) -> float:
        """The share of images that are answered in another way."""
        return 1 - self.share.estimate

    def __str__(self) -> str:
        which = f"; another to images {first_of(self.differing)}" if self.differing else ""
        agreed = f"the same answers as {self.reference} for {percent_with_interval(self.share)} of {self.n:,} images"
        return f"{self.name}: {agreed}{which}."

    def __repr__(self) -> str:
        return f"<Agreement of {short(self.name)} with {short(self.reference)}: {percent_with_interval(self.share)}>"

    def _repr_html_(self) -> str:
        return paragraphs(str(self))


@dataclass(frozen=True)
class ComparisonOfModels(Record):
    """Models on the same images: how far they agree and, with labels, their accuracies."""

    images: str
    n: int
    agreements: tuple[Agreement, ...]
    accuracy: ComparisonOfGroups | None

    def sentences(self) -> list[str]:
        """How far each pair of models agrees and, with labels, what each pair shows."""
        accuracies = [] if self.accuracy is None else [*map(str, self.accuracy.groups)]
        pairs = [] if self.accuracy is None else [pair.sentence(self.accuracy.margin) for pair in self.accuracy.pairs]
        return [*accuracies, *map(str, self.agreements), *pairs]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        return f"<ComparisonOfModels on {self.n:,} images, {short(self.images)}>"

    def _repr_html_(self) -> str:
        return paragraphs(*self.sentences())


def agreement(image_set: ImageSource, *, model: Model, reference: ImageSource, device: str = "cpu") -> Agreement:
    """On how many images a model answers as on their partners in the reference.

    No labels are needed. Pictures with names have partners by name, other images by their place. Raises `BadInput`
    where they have none.

    >>> images = np.linspace(0, 1, 10, dtype=np.float32).reshape(10, 1, 1, 1)
    >>> bright = lambda images: np.stack([0.5 - images.mean((1, 2, 3)), images.mean((1, 2, 3)) - 0.5], 1)
    >>> agreed = agreement(ImageSet(0.8 * images), model=bright, reference=ImageSet(images))
    >>> agreed.share.estimate, agreed.differing
    (0.9, (5,))
    """
    reference = as_image_set(reference, "reference")
    image_set = as_image_set(image_set, "images", reference)
    own, partners = partners_of(image_set, reference)
    answers = predict(image_set.images[own], model=model, device=device, name=image_set.name)
    others = predict(reference.images[partners], model=model, device=device, name=reference.name)
    return agreed(answers, others, image_set.name, reference.name, own)


def agreed(
    answers: Float[np.ndarray, "n classes"],
    others: Float[np.ndarray, "n classes"],
    name: str,
    reference: str,
    places: Places | None = None,
) -> Agreement:
    """The agreement of logits with those of the reference, of the images at `places`."""
    same = labels_of(answers) == labels_of(others)
    where = np.flatnonzero(~same) if places is None else places[~same]
    return Agreement(name, reference, len(same), wilson(int(same.sum()), len(same)), tuple(where.tolist()))


def partners_of(image_set: ImageSet, reference: ImageSet) -> tuple[Places, Places]:
    """The places of the images that have a partner, and those of their partners.

    Raises `BadInput` where there are none.
    """
    if image_set.names is not None and reference.names is not None:
        partners, own = shared_names(reference.names, image_set.names)
        if len(own):
            return own, partners
    elif len(image_set) == len(reference):
        return np.arange(len(image_set)), np.arange(len(image_set))
    raise BadInput(
        f"{image_set.name}: no labels, so no accuracy; and its {len(image_set):,} images have no partners among the "
        f"{len(reference):,} of {reference.name}, so no agreement. Pass --labels FILE, or the same images."
    )


def compare_models(
    models: Mapping[str, Model], image_set: ImageSource, *, margin: float, device: str = "cpu"
) -> ComparisonOfModels:
    """Models by name on the same images: each pair's agreement.

    With labels, the difference of their accuracies too. That difference is between these models, not between their
    architectures, of which there is one seed each. Raises `BadInput` for fewer than two models, for models of other
    classes, and for images or labels that don't fit.
    """
    if len(models) < 2:
        raise BadInput("one model alone is nothing to compare. Name two or more, then the images.")
    image_set = as_image_set(image_set)
    logits = {
        name: predict(image_set.images, model=model, device=device, name=image_set.name)
        for name, model in models.items()
    }
    classes = {name: answers.shape[1] for name, answers in logits.items()}
    if len(set(classes.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in classes.items())
        raise BadInput(f"the models know different numbers of classes ({counts}). Compare models of the same classes.")
    accuracy = None
    if image_set.labels is not None:
        check_range(image_set.labels, min(classes.values()), image_set.name)
        right = {name: (labels_of(answers) == image_set.labels)[None] for name, answers in logits.items()}
        accuracy = compare(right, margin)
    pairs = combinations(logits.items(), 2)
    return ComparisonOfModels(
        images=image_set.name,
        n=len(image_set),
        agreements=tuple(agreed(second[1], first[1], second[0], first[0]) for first, second in pairs),
        accuracy=accuracy,
    )
