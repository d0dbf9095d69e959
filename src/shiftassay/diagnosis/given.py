"""What a diagnosis is given, from files: both image sets, and training images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.read import read_image_set


def read_pair(
    reference: str | Path, shifted: str | Path, labels: Sequence[str | Path] = (), unpickle: bool = False
) -> tuple[ImageSet, ImageSet]:
    """The reference and the shifted set, which is read in the reference's unit. Raises `BadInput`.

    `labels` are a file for both sets, or one for each. An evaluation takes the reference's labels for a shifted set
    that brings none; a diagnosis does not, since it has to find out whether the images are in the same order.
    """
    if len(labels) > 2:
        raise BadInput(f"--labels: {len(labels)} files for two sets. Give one for both, or one for each.")
    first, second = (labels[0], labels[-1]) if labels else (None, None)
    before = read_image_set(reference, labels=first, unpickle=unpickle)
    return before, _read_shifted(shifted, second, before, unpickle)


def training_images(name: str | None, model: nn.Module | None, like: ImageSet, unpickle: bool = False) -> ImageSet:
    """The training part of a data set, or a file of images.

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
    if Path(name).is_file():
        return read_image_set(name, reference=replace(like, labels=None), unpickle=unpickle)
    return named_dataset(name).train


def _read_shifted(path: str | Path, labels: str | Path | None, before: ImageSet, unpickle: bool) -> ImageSet:
    try:
        return read_image_set(path, labels=labels, reference=replace(before, labels=None), unpickle=unpickle)
    except BadInput:
        alone = read_image_set(path, labels="none", unpickle=unpickle)
        if alone.shape == before.shape:
            raise
        return alone  # the diagnosis says what another size may mean
