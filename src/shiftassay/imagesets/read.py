"""Reading any file or folder of images as an image set; every assumption is noted."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.csv_file import read_csv
from shiftassay.imagesets.dataset import INSTALLED, load_dataset
from shiftassay.imagesets.idx import labels_beside, looks_like_idx, read_idx
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import read_labels, to_labels
from shiftassay.imagesets.layout import check_same_shape, size_of, to_nchw
from shiftassay.imagesets.limits import enough_memory
from shiftassay.imagesets.matching import labels_by_content, labels_by_reference
from shiftassay.imagesets.numpy_files import read_npy, read_npz
from shiftassay.imagesets.picture_rows import EVERYTHING, Limits
from shiftassay.imagesets.picture_sets import open_pictures, read_pictures
from shiftassay.imagesets.raw import RawSet
from shiftassay.imagesets.stream import is_file, opened
from shiftassay.imagesets.values import to_unit
from shiftassay.progress import Watch
from shiftassay.words.lists import first_of, plural
from shiftassay.words.text import printable

BESIDE = "labels.npy"
REFERENCE_NAMES = ("clean", "reference", "original")


def read_image_set(
    path: str | Path,
    *,
    labels: str | Path | None = None,
    reference: ImageSet | None = None,
    unpickle: bool = False,
    limits: Limits = EVERYTHING,
    seed: int = 0,
    watch: Watch | None = None,
) -> ImageSet:
    """Read a file of images, a folder of pictures, or a data set by its name.

    Formats: `.npy`, `.npz`, `.csv`, IDX, Parquet; PNG, JPEG, WebP, TIFF, BMP and GIF in folders, flat or one for each
    class. Names: `mnist`, `mnist:train`. Labels are, in this order: `labels`, those in the file or of the folders,
    `labels.npy` beside it (of IDX, the file named alike; in a folder `labels.csv`), matched by content against MNIST,
    then against the reference, and those of the reference by file name, or if it has as many images; none with
    `labels="none"`. `reference` also fixes size and unit, and of pictures which are read: those that share its names.
    Of more pictures than the limits allow, a sample is drawn by `seed`; `watch` is told how far reading has come.
    `notes` of the result says what was found and assumed. Raises `BadInput`.

    >>> test = read_image_set("mnist:test")
    >>> test.images.shape, test.labels[:5].tolist()
    ((10000, 1, 28, 28), [7, 2, 1, 0, 4])
    """
    name, path, without = path, Path(path), str(labels) == "none"  # a Path, from the command line
    label_file = None if without or labels is None else Path(labels)
    with enough_memory(str(path)):
        source = open_pictures(name, labels, reference.classes if reference else None, unpickle)
        if source is None:
            return _read(path, label_file, without, reference, unpickle)
        like = replace(reference, labels=None) if reference is not None and without else reference
        image_set = read_pictures(source, like, limits=limits, seed=seed, watch=watch)
        if reference is not None:
            check_same_shape(image_set.shape, reference.shape, image_set.name, reference.name)
        return image_set if without else with_known_labels(image_set, reference)


def with_known_labels(image_set: ImageSet, reference: ImageSet | None = None) -> ImageSet:
    """Pictures without labels of their own, with those that their content or their order tells."""
    if image_set.labels is not None:
        return image_set
    labels, origin = _labels_elsewhere(image_set, reference)
    note = f"{image_set.name}: {f'labels {origin}' if labels is not None else 'no labels found'}"
    return replace(image_set, labels=labels, notes=(*image_set.notes, note))


def _read(path: Path, label_file: Path | None, without: bool, reference: ImageSet | None, unpickle: bool) -> ImageSet:
    if (named := _named_set(str(path))) is not None:
        image_set, own, notes = named, named.labels, list(named.notes)
    else:
        image_set, own, notes = _read_file(path, reference, unpickle)
    if reference is not None:
        check_same_shape(image_set.shape, reference.shape, image_set.name, reference.name)
    if without:
        return replace(image_set, labels=None, notes=tuple(notes))
    array, source = _labels(path, image_set, own, label_file, reference, unpickle)
    if named is None or label_file is not None:
        notes.append(f"{image_set.name}: {f'labels {source}' if array is not None else 'no labels found'}")
    return replace(image_set, labels=array, notes=tuple(notes))


def read_folder(folder: Path, unpickle: bool = False) -> tuple[ImageSet, list[ImageSet]]:
    """The reference of a folder, and its other image sets, by name.

    The reference is `clean.*`, `reference.*` or `original.*`.
    """
    try:
        paths = [path for path in sorted(folder.iterdir()) if _is_image_file(path)]
    except (OSError, ValueError) as error:  # ValueError for a null byte in its name
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{folder}: no folder of variants that can be read ({reason}). Check its name.") from None
    names = [_stem(path) for path in paths]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadInput(f"{folder}: several image files are called {twice!r} (a name ends at its first dot). Keep one.")
    clean = [path for path, name in zip(paths, names, strict=True) if name in REFERENCE_NAMES]
    if len(clean) != 1 or len(paths) < 2:
        raise BadInput(
            f"{folder}: expected one of clean.npy, reference.npy and original.npy (or .npz, .csv, IDX) and at least "
            f"one variant beside it, found {first_of(path.name for path in paths) or 'no image files'}."
        )
    reference = read_image_set(clean[0], unpickle=unpickle)
    rest = [read_image_set(path, reference=reference, unpickle=unpickle) for path in paths if path != clean[0]]
    return reference, rest


def _named_set(name: str) -> ImageSet | None:
    """A part of a known data set, by its name; None if it is no such name."""
    name, _, part = name.partition(":")
    if name != "mnist" and name not in INSTALLED:
        return None
    if part not in ("", "train", "test"):
        raise BadInput(f"{name}:{part}: no such part. Known: {name}:train, {name}:test (as {name} alone).")
    dataset = load_dataset(name)
    return dataset.train if part == "train" else dataset.test


def _read_file(path: Path, reference: ImageSet | None, unpickle: bool) -> tuple[ImageSet, np.ndarray | None, list[str]]:
    """Images, the labels in the same file, and notes; the values as stored are freed."""
    raw = _read_raw(path, reference, unpickle)
    if raw.values.size == 0:
        raise BadInput(f"{path}: no images in it (shape {raw.values.shape}).")
    images = to_nchw(raw.values, str(path), reference.shape if reference else None)
    values, unit, scaling = to_unit(images, str(path), reference)
    image_set = ImageSet(values, None, printable(path.name), unit, images.dtype.kind in "bui")
    layout = f"{raw.values.shape} read as {plural(len(images), 'image')} of {size_of(image_set.shape)}"
    return image_set, raw.labels, [f"{image_set.name}: {note}" for note in (layout, scaling, *raw.notes)]


def _read_raw(path: Path, reference: ImageSet | None, unpickle: bool) -> RawSet:
    if looks_like_idx(path):
        return RawSet(read_idx(path))
    if path.suffix.lower() == ".npy":
        return read_npy(path, unpickle)
    if path.suffix.lower() == ".npz":
        return read_npz(path, unpickle)
    if path.suffix.lower() == ".csv":
        return read_csv(path, int(np.prod(reference.shape)) if reference else None)
    with opened(path):  # that it is missing, or a folder, is to be said first
        pass
    raise BadInput(
        f"{path}: don't know the format {path.suffix or 'without an ending'!r}. Known: .npy, .npz, .csv, IDX, Parquet, "
        "and folders of pictures."
    )


def _labels(
    path: Path,
    image_set: ImageSet,
    own: np.ndarray | None,
    label_file: Path | None,
    reference: ImageSet | None,
    unpickle: bool,
) -> tuple[np.ndarray | None, str]:
    """Labels, and where they are from; None if there are none."""
    n = len(image_set)
    if label_file is not None:
        labels = to_labels(read_labels(label_file, unpickle), str(label_file), n)
        return labels, f"given, from {printable(label_file.name)}"
    if own is not None:
        return to_labels(own, str(path), n), "from the file itself"
    beside = labels_beside(path) if looks_like_idx(path) else None
    beside = beside or path.parent / BESIDE
    if is_file(beside) and beside != path:
        labels = to_labels(read_labels(beside, unpickle), str(beside), n)
        matched = labels_by_content(image_set.images)
        wrong = int((labels != matched[0]).sum()) if matched else 0
        doubt = (
            f"; but its images are MNIST's, and {wrong:,} have other labels there: is the order another?"
            if wrong
            else ""
        )
        return labels, f"from {printable(beside.name)} beside it{doubt}"
    return _labels_elsewhere(image_set, reference)


def _labels_elsewhere(image_set: ImageSet, reference: ImageSet | None) -> tuple[np.ndarray | None, str]:
    """Labels of images whose content is known, or those of a reference with as many images."""
    if matched := labels_by_content(image_set.images):
        return matched[0], f"found by matching every image with {matched[1]}"
    if reference is None:
        return None, ""
    if (same := labels_by_reference(image_set, reference)) is not None:
        return same, f"found by matching every image with {reference.name}"
    named = image_set.names is not None and reference.names is not None  # with names, an order is no reason
    if reference.labels is not None and len(reference) == len(image_set) and not named:
        return reference.labels, f"those of {reference.name}, assuming the same order"
    return None, ""


def _is_image_file(path: Path) -> bool:
    """Whether the name is that of an image file.

    Labels, and hidden files such as macOS's `._clean.npy`, are not.
    """
    name = _stem(path)
    readable = path.suffix.lower() in (".npy", ".npz", ".csv") or looks_like_idx(path)
    return readable and bool(name) and not re.search("label|target", path.name.lower()) and is_file(path)


def _stem(path: Path) -> str:
    return path.name.split(".")[0].lower()
