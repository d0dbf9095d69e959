"""Checking what a diagnosis is given: two image sets, or arrays, that can be compared."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from shiftassay.diagnosis import thresholds
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource, image_set
from shiftassay.imagesets.left_out import left_out_of_both


class CheckedSets(NamedTuple):
    """Both sets, and notes on how they were read."""

    reference: ImageSet
    shifted: ImageSet
    notes: tuple[str, ...]


def check_sets(
    reference: ImageSource,
    shifted: ImageSource,
    labels: Int64[np.ndarray, "n"] | None = None,
    *,
    of_one_size: bool = True,
) -> CheckedSets:
    """Both sets as image sets; `labels` are those of both, where the sets bring none.

    Raises `BadInput` for no images, images of different sizes if they are to be `of_one_size`, sets of one grey value,
    or values that are not finite.
    """
    before = image_set(reference, "reference")
    after = image_set(shifted, "shifted", before)
    for images in (before, after):
        _check_images(images)
    if of_one_size and before.shape != after.shape:
        raise BadInput(
            f"{after.name}: its images are {_size(after)}, those of {before.name} {_size(before)}. Only a "
            "diagnosis takes both as they are, and finds how one became the other: bring them to one size as it says."
        )
    before, after = left_out_of_both(*_labeled(before, after, labels))
    notes: list[str] = []
    if (before.labels is None) != (after.labels is None):
        has, lacks = (before, after) if after.labels is None else (after, before)
        notes.append(
            f"{lacks.name} has no labels: its images take those of their partners in {has.name}, if they have any. "
            "Shifts of labels can't be seen."
        )
    return CheckedSets(before, after, (*notes, *before.notes, *after.notes))


def _check_images(images: ImageSet) -> None:
    if not len(images):
        raise BadInput(f"{images.name}: no images in it. Give at least one.")
    if not np.isfinite(images.images).all():
        raise BadInput(f"{images.name}: it holds NaN or infinity. Repair or leave out those images.")
    if float(np.ptp(images.images)) == 0:
        raise BadInput(
            f"{images.name}: all pixels of all images have the same value, {images.images.flat[0]:g}. There is nothing "
            "to tell shifts apart by: give the images themselves."
        )


def check_unpaired(reference: ImageSet, shifted: ImageSet) -> None:
    """Raise `BadInput` for too few images to compare as sets, where none has a partner."""
    for images in (reference, shifted):
        if len(images) < thresholds.FEWEST_IMAGES:
            raise BadInput(
                f"{images.name}: {len(images)} images, of which none has a partner in the other set. Without partners "
                f"a diagnosis needs at least {thresholds.FEWEST_IMAGES} images a set: give more, or the same pictures "
                "in both."
            )


def _labeled(before: ImageSet, after: ImageSet, labels: Int64[np.ndarray, "n"] | None) -> tuple[ImageSet, ImageSet]:
    """Both sets with these labels, where they bring none and are as many."""
    if labels is None:
        return before, after
    if len(labels) not in (len(before), len(after)):
        raise BadInput(
            f"{len(labels)} labels for {len(before)} images of {before.name} and {len(after)} of {after.name}: "
            "give one for each image."
        )
    first, second = (
        images if images.labels is not None or len(labels) != len(images) else replace(images, labels=labels)
        for images in (before, after)
    )
    return first, second


def _size(images: ImageSet) -> str:
    c, h, w = images.shape
    return f"{h} × {w}" + (f" in {c} channels" if c > 1 else "")
