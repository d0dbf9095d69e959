"""Shifts that draw a line over the picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check

CHUNK = 2000
MARGIN = 2  # columns between a zigzag and the border
FEW = 24  # images that a line is laid on, everywhere it may run
WHITE = 0.99  # ink may have been cut off where the result is as bright as this
SHARPNESS = 10.0  # a tenth of the ink's energy counts as near
WIDTHS = (1.0, 1.5, 2.3, 3.5, 5.0)


@FAMILIES.register("dotted_line")
@dataclass(frozen=True)
class DottedLine(Shift):
    """A straight line from border to border, on for `dash` columns and off for as many, added to the picture.

    Its rows at the left and at the right border are drawn evenly, for each image. Ink fades with the vertical distance d
    from the line as 1 + log(1 − d / width), until nothing is left of it (Mu and Gilmer 2019).
    """

    family: ClassVar[str] = "dotted_line"
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    refined: ClassVar[tuple[str, ...] | None] = ("width",)
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
        on = _on(w, self.dash)
        drawn = images.copy()
        for part in _parts(n):
            rows = left[part, None] + (right - left)[part, None] * np.arange(w) / max(w - 1, 1)
            drawn[part] += (_ink(rows, h, self.width) * on)[:, None]
        return np.clip(drawn, 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The dash from the columns that never get ink, the width by least squares.

        On a few images, each line that may have been drawn (every row at the left, every row at the right) is compared with
        what was added; the best line of each image counts.
        """
        pairs = undo_intensity_map(pairs)
        added = _added(pairs)
        h, w = pairs.reference.shape[2:]
        if added is None:
            return []
        inked = np.clip(pairs.shifted - pairs.reference, 0, None).sum((1, 2)).mean(0)
        patterns = {dash: _on(w, dash) for dash in range(1, max(w // 3, 1) + 1)}
        alike = {dash: _contrast(inked, on) for dash, on in patterns.items() if on.any()}
        dash = max(alike, key=lambda d: alike[d], default=0)
        if not dash or alike[dash] < 0.4:
            return []
        on = patterns[dash]
        left, right = (ends.ravel() for ends in np.meshgrid(np.arange(max(h - 1, 1)), np.arange(max(h - 1, 1))))
        rows = left[:, None] + (right - left)[:, None] * np.arange(w)[on] / max(w - 1, 1)

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            return _ink(rows, h, numbers[0]) if 0.3 < numbers[0] < h else None

        ink, known = (part[:, :, on] for part in added)
        starts = np.array(WIDTHS)[:, None]
        best, left_over = matched(_mismatch(lines, ink, known), np.zeros(1), starts, np.array([0.3]), tries=12)
        return [cls(float(best[0]), dash)] if left_over < 0.6 * SHARPNESS**2 else []


@FAMILIES.register("zigzag")
@dataclass(frozen=True)
class Zigzag(Shift):
    """A zigzag about a line from the third column to the last but two, added to the picture.

    Its corners lie `step`, 3 · step, 5 · step … along the line, and by turns `height` below and above it (pixels). The line starts
    at a row drawn evenly, for each image, and ends −5 … 4 rows lower. Ink fades as in `dotted_line` (Mu and Gilmer 2019).
    """

    family: ClassVar[str] = "zigzag"
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    refined: ClassVar[tuple[str, ...] | None] = ("step",)
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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Step, height and width by least squares, the best of all lines that may have been drawn counting for each of a few images."""
        pairs = undo_intensity_map(pairs)
        added = _added(pairs)
        h, w = pairs.reference.shape[2:]
        if added is None or w <= 2 * MARGIN + 2:
            return []
        ink, known = added
        if ink.sum((0, 1))[[0, w - 1]].sum() > 0.05 * ink.sum():  # a zigzag ends before the borders
            return []
        falls = np.arange(-5, 5)

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            step, height, width = numbers
            if not (0.8 < step < w and 0 <= height < h and 0.5 < width < h):
                return None
            # All starts at once: a line that starts a row lower is the same line, a row lower.
            above = h
            tall = cls(step, height, width)._lines(np.full(len(falls), above), falls, above + 2 * h, w)
            return np.concatenate([tall[:, above - start : above - start + h] for start in range(max(h - 1, 1))])

        starts = np.array([(s, a, 2.3) for s in (1.5, 2.0, 3.0, 4.5) for a in (1.0, 2.0, 3.5)])
        first = [part[:8] for part in added]
        start, _ = matched(_mismatch(lines, *first), np.zeros(1), starts, np.array([0.3, 0.3, 0.3]), tries=4)
        best, left_over = matched(
            _mismatch(lines, ink, known), np.zeros(1), start[None], np.array([0.3, 0.3, 0.3]), tries=80
        )
        return [cls(*map(float, best))] if left_over < 0.6 * SHARPNESS**2 else []

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


def _added(pairs: Pairs) -> tuple[np.ndarray, np.ndarray] | None:
    """What was added to the first images (n, h, w), and where that is known; None unless what changed became brighter."""
    difference = (pairs.shifted - pairs.reference).astype(np.float64)
    up, down = (difference.clip(0) ** 2).sum(), (difference.clip(None, 0) ** 2).sum()
    if up == 0 or down > 0.2 * up or min(difference.shape[2:]) < 3:
        return None
    few = slice(FEW)
    known = (pairs.shifted[few] < WHITE) | (pairs.reference[few] < 1 - WHITE)
    return np.where(known, difference[few], 0).mean(1), np.asarray(known.all(1))


def _mismatch(
    lines: Callable[[np.ndarray], np.ndarray | None], ink: np.ndarray, known: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """From parameters to how much of the ink's energy the best line of each image leaves, as `matched` takes it."""
    n = len(ink)
    wanted, weights = np.where(known, ink, 0).reshape(n, -1).astype(np.float32), known.reshape(n, -1).astype(np.float32)
    total = (wanted**2).sum(dtype=np.float64)

    def left_over(numbers: np.ndarray) -> np.ndarray:
        made = lines(numbers)
        if made is None:
            return np.full(1, np.nan)
        made = np.minimum(made, 1).reshape(len(made), -1)
        errors = weights @ (made**2).T - 2 * wanted @ made.T
        share = max(1 + errors.min(1).sum() / max(total, 1e-9), 0)
        return np.array([SHARPNESS * np.sqrt(share)])  # squared by `matched`

    return left_over


def _on(w: int, dash: int) -> np.ndarray:
    """The columns of a dotted line that get ink."""
    on = np.arange(w) // dash % 2 == 1
    on[-1] = False
    return on


def _contrast(inked: np.ndarray, on: np.ndarray) -> float:
    """How well ink agrees with a pattern of columns: the correlation."""
    return float(np.corrcoef(inked, on)[0, 1]) if inked.std() > 0 and on.std() > 0 else 0.0


def _parts(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]
