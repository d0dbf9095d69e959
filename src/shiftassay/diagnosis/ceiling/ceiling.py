"""The accuracy that no classifier can beat on a shifted set, bracketed."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.ceiling.nearest import NearestNeighbors, nearest_neighbor_ceiling
from shiftassay.diagnosis.ceiling.oracles import Oracle, oracles
from shiftassay.diagnosis.ceiling.sufficiency import Sufficiency, check_positions
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import aimed_at
from shiftassay.random_stream import seed_for
from shiftassay.records import Record, stored_as
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Context, Shift
from shiftassay.shifts.sample import LabelMisalignment, LabelNoise
from shiftassay.words.numbers import percent, points


@dataclass(frozen=True)
class Above(Record):
    """A bound from above with the ends of its interval, and how it was had.

    `labels`: the labels themselves are wrong so often. `values`: an image's pixel values are all that is left of it,
    and this is the most that can be made of them.
    """

    method: Literal["labels", "values"]
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Ceiling(Record):
    """Bounds on the accuracy that can be reached on a shifted set.

    `above` is the upper bound, None if it is unknown. `below` is the best oracle's accuracy, and an end that all
    oracles' intervals (corrected for their number) support.
    """

    shift: str
    information: str
    oracles: tuple[Oracle, ...]
    best: str
    below: tuple[float, float]
    above: Above | None
    sufficiency: Sufficiency | None
    neighbors: Annotated[NearestNeighbors | None, stored_as("neighbours", "neighbors")]
    derived = ("sentence",)

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        above = "no bound from above" if self.above is None else f"at most {percent(self.above.high, 1)}"
        return f"<Ceiling: at least {percent(self.below[1], 1)}, {above}>"

    @property
    def sentence(self) -> str:
        """What was reached from below, and what bounds it from above."""
        estimate, low = self.below
        reached = (
            f"Trained on the shifted distribution, the best of {len(self.oracles)} oracles ({self.best}) reaches "
            f"{percent(estimate, 1)} (at least {percent(low, 1)})"
        )
        if self.above is None and self.information == "preserved":
            return f"{reached}; nothing is lost to the shift, so the ceiling is that of the unshifted images."
        if self.above is None and self.sufficiency is not None:
            return (
                f"{reached}; position still matters in the shifted images, so there is no bound from "
                "above, and if nothing better is found the word is: no repair found."
            )
        if self.above is None:
            return (
                f"{reached}; there is no bound from above, and if nothing better is found the word is: no repair found."
            )
        if self.above.method == "labels":
            return (
                f"{reached}; the labels are wrong so often that no answer can be right on more than "
                f"{percent(self.above.high, 1)}."
            )
        assert self.neighbors is not None
        return (
            f"{reached}. Only the multiset of pixel values is left (arrangements are uniform as far as four tests "
            f"can see), and of that the nearest of {self.neighbors.images[-1]:,} is wrong on "
            f"{percent(self.neighbors.errors[-1], 1)}, extrapolated to infinitely many on "
            f"{percent(self.neighbors.limit[0], 1)}: by Cover and Hart's inequality no classifier is right on more "
            f"than {percent(self.above.estimate, 1)} (interval {points(self.above.low, 1)} to "
            f"{percent(self.above.high, 1)})."
        )


def ceiling(
    shift: Shift,
    train: ImageSet,
    shifted: ImageSet,
    *,
    model: nn.Module | None = None,
    seed: int = 0,
    quick: bool = False,
) -> Ceiling:
    """Bracket the accuracy that any classifier can reach on `shifted`.

    `shifted` are the images that `shift` made, with their labels. The lower bound: classifiers trained on `train`,
    shifted likewise by fresh draws. The upper bound: for wrong labels, their share; for images of which only the pixel
    values remain, the limit of nearest neighbours on sorted values, unless the tests of that premise object. No image's
    partner in the reference is used. `model` is what an adversarial shift is aimed at. `quick` takes 5,000 training
    images and fewer epochs.

    Raises `BadInput` without labels, or if what the shift draws once for all images has not been drawn.
    """
    if train.labels is None or shifted.labels is None:
        raise BadInput("a ceiling needs the labels of both the training and the shifted images.")
    if train.shape != shifted.shape:
        raise BadInput(
            f"training images are {train.shape}, shifted ones {shifted.shape}. Give images of the same size."
        )
    if shift.realize(train.shape, np.random.default_rng(0)) != shift:
        raise BadInput(
            f"{shift}: what is drawn once for all images must be fixed. Pass the shift of a verdict, or one that was "
            "drawn."
        )
    if shift.needs_model and model is None:
        raise BadInput(f"{shift}: it is aimed at a model. Pass that model.")
    rng = np.random.default_rng(seed_for(seed, "ceiling"))
    used = np.sort(rng.permutation(len(train))[: SETTINGS.ceiling_quick if quick else len(train)])
    images, labels = train.images[used], train.labels[used]
    context = Context(labels, aimed_at(model)) if shift.needs_model and model is not None else None
    fresh = catalog.shift(ImageSet(images, labels), shift, seed_for(seed, "ceiling"), context)
    data = Dataset("shifted", fresh, replace(shifted, name="shifted"))
    judged = oracles(data, shift, seed, quick, thresholds.CEILING_LEVEL)
    best = max(judged, key=lambda oracle: oracle.accuracy.estimate)
    lowest = max(oracle.accuracy.low for oracle in judged)
    above = _labels_bound(shift, train)
    sufficiency, neighbors = None, None
    if above is None and shift.information == "destroyed" and train.shape[0] == 1:
        sufficiency = check_positions(shifted.images, shifted.labels)
        if sufficiency.holds and len(train) >= thresholds.FEWEST_FOR_VALUES:
            neighbors = _on_values(shift, train, shifted, seed, quick)
            above = Above("values", *neighbors.ceiling)
    return Ceiling(
        shift=str(shift),
        information=shift.information,
        oracles=tuple(judged),
        best=best.name,
        below=(best.accuracy.estimate, lowest),
        above=above,
        sufficiency=sufficiency,
        neighbors=neighbors,
    )


def _on_values(shift: Shift, train: ImageSet, shifted: ImageSet, seed: int, quick: bool) -> NearestNeighbors:
    """The bound from nearest neighbours on sorted pixel values.

    One shifted version of each training image: sorted values of a second would be the same.
    """
    rng = np.random.default_rng(seed_for(seed, "ceiling", "values"))
    used = np.sort(rng.permutation(len(train))[: SETTINGS.ceiling_known_quick if quick else len(train)])
    some = np.sort(rng.permutation(len(shifted))[: SETTINGS.ceiling_asked_quick if quick else SETTINGS.ceiling_asked])
    assert train.labels is not None
    assert shifted.labels is not None
    fresh = catalog.shift(ImageSet(train.images[used], train.labels[used]), shift, seed_for(seed, "ceiling", "values"))
    assert fresh.labels is not None
    values = [np.sort(x.reshape(len(x), -1), axis=1) for x in (fresh.images, shifted.images[some])]
    classes = int(max(fresh.labels.max(), shifted.labels.max())) + 1
    return nearest_neighbor_ceiling(values[0], fresh.labels, values[1], shifted.labels[some], classes, seed)


def _labels_bound(shift: Shift, train: ImageSet) -> Above | None:
    """The upper bound that wrong labels set.

    They do not depend on the image, so no classifier can predict them.
    """
    assert train.labels is not None
    classes = int(train.labels.max()) + 1
    if isinstance(shift, LabelNoise):
        most = max(1 - shift.fraction, shift.fraction / max(classes - 1, 1))
        return Above("labels", most, most, most)
    if isinstance(shift, LabelMisalignment) and shift.offset is None:
        share = float(np.bincount(train.labels).max() / len(train))
        return Above("labels", share, share, share)
    return None
