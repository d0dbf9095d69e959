"""Shifts that draw a line over the picture."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Parameters

CHUNK = 2000
MARGIN = 2  # columns between a zigzag and the border
FEW = 24  # images for which every line that may have been drawn is tried
WHITE = 0.99  # ink may have been clipped where the result is as bright as this
CONSTANT = 1e-6  # standard deviation up to which columns are alike
SHARPNESS = 10.0  # scales the residual for `matched`, whose tolerances are made for numbers of about 1
LARGEST_RESIDUAL = 0.6  # of the ink's energy: lines that leave more are not what was drawn
LARGE = 96  # rows: in larger pictures too many lines may have been drawn to try each
STRIDES = np.array([0.3, 0.3, 0.3])  # of a zigzag's step, height and width
WIDTHS = (1.0, 1.5, 2.3, 3.5, 5.0)  # pixels, to start from

Ink = Float[np.ndarray, "n h w"]
Mask = Bool[np.ndarray, "n h w"]


@FAMILIES.register("dotted_line")
@dataclass(frozen=True)
class DottedLine(Shift):
    """Draw a dotted straight line from the left to the right border.

    Its rows at both borders are drawn uniformly for each image. Ink is added to the picture and fades with the vertical
    distance d from the line as 1 + log(1 − d / width), down to 0.

    Parameters:
        width: sets how fast ink fades, in pixels, above 0.
        dash: columns for which the line is off, then on, and so forth; 1 or more.

    Source: Mu and Gilmer 2019, "MNIST-C: a robustness benchmark for computer vision".
    """

    family: ClassVar[str] = "dotted_line"
    simulated: ClassVar[tuple[str, ...]] = ("width",)
    derivative_free: ClassVar[tuple[str, ...]] = ("width",)
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"dash": v} for v in range(1, 7))
    refined: ClassVar[tuple[str, ...] | None] = ("width",)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "A stroke that belongs to no digit crosses the image: it closes gaps, adds bars, and votes for the classes "
        "that have one there."
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
        on = _dotted_columns(w, self.dash)
        inked = images.copy()
        for part in _chunks(n):
            rows = left[part, None] + (right - left)[part, None] * np.arange(w) / max(w - 1, 1)
            inked[part] += (_ink(rows, h, self.width) * on)[:, None]
        return np.clip(inked, 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The dash from the columns that never get ink, the width by least squares.

        For a few images, every line that may have been drawn (from any row at the left to any row at the right) is
        compared with the ink that was added. The best line of each image counts. Not in pictures of more than 96 rows.
        """
        pairs = undo_intensity_map(pairs)
        added = _added_ink(pairs)
        h, w = pairs.reference.shape[2:]
        if added is None or h > LARGE:
            return []
        inked = np.clip(pairs.shifted - pairs.reference, 0, None).sum((1, 2)).mean(0)
        patterns = {dash: _dotted_columns(w, dash) for dash in range(1, max(w // 3, 1) + 1)}
        correlations = {dash: _correlation(inked, on) for dash, on in patterns.items() if on.any()}
        dash = max(correlations, key=lambda d: correlations[d], default=0)
        if not dash or correlations[dash] < 0.4:
            return []
        on = patterns[dash]
        left, right = (ends.ravel() for ends in np.meshgrid(np.arange(max(h - 1, 1)), np.arange(max(h - 1, 1))))
        rows = left[:, None] + (right - left)[:, None] * np.arange(w)[on] / max(w - 1, 1)

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            return _ink(rows, h, numbers[0]) if 0.3 < numbers[0] < h else None

        ink, unclipped = (part[:, :, on] for part in added)
        starts = np.array(WIDTHS)[:, None]
        best, residual = matched(_residual_of(lines, ink, unclipped), np.zeros(1), starts, np.array([0.3]), tries=12)
        return [cls(float(best[0]), dash)] if residual < LARGEST_RESIDUAL * SHARPNESS**2 else []


@FAMILIES.register("zigzag")
@dataclass(frozen=True)
class Zigzag(Shift):
    """Draw a zigzag across the picture, from the third column to the last but two.

    Its corners lie 1, 3, 5 … steps along a straight line and alternate below and above it. The line starts at a row
    drawn uniformly for each image and ends −5 … 4 rows lower. Ink is added to the picture and fades as it does in
    `dotted_line`.

    Parameters:
        step: half the distance between corners along the line, in pixels, 0.5 or more.
        height: distance of the corners from the line, in pixels.
        width: sets how fast ink fades, in pixels, above 0.

    Source: Mu and Gilmer 2019, "MNIST-C: a robustness benchmark for computer vision".
    """

    family: ClassVar[str] = "zigzag"
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = ({},)
    derivative_free: ClassVar[tuple[str, ...]] = ("width",)
    refined: ClassVar[tuple[str, ...] | None] = ("step", "height", "width")
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Corners and slanted strokes, of which digits are made, run across the image and belong to none: the network "
        "reads them as ink."
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
        inked = images.copy()
        for part in _chunks(n):
            inked[part] += self._zigzags(start[part], fall[part], h, w)[:, None]
        return np.clip(inked, 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Step, height and width by least squares, by the best zigzag for each of a few images.

        Not in pictures of more than 96 rows.
        """
        pairs = undo_intensity_map(pairs)
        added = _added_ink(pairs)
        h, w = pairs.reference.shape[2:]
        if added is None or w <= 2 * MARGIN + 2 or h > LARGE:
            return []
        ink, unclipped = added
        if ink.sum((0, 1))[[0, w - 1]].sum() > 0.05 * ink.sum():  # a zigzag ends before the borders
            return []
        falls = np.arange(-5, 5)

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            step, height, width = numbers
            if not (0.8 < step < w and 0 <= height < h and 0.5 < width < h):
                return None
            # All starts at once: a zigzag that starts a row lower is the same picture moved a row down.
            tall = cls(step, height, width)._zigzags(np.full(len(falls), h), falls, 3 * h, w)
            return np.concatenate([tall[:, h - start : 2 * h - start] for start in range(max(h - 1, 1))])

        # An error of the step adds up from corner to corner: so the first columns are fitted first, then more of them.
        starts = np.array([(s, a, b) for s in (1.5, 2.0, 2.7, 3.6) for a in (1.5, 2.5, 4.0) for b in (1.5, 2.6)])
        column = np.arange(w)
        for images, columns, tries in ((8, w // 3, 40), (8, w // 2, 30), (len(ink), w, 80)):
            seen = unclipped[:images] & (column < max(columns, MARGIN + 4))
            best, residual = matched(_residual_of(lines, ink[:images], seen), np.zeros(1), starts, STRIDES, tries)
            starts = best[None]
        return [cls(*map(float, best))] if residual < LARGEST_RESIDUAL * SHARPNESS**2 else []

    def _zigzags(self, start: Int64[np.ndarray, "n"], fall: Int64[np.ndarray, "n"], h: int, w: int) -> Ink:
        """The ink of zigzags about lines that start at the given rows and end `fall` rows lower."""
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


def _ink(rows: Float64[np.ndarray, "n w"], h: int, width: float) -> Ink:
    """The ink of lines that pass through the given row in each column."""
    away = np.abs(np.arange(h, dtype=np.float32)[:, None] - rows.astype(np.float32)[:, None, :]) / np.float32(width)
    return np.clip(1 + np.log1p(-np.minimum(away, np.float32(0.99))), 0, 1)


def _added_ink(pairs: Pairs) -> tuple[Ink, Mask] | None:
    """The ink added to the first images, and where clipping does not hide it.

    None if most changes are darker.
    """
    difference = (pairs.shifted - pairs.reference).astype(np.float64)
    up, down = (difference.clip(0) ** 2).sum(), (difference.clip(None, 0) ** 2).sum()
    if up == 0 or down > 0.2 * up or min(difference.shape[2:]) < 3:
        return None
    few = slice(FEW)
    unclipped = (pairs.shifted[few] < WHITE) | (pairs.reference[few] < 1 - WHITE)
    return np.where(unclipped, difference[few], 0).mean(1), np.asarray(unclipped.all(1))


def _residual_of(
    lines: Callable[[np.ndarray], np.ndarray | None], ink: Ink, unclipped: Mask
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from parameters to each image's unexplained share of the ink.

    That is what the image's best line does not explain, as `matched` takes it. `lines` gives the ink of all lines that
    may be drawn with some parameters, or None if these make no sense.
    """
    n = len(ink)
    wanted = np.where(unclipped, ink, 0).reshape(n, -1).astype(np.float32)
    weights = unclipped.reshape(n, -1).astype(np.float32)
    energy = (wanted**2).sum(dtype=np.float64)

    def residual(numbers: np.ndarray) -> np.ndarray:
        candidates = lines(numbers)
        if candidates is None:
            return np.full(1, np.nan)
        candidates = np.minimum(candidates, 1).reshape(len(candidates), -1)
        errors = weights @ (candidates**2).T - 2 * wanted @ candidates.T
        share = max(1 + errors.min(1).sum() / max(energy, 1e-9), 0)
        return np.array([SHARPNESS * np.sqrt(share)])  # squared by `matched`

    return residual


def _dotted_columns(w: int, dash: int) -> Bool[np.ndarray, "w"]:
    """The columns of a dotted line that get ink."""
    on = np.arange(w) // dash % 2 == 1
    on[-1] = False
    return on


def _correlation(inked: np.ndarray, on: np.ndarray) -> float:
    """How well the ink of columns agrees with a pattern; 0 if either is constant."""
    return float(np.corrcoef(inked, on)[0, 1]) if min(inked.std(), on.std()) > CONSTANT else 0.0


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]
