"""Where the labels come from: given, in the file, beside it, or found by the images' content. Always said which."""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.arrays.csv_file import read_csv
from shiftassay.arrays.dataset import embedded_mnist
from shiftassay.arrays.idx import looks_like_idx, read_idx
from shiftassay.arrays.numpy_files import read_npy, read_npz
from shiftassay.errors import BadInput

BESIDE = "labels.npy"


def read_labels(path: Path, unpickle: bool = False) -> Int64[np.ndarray, "n"]:
    """Labels from `.npy`, `.npz`, IDX, or text with one label a row (a header is passed over)."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file of labels.")
    if looks_like_idx(path):
        values = read_idx(path)
    elif path.suffix == ".npy":
        values = read_npy(path, unpickle).values
    elif path.suffix == ".npz":
        raw = read_npz(path, unpickle)
        values = raw.values if raw.labels is None else raw.labels
    else:
        raw = read_csv(path, pixels=0)
        values = raw.values if raw.labels is None else raw.labels
    return to_labels(values, str(path))


def to_labels(values: np.ndarray, where: str, n: int | None = None) -> Int64[np.ndarray, "n"]:
    """Whole numbers from 0, one an image: from integers, whole floats, a column, or one-hot rows."""
    if (
        values.ndim == 2
        and values.shape[1] > 1
        and ((values == 0) | (values == 1)).all()
        and (values.sum(1) == 1).all()
    ):
        values = values.argmax(1)
    labels = np.squeeze(values, axis=1) if values.ndim == 2 and values.shape[1] == 1 else values
    if labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise BadInput(
            f"{where}: expected one whole number an image as its label, found {values.shape} of {values.dtype}."
        )
    whole = labels.astype(np.int64)
    if len(whole) and (not np.array_equal(whole, labels) or whole.min() < 0):
        raise BadInput(
            f"{where}: labels must be whole numbers from 0, found {labels[(whole != labels) | (whole < 0)][0]:g}."
        )
    if n is not None and len(whole) != n:
        raise BadInput(f"{where}: {len(whole)} labels for {n} images. Pass the file that belongs to these images.")
    return whole


def check_range(labels: Int64[np.ndarray, "n"], classes: int, where: str) -> None:
    """Raise `BadInput` for a label that no output of the model stands for."""
    if len(labels) and labels.max() >= classes:
        at = int(np.flatnonzero(labels >= classes)[0])
        raise BadInput(
            f"{where}: label {labels[at]} at place {at}, but the model knows {classes} classes, 0 to {classes - 1}."
        )


def labels_by_content(images: Float32[np.ndarray, "n c h w"]) -> tuple[Int64[np.ndarray, "n"], str] | None:
    """The labels of images that all stand in the embedded MNIST, in whatever order, and in which part they stand.

    None if any image is unknown: a single match by chance is impossible, a partial one means another set.
    """
    grey = images * 255
    rounded = np.rint(grey)
    if (
        images.shape[1:] != (1, 28, 28)
        or np.abs(grey - rounded).max() > 0.01
        or rounded.min() < 0
        or rounded.max() > 255
    ):
        return None
    keys = [image.tobytes() for image in rounded.astype(np.uint8)]
    for part in ("test", "train"):
        known = _known(part)
        if all(key in known for key in keys):
            return np.array([known[key] for key in keys], np.int64), f"the MNIST {part} set"
    return None


@cache
def _known(part: str) -> dict[bytes, int]:
    images, labels = embedded_mnist(part)
    return {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
