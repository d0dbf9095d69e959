"""Labels: reading a file of them, and converting the usual notations to integers."""

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.csv_file import read_csv
from shiftassay.imagesets.idx import looks_like_idx, read_idx
from shiftassay.imagesets.numpy_files import read_npy, read_npz
from shiftassay.imagesets.raw import RawSet
from shiftassay.words.text import short

MOST_CLASSES = 1_000_000  # a larger label is a mistake, and one that would take memory for as many counts


def read_labels(path: Path, unpickle: bool = False) -> Int64[np.ndarray, "n"]:
    """Labels from `.npy`, `.npz`, IDX, or text with one label a row.

    A header is passed over. Raises `BadInput`.
    """
    if looks_like_idx(path):
        raw = RawSet(read_idx(path))
    elif path.suffix.lower() == ".npy":
        raw = read_npy(path, unpickle)
    elif path.suffix.lower() == ".npz":
        raw = read_npz(path, unpickle)
    else:
        raw = read_csv(path, pixels=0)
    return to_labels(raw.values if raw.labels is None else raw.labels, str(path))


def to_labels(values: np.ndarray, where: str, n: int | None = None) -> Int64[np.ndarray, "n"]:
    """Whole numbers from 0, one an image: from integers, whole floats, a column, or one-hot rows.

    Raises `BadInput` for anything else, and unless there are `n` of them.

    >>> to_labels(np.array([[0.0, 1.0], [1.0, 0.0]]), "labels.npy").tolist()
    [1, 0]
    """
    if values.dtype.kind not in "biuf":
        raise BadInput(
            f"{where}: labels must be whole numbers from 0, found {short(values.dtype)}. Number the classes."
        )
    if _is_one_hot(values):
        values = values.argmax(1)
    labels = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if labels.ndim != 1 or not len(labels):
        raise BadInput(f"{where}: expected one label for each image, found an array of shape {values.shape}.")
    if labels.dtype.kind == "b":
        labels = labels.astype(np.uint8)
    if labels.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # extended precision, signaling NaN: found wrong below
            labels = labels.astype(np.float64, copy=False)
    wrong = ~((labels >= 0) & (labels < MOST_CLASSES))
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise BadInput(
            f"{where}: labels must be whole numbers from 0 (and below {MOST_CLASSES:,}), found {labels[at]:g} "
            f"at place {at}."
        )
    if n is not None and len(labels) != n:
        raise BadInput(f"{where}: {len(labels)} labels for {n} images. Pass the file that belongs to these images.")
    return labels.astype(np.int64)


def check_range(labels: Int64[np.ndarray, "n"], classes: int, where: str) -> None:
    """Raise `BadInput` for a label that no output of the model stands for."""
    if len(labels) and labels.max() >= classes:
        at = int(np.flatnonzero(labels >= classes)[0])
        raise BadInput(
            f"{where}: label {labels[at]} at place {at}, but the model knows {classes} classes, 0 to {classes - 1}."
        )


def _is_one_hot(values: np.ndarray) -> bool:
    if values.ndim != 2 or values.shape[1] < 2 or not values.size:
        return False
    low, high = values.min(), values.max()  # NaN if any is
    return bool(low == 0 and high == 1 and (np.count_nonzero(values, 1) == 1).all() and (values.sum(1) == 1).all())
