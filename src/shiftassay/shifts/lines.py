"""Shifts that draw a line over the picture."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift, check

CHUNK = 2000
MARGIN = 2  # columns between a zigzag and the border


@FAMILIES.register("dotted_line")
@dataclass(frozen=True)
class DottedLine(Shift):
    """A straight line from border to border, on for `dash` columns and off for as many, added to the picture.

    Its rows at the left and at the right border are drawn evenly, for each image. Ink fades with the vertical distance d
    from the line as 1 + log(1 − d / width), until nothing is left of it (Mu and Gilmer 2019).
    """

    family: ClassVar[str] = "dotted_line"
    group: ClassVar[str] = "overlay"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "A stroke that belongs to no digit crosses the image: it closes gaps, adds bars, and votes for the classes that have one there."
    )
    information: ClassVar[Information] = "reduced"

    width: float = 2.3
    dash: int = 2
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "width", lambda v: v > 0, "above 0")
        check(self, "dash", lambda v: v >= 1, "1 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, _, h, w = images.shape
        left, right = rng.integers(0, max(h - 1, 1), (n, 2)).T
        on = np.arange(w) // self.dash % 2 == 1
        on[-1] = False
        drawn = images.copy()
        for part in _parts(n):
            rows = left[part, None] + (right - left)[part, None] * np.arange(w) / max(w - 1, 1)
            drawn[part] += (_ink(rows, h, self.width) * on)[:, None]
        return np.clip(drawn, 0, 1)


@FAMILIES.register("zigzag")
@dataclass(frozen=True)
class Zigzag(Shift):
    """A zigzag about a line from the third column to the last but two, added to the picture.

    Its corners lie `step`, 3 · step, 5 · step … along the line, and by turns `height` below and above it (pixels). The line starts
    at a row drawn evenly, for each image, and ends −5 … 4 rows lower. Ink fades as in `dotted_line` (Mu and Gilmer 2019).
    """

    family: ClassVar[str] = "zigzag"
    group: ClassVar[str] = "overlay"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Corners and slanted strokes, of which digits are made, run across the image and belong to none: the network reads them as ink."
    )
    information: ClassVar[Information] = "reduced"

    step: float = 2.0
    height: float = 2.0
    width: float = 2.3
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "step", lambda v: v >= 0.5, "0.5 or more")
        check(self, "width", lambda v: v > 0, "above 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, _, h, w = images.shape
        start, fall = rng.integers([0, -5], [max(h - 1, 1), 5], (n, 2)).T
        drawn = images.copy()
        for part in _parts(n):
            drawn[part] += self._lines(start[part], fall[part], h, w)[:, None]
        return np.clip(drawn, 0, 1)

    def _lines(self, start: np.ndarray, fall: np.ndarray, h: int, w: int) -> np.ndarray:
        span = max(w - 1 - 2 * MARGIN, 1)
        slope = np.arctan2(fall, span)
        length = span / np.cos(slope)
        corners = int(np.ceil((length.max() / self.step + 1) / 2)) + 1
        along = np.concatenate([[0], self.step * (2 * np.arange(corners) + 1)])
        across = np.concatenate([[0], self.height * (-1) ** np.arange(corners)])
        x = np.cos(slope)[:, None] * along - np.sin(slope)[:, None] * across + MARGIN
        y = np.sin(slope)[:, None] * along + np.cos(slope)[:, None] * across + start[:, None]
        column = np.arange(w)
        ink = np.zeros((len(start), h, w), np.float32)
        for i in range(corners):
            x0, x1, y0, y1 = (v[:, None] for v in (x[:, i], x[:, i + 1], y[:, i], y[:, i + 1]))
            rows = y0 + (y1 - y0) * (column - x0) / np.maximum(x1 - x0, 1e-6)
            on = (column >= np.floor(x0)) & (column < np.ceil(np.minimum(x1, MARGIN + span)))
            ink += _ink(rows, h, self.width) * on[:, None, :]
        return ink


def _ink(rows: np.ndarray, h: int, width: float) -> np.ndarray:
    """How much ink (n, h, w) a line leaves that passes through the given row in each column (n, w)."""
    away = np.abs(np.arange(h, dtype=np.float32)[:, None] - rows.astype(np.float32)[:, None, :]) / np.float32(width)
    return np.clip(1 + np.log1p(-np.minimum(away, np.float32(0.99))), 0, 1)


def _parts(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]
