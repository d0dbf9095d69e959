"""Shifts that draw a line over the picture.

Few lines can be drawn in a small picture, so the one that was is known: each is compared with the ink that was added.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.ink import Ink, LineSearch, added_ink, errors_of_lines, may_be_lines, seen_ink
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Parameters, PerImage, SearchRange

CHUNK = 2000
MARGIN = 2  # columns between a zigzag and the border
FEW = 24  # images for which every line that may have been drawn is tried
CONSTANT = 1e-6  # standard deviation up to which columns are alike
LEAST_CORRELATION = 0.4  # of the ink of columns with the pattern of dots
DRAWN = 6  # lines of each image
MOST_VALUES = 8_000_000  # of all lines that may have been drawn, to find each image's own
STRIDES = np.array([0.3, 0.3, 0.3])  # of a zigzag's step, height and width
FALLS = np.arange(-5, 5)  # rows by which a zigzag may end lower
WIDTHS = (1.0, 1.5, 2.3, 3.5, 5.0)  # pixels, to start from

Places = Int64[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Line(Shift):
    """Add the ink of a line to the picture. Where the line lies is drawn for each image."""

    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    adds: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    information: ClassVar[Information] = "reduced"

    scope: Scope = field(default="per_image", kw_only=True)

    @abstractmethod
    def drawn_places(self, n: int, h: int, rng: np.random.Generator) -> Places:
        """Where the lines of n images with h rows lie."""

    @abstractmethod
    def all_places(self, h: int) -> Places:
        """Every place that may be drawn."""

    @abstractmethod
    def lines(self, places: Places, h: int, w: int) -> Ink:
        """The ink of lines at these places."""

    @abstractmethod
    def at(self, places: PerImage) -> "Line":
        """The same with a known line for each image."""

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, _, h, w = images.shape
        places, inked = self.drawn_places(n, h, rng), images.copy()
        for part in _chunks(n):
            inked[part] += self.lines(places[part], h, w)[:, None]
        return np.clip(inked, 0, 1)

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own line: that of all which leaves least.

        None in large pictures, in which too many may have been drawn.
        """
        pairs = undo_intensity_map(pairs)
        h, w = pairs.reference.shape[2:]
        places = self.all_places(h)
        if len(places) * h * w > MOST_VALUES:
            return None
        errors = errors_of_lines(seen_ink(self.lines(places, h, w), pairs), *added_ink(pairs))
        if pairs.followed_by is None:
            return self.at(PerImage(places[errors.argmin(1)]))
        # Ink that was clipped over white looks like less: the nearest lines are drawn to see which it was.
        nearest = np.argsort(errors, axis=1)[:, :DRAWN].T
        drawn = [self.at(PerImage(places[some])).apply(pairs.reference, np.random.default_rng(0)) for some in nearest]
        left = np.stack([pairs.errors(pairs.followed(images)) for images in drawn])
        return self.at(PerImage(places[nearest[left.argmin(0), np.arange(len(pairs))]]))


@FAMILIES.register("dotted_line")
@dataclass(frozen=True)
class DottedLine(Line):
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
    joint_search: ClassVar[Mapping[str, SearchRange]] = {"width": SearchRange((), 0.02, 0.3, 64.0, last_step=2e-4)}
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"dash": v} for v in range(1, 7))
    refined: ClassVar[tuple[str, ...] | None] = ("width",)
    why: ClassVar[str] = (
        "A stroke that belongs to no digit crosses the image: it closes gaps, adds bars, and votes for the classes "
        "that have one there."
    )

    width: float = 2.3
    dash: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "width", lambda v: v > 0, "above 0")
        check(self, "dash", lambda v: v >= 1, "1 or more")

    def drawn_places(self, n: int, h: int, rng: np.random.Generator) -> Places:
        return rng.integers(0, max(h - 1, 1), (n, 2))

    def all_places(self, h: int) -> Places:
        return _all_of(np.arange(max(h - 1, 1)), np.arange(max(h - 1, 1)))

    def lines(self, places: Places, h: int, w: int) -> Ink:
        left, right = places.T
        rows = left[:, None] + (right - left)[:, None] * np.arange(w) / max(w - 1, 1)
        return _ink(rows, h, self.width) * _dotted_columns(w, self.dash)

    def at(self, places: PerImage) -> Line:
        return KnownDottedLine(self.width, self.dash, places=places)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The dash from the columns that never get ink, the width by least squares.

        For a few images, every line that may have been drawn (from any row at the left to any row at the right) is
        compared with the ink that was added. The best line of each image counts. Not in pictures of more than 96 rows.
        """
        pairs = undo_intensity_map(pairs)
        h, w = pairs.reference.shape[2:]
        if not may_be_lines(pairs):
            return []
        ink, unclipped = added_ink(pairs.first(FEW))
        inked = (pairs.shifted - pairs.before_added).mean((0, 1, 2))
        dashes = [dash for dash in range(1, max(w // 3, 1) + 1) if _dotted_columns(w, dash).any()]
        patterns = np.stack([np.tile(_dotted_columns(w, dash), (h, 1)) for dash in dashes]).astype(np.float32)
        correlations = [_correlation(inked, pattern) for pattern in seen_ink(patterns, pairs).mean(1)]
        dash = dashes[int(np.argmax(correlations))]
        if max(correlations) < LEAST_CORRELATION:
            return []
        places = cls(2.3, dash).all_places(h)

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            return seen_ink(cls(numbers[0], dash).lines(places, h, w), pairs) if 0.3 < numbers[0] < h else None

        search = LineSearch(lines, ink, unclipped)
        best = search.nearest(np.array(WIDTHS)[:, None], np.array([0.3]), tries=12)
        return [] if best is None or not search.explains(best) else [cls(float(best[0]), dash)]


@FAMILIES.register("zigzag")
@dataclass(frozen=True)
class Zigzag(Line):
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
    grid: ClassVar[tuple[Parameters, ...]] = tuple(
        {"step": s, "height": h} for s in (1.5, 2.0, 2.5, 3.3) for h in (2.0, 3.0, 4.5)
    )
    derivative_free: ClassVar[tuple[str, ...]] = ("width",)
    joint_search: ClassVar[Mapping[str, SearchRange]] = {
        "step": SearchRange((), 0.01, 0.5, 64.0, last_step=1e-4),
        "height": SearchRange((), 0.02, 0.0, 64.0, last_step=2e-4),
        "width": SearchRange((), 0.02, 0.3, 64.0, last_step=2e-4),
    }
    refined: ClassVar[tuple[str, ...] | None] = ("step", "height", "width")
    why: ClassVar[str] = (
        "Corners and slanted strokes, of which digits are made, run across the image and belong to none: the network "
        "reads them as ink."
    )

    step: float = 2.0
    height: float = 2.0
    width: float = 2.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "step", lambda v: v >= 0.5, "0.5 or more")
        check(self, "width", lambda v: v > 0, "above 0")

    def drawn_places(self, n: int, h: int, rng: np.random.Generator) -> Places:
        return rng.integers([0, FALLS[0]], [max(h - 1, 1), FALLS[-1] + 1], (n, 2))

    def all_places(self, h: int) -> Places:
        return _all_of(np.arange(max(h - 1, 1)), FALLS)

    def at(self, places: PerImage) -> Line:
        return KnownZigzag(self.step, self.height, self.width, places=places)

    def lines(self, places: Places, h: int, w: int) -> Ink:
        start, fall = places.T
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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Step, height and width by least squares, by the best zigzag for each of a few images.

        Not in pictures of more than 96 rows.
        """
        pairs = undo_intensity_map(pairs)
        h, w = pairs.reference.shape[2:]
        if w <= 2 * MARGIN + 2 or not may_be_lines(pairs):
            return []
        ink, unclipped = added_ink(pairs.first(FEW))

        def lines(numbers: np.ndarray) -> np.ndarray | None:
            step, height, width = numbers
            if not (0.8 < step < w and 0 <= height < h and 0.5 < width < h):
                return None
            # All starts at once: a zigzag that starts a row lower is the same picture moved a row down.
            at_once = np.stack([np.full(len(FALLS), h), FALLS], 1)
            tall = cls(step, height, width).lines(at_once, 3 * h, w)
            return seen_ink(
                np.concatenate([tall[:, h - start : 2 * h - start] for start in range(max(h - 1, 1))]), pairs
            )

        # An error of the step adds up from corner to corner: so the first columns are fitted first, then more of them.
        starts = np.array([(s, a, b) for s in (1.5, 2.0, 2.7, 3.6) for a in (1.5, 2.5, 4.0) for b in (1.5, 2.6)])
        column = np.arange(w)
        for images, columns, tries in ((8, w // 3, 40), (8, w // 2, 30), (len(ink), w, 80)):
            seen = unclipped[:images] & (column < max(columns, MARGIN + 4))
            search = LineSearch(lines, ink[:images], seen)
            best = search.nearest(starts, STRIDES, tries)
            if best is None:
                return []
            starts = best[None]
        return [cls(*map(float, best))] if search.explains(best) else []


@dataclass(frozen=True)
class _Known(Line):
    """A line that is known for each image."""

    random: ClassVar[bool] = False

    places: PerImage = field(kw_only=True)

    def drawn_places(self, n: int, h: int, rng: np.random.Generator) -> Places:
        return self.places.values


@dataclass(frozen=True)
class KnownDottedLine(_Known, DottedLine):
    """A dotted line whose rows at both borders are known for each image."""


@dataclass(frozen=True)
class KnownZigzag(_Known, Zigzag):
    """A zigzag whose first row and fall are known for each image."""


def _ink(rows: Float64[np.ndarray, "n w"], h: int, width: float) -> Ink:
    """The ink of lines that pass through the given row in each column."""
    away = np.abs(np.arange(h, dtype=np.float32)[:, None] - rows.astype(np.float32)[:, None, :]) / np.float32(width)
    return np.clip(1 + np.log1p(-np.minimum(away, np.float32(0.99))), 0, 1)


def _all_of(first: Int64[np.ndarray, "a"], second: Int64[np.ndarray, "b"]) -> Places:
    return np.stack([part.ravel() for part in np.meshgrid(first, second, indexing="ij")], 1)


def _dotted_columns(w: int, dash: int) -> Bool[np.ndarray, "w"]:
    """The columns of a dotted line that get ink."""
    on = np.arange(w) // dash % 2 == 1
    on[-1] = False
    return on


def _correlation(inked: Float[np.ndarray, "w"], on: Float[np.ndarray, "w"]) -> float:
    """How well the ink of columns agrees with a pattern; 0 if either is constant."""
    return float(np.corrcoef(inked, on)[0, 1]) if min(inked.std(), on.std()) > CONSTANT else 0.0


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]
