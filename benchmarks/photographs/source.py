"""Photographs that packages of Python and of Debian bring, and crops of them.

`photographs.json` lists them: package, path and the SHA-256 of the file. Drawings, renderings, gradients and grey
pictures are not listed. Which half a photograph belongs to, development or test, is a matter of its content's hash.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from shiftassay.errors import BadInput
from shiftassay.random_stream import seed_for

LIST = Path(__file__).with_name("photographs.json")
SIZE = 224
LEAST_SIDE = 0.35  # of the photograph's shorter side: the smallest crop, where it is not enlarged
PLAIN = 12.0  # grey levels: sd of a crop's pixels, without colour, below which it shows little but sky
ATTEMPTS = 20  # at a crop that is not plain
Split = Literal["development", "test"]
Rng = np.random.Generator


@dataclass(frozen=True)
class Photograph:
    """A file of an installed package."""

    package: str
    installer: str
    """pip or apt."""
    path: str
    """From the root of the file system, or from the folder of Python's packages."""
    sha256: str

    @property
    def split(self) -> Split:
        """By the first digit of the content's hash."""
        return "test" if int(self.sha256[0], 16) % 2 else "development"

    @property
    def file(self) -> Path | None:
        """Where the file is; None if its package is not installed, or another version of it."""
        path = Path(self.path)
        if self.installer == "pip":
            spec = find_spec(path.parts[0])
            if spec is None or spec.origin is None:
                return None
            path = Path(spec.origin).parent.parent / path
        same = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256
        return path if same else None


def photographs(split: Split, n: int, size: int = SIZE, seed: int = 0) -> np.ndarray:
    """Random crops of the photographs of a half, each about equally often: uint8 (n, size, size, 3).

    A crop is a square of random place and size, brought down by the means of areas, never enlarged: smaller
    photographs are left out. What shows little but sky is drawn again. Raises `BadInput` if no photograph is left.
    """
    chosen = [one for one in installed() if one.split == split and _side(one) >= size]
    if not chosen:
        raise BadInput(f"No photograph for {split} is {size} pixels high and wide. {how_to_install(listed())}")
    rng = np.random.default_rng(seed_for("photographs", split, n, size, seed))
    rounds = [rng.permutation(len(chosen)) for _ in range(-(-n // len(chosen)))]
    which = rng.permutation(np.concatenate(rounds)[:n])
    crops = np.empty((n, size, size, 3), np.uint8)
    for number, photograph in enumerate(chosen):
        (places,) = np.nonzero(which == number)
        if len(places):
            stream = np.random.default_rng(seed_for("crops", photograph.sha256, size, seed))
            picture = _opened(photograph)
            for place in places:
                crops[place] = _crop(picture, size, stream)
    return crops


@cache
def listed() -> tuple[Photograph, ...]:
    """All photographs that the benchmark knows."""
    return tuple(Photograph(**row) for row in json.loads(LIST.read_text()))


@cache
def installed() -> tuple[Photograph, ...]:
    """Those whose file is here, with the content that is listed."""
    return tuple(one for one in listed() if one.file is not None)


def missing() -> str | None:
    """A sentence on the photographs that are left out, and how to install them; None if all are here."""
    absent = [one for one in listed() if one not in installed()]
    if not absent:
        return None
    return f"{len(absent)} of {len(listed())} photographs are left out. {how_to_install(absent)}"


def how_to_install(absent: Sequence[Photograph]) -> str:
    """The commands that bring the packages of these photographs."""
    packages = Counter((one.installer, one.package) for one in absent)
    commands = []
    for installer in ("apt", "pip"):
        names = [f"{package} ({count})" for (by, package), count in packages.items() if by == installer]
        if names:
            commands.append(f"{installer} install: {', '.join(names)}")
    return f"Install these packages, with as many photographs each. {'; '.join(commands)}."


@cache
def _side(photograph: Photograph) -> int:
    """Pixels of the shorter side."""
    assert photograph.file is not None
    with Image.open(photograph.file) as picture:
        return min(picture.size)


def _opened(photograph: Photograph) -> Image.Image:
    assert photograph.file is not None
    with Image.open(photograph.file) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _crop(picture: Image.Image, size: int, rng: Rng) -> np.ndarray:
    """A square of the picture; the most varied of some, if all are plain."""
    crops = []
    for _ in range(ATTEMPTS):
        crop = _square(picture, size, rng)
        if _variation(crop) >= PLAIN:
            return crop
        crops.append(crop)
    return max(crops, key=_variation)


def _variation(crop: np.ndarray) -> float:
    """The sd of its pixels' grey levels."""
    return float(crop.mean(2).std())


def _square(picture: Image.Image, size: int, rng: Rng) -> np.ndarray:
    """A square whose side's logarithm is uniform, up to the shorter side."""
    largest = min(picture.size)
    smallest = max(size, LEAST_SIDE * largest)
    side = round(np.exp(rng.uniform(log(smallest), log(largest))))
    left, top = (int(rng.integers(0, length - side + 1)) for length in picture.size)
    box = (left, top, left + side, top + side)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX, box=box))
