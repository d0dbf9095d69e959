"""Data sets of four IDX files: the embedded MNIST, Debian's Fashion-MNIST, any folder."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shiftassay.errors import BadInput, unknown_name
from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.idx import read_idx
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import to_labels
from shiftassay.imagesets.layout import check_same_shape, to_nchw
from shiftassay.imagesets.stream import is_file, is_folder
from shiftassay.imagesets.values import to_unit

INSTALLED = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}
FILE = re.compile(r"(?P<prefix>.*?)-?(?P<part>train|test|t10k)-(?P<what>images|labels)[-.]idx[13]-ubyte(\.gz)?$")


@dataclass(frozen=True)
class Dataset:
    """A training and a test set with the same classes."""

    name: str
    train: ImageSet
    test: ImageSet

    @property
    def classes(self) -> int:
        """The number of classes: one more than the largest label."""
        assert self.train.labels is not None
        return int(self.train.labels.max()) + 1


def load_dataset(name: str) -> Dataset:
    """A data set by its name (`mnist`, `fashion-mnist`) or by the folder of its four IDX files.

    A folder may be the one with the files, gzipped or not, or one above it in torchvision's layout,
    `<root>/<Name>/raw/`. Where a folder holds several sets (EMNIST does), `folder:digits` says which. Values and labels
    are taken as stored: EMNIST's images are transposed, the labels of its letters start at 1. Raises `BadInput`.

    >>> mnist = load_dataset("mnist")
    >>> mnist.train.images.shape, mnist.test.images.shape, mnist.classes
    ((60000, 1, 28, 28), (10000, 1, 28, 28), 10)
    """
    if name == "mnist":
        parts = {part: embedded_mnist(part) for part in ("train", "test")}
        return Dataset(name, *(_image_set(f"mnist:{part}", *parts[part]) for part in ("train", "test")))
    if name in INSTALLED:
        folder, which = INSTALLED[name], ""
        if not folder.is_dir():
            raise BadInput(f"{name}: not installed. Debian's package dataset-fashion-mnist puts it into {folder}.")
    else:
        folder, which = _folder_and_set(name)
    arrays = {key: read_idx(path) for key, path in _four_files(folder, which).items()}
    train = _image_set(f"{name}:train", arrays["train", "images"], arrays["train", "labels"])
    test = _image_set(f"{name}:test", arrays["test", "images"], arrays["test", "labels"], train)
    check_same_shape(test.shape, train.shape, test.name, train.name)
    return Dataset(name, train, test)


def known_datasets() -> dict[str, str]:
    """Each known name, and where it is or how to get it."""
    places = {name: str(path) if path.is_dir() else "not installed" for name, path in INSTALLED.items()}
    return {"mnist": "embedded", **places, "FOLDER": "any folder with the four IDX files"}


def _folder_and_set(name: str) -> tuple[Path, str]:
    """`folder` or `folder:set`."""
    path, _, which = name.rpartition(":")
    for folder, part in ((name, ""), (path, which)):
        if folder and is_folder(folder):
            return Path(folder), part
    if is_file(name):
        raise BadInput(
            f"{name}: a file, where a data set's folder was expected. Name the folder with the four IDX files."
        )
    raise unknown_name("data set", name, known_datasets())


def _image_set(name: str, images: np.ndarray, labels: np.ndarray, like: ImageSet | None = None) -> ImageSet:
    whole = to_nchw(images, name)
    values, unit, scaling = to_unit(whole, name, like)
    notes = (f"{name}: {scaling}",) if whole.dtype != np.uint8 else ()  # bytes are what everybody expects
    return ImageSet(values, to_labels(labels, name, len(values)), name, unit, whole.dtype.kind in "bui", notes)


def _four_files(folder: Path, which: str) -> dict[tuple[str, str], Path]:
    """The four files of one set, keyed by (part, what).

    They are in the folder, its `raw/`, or one of its `*/raw/`.
    """
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    for place in (folder, folder / "raw", *sorted(folder.glob("*/raw"))):
        own = place.parent.name if place.name == "raw" else place.name
        for path in sorted(place.glob("*")):
            # Kaggle's MNIST holds folders of these names beside the files.
            if (match := FILE.match(path.name)) and path.is_file():
                part = "train" if match["part"] == "train" else "test"
                sets.setdefault(match["prefix"] or own, {}).setdefault((part, match["what"]), path)
    complete = {
        key: paths
        for key, paths in sets.items()
        if len(paths) == 4 and (not which or f"-{key}".lower().endswith(f"-{which}".lower()))
    }
    if len(complete) == 1:
        return next(iter(complete.values()))
    if complete:
        raise BadInput(
            f"{folder}: holds several data sets. Say which: {', '.join(f'{folder}:{key}' for key in complete)}."
        )
    partial = next((paths for paths in sets.values() if len(paths) < 4), None)
    if partial:
        missing = next(f"{p} {w}" for p in ("train", "test") for w in ("images", "labels") if (p, w) not in partial)
        raise BadInput(f"{folder}: no {missing} beside {next(iter(partial.values())).name}. Put all four files there.")
    wanted = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
    named = f" of {which!r}" if which else ""
    raise BadInput(f"{folder}: expected {wanted} (or .gz){named} here or in */raw/.")
