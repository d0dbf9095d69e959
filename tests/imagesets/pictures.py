"""Folders of small pictures for tests."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(name: str, size: tuple[int, int] = (6, 8)) -> np.ndarray:
    """Colours that follow from a name."""
    return np.random.default_rng(list(name.encode())).integers(0, 256, (*size, 3), dtype=np.uint8)


def write_folder(folder: Path, names: Iterable[str], content: Callable[[str], np.ndarray] = pixels) -> Path:
    """A folder of pictures, each with the colours of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(content(name)).save(path)
    return folder
