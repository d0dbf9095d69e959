"""What a diagnosis is given, from files: both image sets, and training images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.picture_folder import holds_pictures
from shiftassay.imagesets.picture_pairs import read_picture_pair, read_sample
from shiftassay.imagesets.picture_rows import FOR_DIAGNOSIS, Limits
from shiftassay.imagesets.picture_sets import open_pictures
from shiftassay.imagesets.read import read_image_set, with_known_labels
from shiftassay.imagesets.shared_names import Places
from shiftassay.imagesets.stream import is_folder
from shiftassay.progress import Watch
from shiftassay.shifts.size_rule import size_rule


def read_pair(
    reference: str | Path,
    shifted: str | Path,
    labels: Sequence[str | Path] = (),
    unpickle: bool = False,
    limits: Limits = FOR_DIAGNOSIS,
    seed: int = 0,
    watch: Watch | None = None,
) -> tuple[ImageSet, ImageSet]:
    """The reference and the shifted set, which is read in the reference's unit. Raises `BadInput`.

    `labels` are a file for both sets, or one for each. An evaluation takes the reference's labels for a shifted set
    that brings none; a diagnosis does not, since it has to find out whether the images are in the same order.
    Pictures of two folders, or of Parquet files, are paired by their names. Of more than the limits allow, a sample is
    drawn by `seed`, the same of both.
    """
    if len(labels) > 2:
        raise BadInput(f"--labels: {len(labels)} files for two sets. Give one for both, or one for each.")
    first, second = (labels[0], labels[-1]) if labels else (None, None)
    pictures = open_pictures(reference, first, None, unpickle)
    classes = None if pictures is None else pictures.classes
    others = open_pictures(shifted, second, classes, unpickle)
    if pictures is not None and others is not None:
        before, after = read_picture_pair(pictures, others, limits=limits, seed=seed, watch=watch, find_rule=size_rule)
        return _known(before, first), _known(after, second)
    if pictures is not None:
        before, rows = read_sample(pictures, limits=limits, seed=seed, watch=watch)
        before = _known(before, first)
        after = _read_shifted(shifted, second, before, unpickle)
        return before, _same_rows(after, rows, len(pictures))
    before = read_image_set(reference, labels=first, unpickle=unpickle)
    if others is not None:
        after, rows = read_sample(others, limits=limits, seed=seed, watch=watch)
        return _same_rows(before, rows, len(others)), _known(after, second)
    return before, _read_shifted(shifted, second, before, unpickle)


def training_images(
    name: str | None, model: nn.Module | None, like: ImageSet, unpickle: bool = False, watch: Watch | None = None
) -> ImageSet:
    """The training part of a data set, a file of images, or a folder of pictures.

    A file of floats is read in the unit of `like`. Without a name, what the model's card says it was trained on. Raises
    `BadInput`.
    """
    if name is None:
        name = getattr(getattr(model, "card", None), "data", None)
        if name in (None, "unknown"):
            raise BadInput(
                "a ceiling needs training images, and no model that is a run of ours says which. "
                "Name them: --train mnist."
            )
    if Path(name).is_file() or (is_folder(name) and holds_pictures(Path(name))):
        return read_image_set(name, reference=replace(like, labels=None, names=None), unpickle=unpickle, watch=watch)
    return named_dataset(name).train


def _read_shifted(path: str | Path, labels: str | Path | None, before: ImageSet, unpickle: bool) -> ImageSet:
    try:
        return read_image_set(path, labels=labels, reference=replace(before, labels=None), unpickle=unpickle)
    except BadInput:
        alone = read_image_set(path, labels="none", unpickle=unpickle)
        if alone.shape == before.shape:
            raise
        return alone  # the diagnosis says what another size may mean


def _known(images: ImageSet, labels: str | Path | None) -> ImageSet:
    """The images with the labels that their content tells, unless they are to have none."""
    return images if str(labels) == "none" else with_known_labels(images)


def _same_rows(images: ImageSet, rows: Places, count: int) -> ImageSet:
    """The images at the places at which pictures were read, if there are as many as pictures."""
    return images.subset(rows) if len(images) == count and len(rows) < count else images
