"""The accuracy that the best classifier could reach on a shifted set.

It is an estimate, or a bound where one is proved.
"""

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
from shiftassay.words.numbers import brackets, p_value, percent


@dataclass(frozen=True)
class Above(Record):
    """A ceiling with the ends of its interval, and how it was had.

    `labels`: the labels themselves are wrong so often; that bounds every classifier. `values`: an image's pixel values
    are all that is left of it, and nearest neighbours on them, extrapolated, suggest this: an estimate, no bound.
    """

    method: Literal["labels", "values"]
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Ceiling(Record):
    """The accuracy that can be reached on a shifted set.

    `below` is the best oracle's accuracy, and an end that all oracles' intervals (corrected for their number) support.
    `above` is the ceiling, None if nothing is known of it. `proof` says why values are all that is left of an image; it
    is empty where that is only tested.
    """

    shift: str
    information: str
    oracles: tuple[Oracle, ...]
    best: str
    below: tuple[float, float]
    above: Above | None
    sufficiency: Sufficiency | None
    neighbors: Annotated[NearestNeighbors | None, stored_as("neighbours", "neighbors")]
    proof: str = ""
    derived = ("proved", "sentence")

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        at_most = "at most" if self.proved else "by estimate at most"
        above = "no ceiling known" if self.above is None else f"{at_most} {percent(self.above.high, 1)}"
        return f"<Ceiling: at least {percent(self.below[1], 1)}, {above}>"

    @property
    def proved(self) -> bool:
        """Whether `above` bounds every classifier."""
        return self.above is not None and self.above.method == "labels"

    @property
    def sentence(self) -> str:
        """What was reached, and what is known of the most that can be."""
        estimate, low = self.below
        reached = (
            f"The best of {len(self.oracles)} classifiers trained on images shifted likewise ({self.best}) reaches "
            f"{percent(estimate, 1)} (at least {percent(low, 1)})."
        )
        if self.above is None and self.information == "preserved":
            return f"{reached} The shift can be undone, so the ceiling is that of the unshifted images."
        if self.above is None:
            position = "Position still matters in the shifted images, and no" if self.sufficiency is not None else "No"
            return f"{reached} {position} ceiling below 100% is known."
        if self.above.method == "labels":
            return (
                f"{reached} The labels are wrong so often that no classifier is right on more than "
                f"{percent(self.above.high, 1)}."
            )
        assert self.neighbors is not None
        return (
            f"{self._what_is_left} {reached} The ceiling is an estimate: the nearest of "
            f"{self.neighbors.images[-1]:,} training images, by sorted values, is wrong on "
            f"{percent(self.neighbors.errors[-1], 1)}; extrapolated to infinitely many training images and inserted in "
            f"Cover and Hart's inequality that gives {percent(self.above.estimate, 1)} "
            f"{brackets(self.above, digits=1)}. No proved bound is known."
        )

    @property
    def _what_is_left(self) -> str:
        assert self.sufficiency is not None
        smallest = p_value(self.sufficiency.smallest)
        tests = f"four tests of these images for a trace of position find none (smallest p {smallest}, corrected)"
        if self.proof:
            return f"Only pixel values are left. {self.proof} {tests[0].upper()}{tests[1:]}."
        return f"Only pixel values seem to be left: {tests}."


def ceiling(
    shift: Shift,
    train: ImageSet,
    shifted: ImageSet,
    *,
    model: nn.Module | None = None,
    seed: int = 0,
    quick: bool = False,
) -> Ceiling:
    """Estimate the accuracy that the best classifier can reach on `shifted`.

    `shifted` are the images that `shift` made, with their labels. From below: classifiers trained on `train`, shifted
    likewise by fresh draws. From above: for wrong labels, their share, a bound; for images of which only the pixel
    values remain, the limit of nearest neighbours on sorted values, an estimate, unless tests of that premise object.
    No image's partner in the reference is used. `model` is what an adversarial shift is aimed at. `quick` takes 5,000
    training images and fewer epochs.

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
    best, last = max(judged, key=lambda oracle: oracle.accuracy.estimate), shift.components[-1]
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
        proof=last.theory or "" if last.shuffles else "",
    )


def _on_values(shift: Shift, train: ImageSet, shifted: ImageSet, seed: int, quick: bool) -> NearestNeighbors:
    """The ceiling by nearest neighbours on sorted pixel values.

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
    """The bound that wrong labels set.

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
