"""Any file of images to an image set, with every assumption said."""

from pathlib import Path
from typing import Literal

import numpy as np

from shiftassay.arrays.csv_file import read_csv
from shiftassay.arrays.dataset import INSTALLED, load_dataset
from shiftassay.arrays.idx import looks_like_idx, read_idx
from shiftassay.arrays.image_set import ImageSet
from shiftassay.arrays.labels import BESIDE, labels_by_content, read_labels, to_labels
from shiftassay.arrays.layout import check_same_shape, to_nchw
from shiftassay.arrays.numpy_files import read_npy, read_npz
from shiftassay.arrays.raw import RawSet
from shiftassay.arrays.values import to_unit
from shiftassay.errors import BadInput

REFERENCE_NAMES = ("clean", "reference", "original")


def read_image_set(
    path: str | Path,
    *,
    labels: Path | Literal["none"] | None = None,
    reference: ImageSet | None = None,
    unpickle: bool = False,
) -> ImageSet:
    """Read a file of images: `.npy`, `.npz`, `.csv`, IDX, or a data set's name (`mnist`, `mnist:train`).

    Labels are, in this order: `labels`, those in the file, `labels.npy` beside it, matched by content against MNIST,
    and those of the reference if it has as many images. `reference` also fixes size and unit. `notes` of the result
    says what was found and assumed. Raises `BadInput`.

    >>> test = read_image_set("mnist:test")
    >>> test.images.shape, test.labels[:5].tolist()
    ((10000, 1, 28, 28), [7, 2, 1, 0, 4])
    """
    name, _, part = str(path).partition(":")
    if name == "mnist" or name in INSTALLED:
        dataset = load_dataset(name)
        found = dataset.train if part == "train" else dataset.test
        return _checked(found, reference)
    path = Path(path)
    raw = _read_raw(path, reference, unpickle)
    if raw.values.ndim == 0 or raw.values.size == 0:
        raise BadInput(f"{path}: no images in it (shape {raw.values.shape}).")
    images = to_nchw(raw.values, str(path), reference.shape if reference else None)
    values, unit, said = to_unit(images, str(path), reference)
    notes = [f"{path.name}: {said}", *(f"{path.name}: {note}" for note in raw.notes)]
    found = ImageSet(np.ascontiguousarray(values), None, path.name, unit, images.dtype.kind in "bui")
    found = _checked(found, reference)
    if labels == "none":
        return _with(found, None, notes)
    array, source = _labels(path, found, raw, labels, reference, unpickle)
    notes.append(f"{path.name}: labels {source}" if array is not None else f"{path.name}: no labels found")
    return _with(found, array, notes)


def read_folder(folder: Path, unpickle: bool = False) -> tuple[ImageSet, list[ImageSet]]:
    """The reference (`clean.*`, `reference.*` or `original.*`) of a folder, and every other image set in it, by name."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of variants.")
    paths = [path for path in sorted(folder.iterdir()) if _is_image_file(path)]
    clean = [path for path in paths if path.name.split(".")[0].lower() in REFERENCE_NAMES]
    if len(clean) != 1 or len(paths) < 2:
        raise BadInput(
            f"{folder}: expected clean.npy (or .npz, .csv, IDX) and at least one variant beside it, "
            f"found {', '.join(path.name for path in paths) or 'no image files'}."
        )
    reference = read_image_set(clean[0], unpickle=unpickle)
    rest = [read_image_set(path, reference=reference, unpickle=unpickle) for path in paths if path != clean[0]]
    return reference, rest


def _read_raw(path: Path, reference: ImageSet | None, unpickle: bool) -> RawSet:
    if not path.is_file():
        raise BadInput(f"{path}: no such file.")
    if looks_like_idx(path):
        return RawSet(read_idx(path))
    if path.suffix == ".npy":
        return read_npy(path, unpickle)
    if path.suffix == ".npz":
        return read_npz(path, unpickle)
    if path.suffix == ".csv":
        return read_csv(path, int(np.prod(reference.shape)) if reference else None)
    raise BadInput(
        f"{path}: don't know the format {path.suffix or 'without an ending'!r}. Known: .npy, .npz, .csv, IDX."
    )


def _labels(
    path: Path, found: ImageSet, raw: RawSet, given: Path | None, reference: ImageSet | None, unpickle: bool
) -> tuple[np.ndarray | None, str]:
    n = len(found)
    if given is not None:
        return to_labels(read_labels(given, unpickle), str(given), n), f"given, from {given.name}"
    if raw.labels is not None:
        return to_labels(raw.labels, str(path), n), "from the file itself"
    beside = path.parent / BESIDE
    if beside.is_file() and beside != path:
        return to_labels(read_labels(beside, unpickle), str(beside), n), f"from {BESIDE} beside it"
    if matched := labels_by_content(found.images):
        return matched[0], f"found by matching every image with {matched[1]}"
    if reference is not None and reference.labels is not None and len(reference) == n:
        return reference.labels, f"those of {reference.name}, assuming the same order"
    return None, ""


def _checked(found: ImageSet, reference: ImageSet | None) -> ImageSet:
    if reference is not None:
        check_same_shape(found.shape, reference.shape, found.name, reference.name)
    return found


def _with(found: ImageSet, labels: np.ndarray | None, notes: list[str]) -> ImageSet:
    return ImageSet(found.images, labels, found.name, found.unit, found.integer, tuple(notes))


def _is_image_file(path: Path) -> bool:
    stem = path.name.split(".")[0].lower()
    return (
        path.is_file()
        and stem not in ("labels", "targets")
        and (path.suffix in (".npy", ".npz", ".csv") or (looks_like_idx(path) and "labels" not in path.name))
    )
