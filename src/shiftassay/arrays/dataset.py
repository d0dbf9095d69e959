"""Data sets of four IDX files: the embedded MNIST, Fashion-MNIST where Debian put it, any folder."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from shiftassay.arrays.idx import read_idx
from shiftassay.arrays.image_set import ImageSet
from shiftassay.errors import BadInput, unknown_name

MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
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
    """A data set by its name (`mnist`, `fashion-mnist`) or by the folder that holds its four IDX files.

    A folder may be the one with the files, gzipped or not, or one above it in torchvision's layout,
    `<root>/<Name>/raw/`. Where a folder holds several sets (EMNIST does), `folder:digits` says which.

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
        path, _, which = name.rpartition(":") if not Path(name).exists() and ":" in name else (name, "", "")
        folder = Path(path)
        if not folder.is_dir():
            raise unknown_name("data set", name, known_datasets())
    found = _four_files(folder, which)
    sets = {}
    for part in ("train", "test"):
        images, labels = (read_idx(found[part, what]) for what in ("images", "labels"))
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise BadInput(f"{folder}: {part} images {images.shape} and labels {labels.shape} do not belong together.")
        sets[part] = _image_set(f"{name}:{part}", images, labels)
    return Dataset(name, sets["train"], sets["test"])


def known_datasets() -> dict[str, str]:
    """Each known name, and where it is or how to get it."""
    places = {name: str(path) if path.is_dir() else "not installed" for name, path in INSTALLED.items()}
    return {"mnist": "embedded", **places, "FOLDER": "any folder with the four IDX files"}


@cache
def embedded_mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's `train` or `test` images `(n, 28, 28)` and labels as stored, uint8, checked by hash on first reading."""
    stem = "train" if part == "train" else "t10k"
    return _embedded(f"{stem}-images-idx3-ubyte", 16).reshape(-1, 28, 28), _embedded(f"{stem}-labels-idx1-ubyte", 8)


def _embedded(name: str, header: int) -> np.ndarray:
    content = gzip.decompress((files("shiftassay") / "arrays" / "mnist" / f"{name}.gz").read_bytes())
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MNIST_MD5[name]:
        raise BadInput(f"the embedded {name} is damaged: its hash is not MNIST's. Install shiftassay again.")
    return np.frombuffer(content, np.uint8, offset=header)


def _image_set(name: str, images: np.ndarray, labels: np.ndarray) -> ImageSet:
    scaled = images[:, None].astype(np.float32) / np.float32(255)
    return ImageSet(scaled, labels.astype(np.int64), name, unit=255.0, integer=True)


def _four_files(folder: Path, which: str) -> dict[tuple[str, str], Path]:
    """The four files of one set, keyed by (part, what), in the folder, its `raw/`, or its only `*/raw/`."""
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    for place in (folder, folder / "raw", *sorted(folder.glob("*/raw"))):
        for path in sorted(place.glob("*")):
            if match := FILE.match(path.name):
                part = "train" if match["part"] == "train" else "test"
                key = f"{place}/{match['prefix']}"
                sets.setdefault(key, {}).setdefault((part, match["what"]), path)
    complete = {key: found for key, found in sets.items() if len(found) == 4 and key.endswith(which)}
    if len(complete) == 1:
        return next(iter(complete.values()))
    if complete:
        names = ", ".join(f"{folder}:{key.rpartition('-')[2] or key}" for key in complete)
        raise BadInput(f"{folder}: holds several data sets. Say which: {names}.")
    wanted = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
    raise BadInput(f"{folder}: expected {wanted} (or .gz) here or in */raw/.")
