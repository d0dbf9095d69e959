"""Rows of pictures as a page shows them: small images, in files of their own inside it."""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from PIL import Image

from shiftassay.paths import inside
from shiftassay.report.diagnosis_figures import ImageRows
from shiftassay.report.finding import Figure
from shiftassay.report.set_figures import Samples
from shiftassay.runs.store import read_arrays

LARGEST = 96  # pixels of a side: a picture that is larger is made smaller
FEWER = 6  # of large pictures in a row
SMALL = 64  # pixels of a side up to which there are as many pictures in a row as there are
EXACT = SMALL**2  # values of a picture up to which every one is kept, and shown as a square


@dataclass(frozen=True)
class GridRow:
    """The pictures of a row as addresses that hold them."""

    name: str
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """Rows of pictures; `sharp` where their pixels are to be seen as squares."""

    rows: tuple[GridRow, ...]
    sharp: bool

    @property
    def columns(self) -> int:
        return max(len(row.pictures) for row in self.rows)


def is_grid(figure: Figure) -> bool:
    """Whether a figure is rows of pictures, and nothing else."""
    return figure.kind in _GRIDS


def grid(figure: Figure, folder: Path) -> Grid:
    """The pictures of a figure for which `is_grid` holds.

    Arrays that its data names are read from the study's folder. Raises `BadInput` for a file that can't be read.
    """
    return _GRIDS[figure.kind](figure.data, folder)


def _of_rows(data: ImageRows, folder: Path) -> Grid:
    low, high = data["range"]
    return _grid(
        {
            name: _signed(images) if name in data["signed"] else _gray_or_color((images - low) / (high - low))
            for name, images in data["rows"].items()
        }
    )


def _of_samples(data: Samples, folder: Path) -> Grid:
    arrays = read_arrays(inside(folder, data["file"]))[0]
    return _grid({name: _gray_or_color(arrays[name][: data.get("many")]) for name in data["names"]})


def _grid(rows: Mapping[str, UInt8[np.ndarray, "n h w colors"]]) -> Grid:
    largest = max(max(images.shape[1:3]) for images in rows.values())
    most = None if largest <= SMALL else FEWER
    sharp = max(images[0].size for images in rows.values()) <= EXACT
    return Grid(tuple(GridRow(name, tuple(map(_address, images[:most]))) for name, images in rows.items()), sharp)


def _gray_or_color(images: Float[np.ndarray, "n c h w"]) -> UInt8[np.ndarray, "n h w colors"]:
    images = images[:, :3] if images.shape[1] >= 3 else images[:, :1]
    return np.moveaxis(_bytes(images), 1, -1)


def _signed(images: Float[np.ndarray, "n c h w"]) -> UInt8[np.ndarray, "n h w colors"]:
    """Differences from −1 to 1, from blue (darker) over white to red."""
    return _bytes(colormaps["RdBu_r"]((images.mean(1) + 1) / 2)[..., :3])


def _bytes(values: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    return np.asarray(np.rint(255 * np.clip(np.nan_to_num(values), 0, 1)), np.uint8)


def _address(image: UInt8[np.ndarray, "h w colors"]) -> str:
    picture, out = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image), io.BytesIO()
    exact = image.size <= EXACT
    if not exact:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    kind = "png" if exact else "webp"
    picture.save(out, kind, **({"optimize": True} if exact else {"quality": 75}))
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"


_GRIDS: Mapping[str, Callable[[Any, Path], Grid]] = {"image_rows": _of_rows, "samples": _of_samples}
