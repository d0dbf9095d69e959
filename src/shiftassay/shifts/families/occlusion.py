"""A rectangle that hides a part of the picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.estimation.rectangles import Rectangles, common, freedom, heaviest
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import (
    Choice,
    Number,
    Parameters,
    PerImage,
    SearchRange,
    Uniform,
    draws,
    extremes,
    is_drawn,
    spread,
)

CHANGED = 0.02  # of the grey scale: rounding to 8 bits changes less
SINGLE = 1e-6  # by which single precision may be off, after some sums
PIXEL_PENALTY = 1e-5  # per pixel of a rectangle, so that of two that explain as much the smaller one is chosen
CONSTANT = 1e-6  # variance of a place that always shows the same
COVERED = 0.5  # of the places that were constant: noise leaves no more of them so, beneath a rectangle
VARIES = 0.01  # variance of a pixel over images
STEADY = 0.1  # share of that variance, at most, where a rectangle covers the pixel in all images


@FAMILIES.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Shift):
    """Cover the picture by a rectangle of one grey value. What lies outside the picture is cut off.

    Parameters:
        top: row of the rectangle's upper left pixel, counted from 0; may be negative.
        left: column of that pixel, counted from 0; may be negative.
        height: of the rectangle in whole pixels, 1 or more.
        width: of the rectangle in whole pixels, 1 or more.
        fill: its grey value, 0 to 1.
    """

    family: ClassVar[str] = "occlusion"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "top=5,left=8,height=10,width=6"
    also_called: ClassVar[tuple[str, ...]] = ("cutout", "random_erasing")
    exact: ClassVar[bool] = True
    joint_search: ClassVar[Mapping[str, SearchRange]] = {"fill": SearchRange((), 0.02, 0.0, 1.0)}
    refined: ClassVar[tuple[str, ...] | None] = ()
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "The strokes beneath are gone, and the rectangle's own edges speak to every filter that looks for straight "
        "lines."
    )
    information: ClassVar[Information] = "reduced"

    top: int | Uniform | Choice | PerImage
    left: int | Uniform | Choice | PerImage
    height: int | Uniform | Choice | PerImage
    width: int | Uniform | Choice | PerImage
    fill: Number = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "height", lambda v: v >= 1, "1 or more")
        check(self, "width", lambda v: v >= 1, "1 or more")
        check(self, "fill", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        h, w = images.shape[2:]
        sides = [self.top, self.left, self.height, self.width, self.fill]
        *sides, fill = draws(sides, len(images), rng)
        top, left, height, width = (np.rint(side)[:, None] for side in sides)
        y, x = np.arange(h), np.arange(w)
        rows, columns = (y >= top) & (y < top + height), (x >= left) & (x < left + width)
        return np.where((rows[:, :, None] & columns[:, None, :])[:, None], spread(fill), images)

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The grey value of a shared fill: up to how it is stored."""
        if not isinstance(self.fill, float) or self.scope != "shared":
            return {}
        lost = 0.5 / 255 if in_bytes(pairs.shifted) else SINGLE
        fill = OwnInterval.within(max(self.fill - lost, 0.0), min(self.fill + lost, 1.0), level)
        return {"fill": fill._replace(estimate=self.fill)}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The rectangles that explain most of the squared change: one for all images, one in each.

        A pixel that differs from the reference must be inside, one that differs from the fill must be outside. Where
        a pixel shows neither (a black fill over what is black in every image) the smallest rectangle is taken: one
        size and place for all images if few contradict it, otherwise the narrowest range that each image allows.
        """
        pairs = undo_intensity_map(pairs)
        fills = _fills(pairs)
        if fills is None:
            return []
        weights = _gain_of_covering(pairs, np.full(len(pairs), float(np.median(fills))))
        shared = heaviest(weights.sum(0, keepdims=True))
        if np.ptp(np.quantile(fills, [0.1, 0.9])) > CHANGED:
            weights = _gain_of_covering(pairs, fills)
        each = heaviest(weights)
        by_place = ((pairs.shifted - pairs.reference) ** 2).sum(0, dtype=np.float64)
        change = by_place.sum()
        everywhere = np.median(by_place) * by_place.size / change  # the share that noise on top makes, at most
        by_one, by_each = (_sums(weights, at).sum() / change for at in (np.repeat(shared, len(pairs), 0), each))
        estimates: list[Shift] = []
        constant = _constant_rectangle(pairs.reference[:, 0], pairs.shifted[:, 0])
        if constant is not None and tuple(constant.values())[:4] != tuple(map(int, shared[0])):
            estimates.append(cls(**constant))
        if shared[0, 2] and by_one > 0.5 * (1 - everywhere):
            estimates.append(cls(*map(int, shared[0]), fill=_fill_within(pairs, shared[0])))
        if by_each > 0.5 and 1 - by_one > 1.5 * (1 - by_each) + 0.005:
            covered = each[:, 2] > 0
            fill = distribution(fills[covered].astype(np.float64), CHANGED)
            if isinstance(fill, Uniform):
                fill = Uniform(max(fill.low, 0.0), min(fill.high, 1.0))
            estimates.append(_of_rectangles(cls, each[covered], weights[covered], fill))
        return estimates

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own rectangle: of the shared size if there is one, else the smallest.

        Where nothing has changed it lies outside the picture.
        """
        if self.scope == "shared":
            return self
        pairs = undo_intensity_map(pairs)
        fills = _fills(pairs)
        if fills is None:
            return None
        fill = fills if is_drawn(self.fill) else np.full(len(pairs), self.fill)
        weights = _gain_of_covering(pairs, fill)
        rectangles = heaviest(weights)
        free = freedom(weights, rectangles, _tolerance(weights))
        sides = []
        for axis, (start, size) in enumerate(((self.top, self.height), (self.left, self.width))):
            first, length = rectangles[:, axis], np.maximum(rectangles[:, axis + 2], 1)
            if isinstance(size, int | float):
                grown = np.full(len(rectangles), round(size))
                end = first + length
                low = np.maximum(first - free[:, axis], end - grown)
                high = np.minimum(first, end + free[:, axis + 2] - grown)
                within = np.clip(first, min(extremes(start)), max(extremes(start)))
                first, length = np.clip(np.rint(within).astype(np.int64), low, np.maximum(low, high)), grown
            sides.append((np.where(rectangles[:, 2] > 0, first, -length), length))
        (top, height), (left, width) = sides
        return Occlusion(*map(PerImage, (top, left, height, width)), fill=PerImage(fill), scope="per_image")

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The smallest rectangle round the places that have become constant."""
        rectangle = _constant_rectangle(samples.some_reference[:, 0], samples.some_shifted[:, 0])
        occlusion = None if rectangle is None else cls.allowed(rectangle, samples.some_reference)
        return [] if occlusion is None else [occlusion]


def _constant_rectangle(before: Float[np.ndarray, "m h w"], after: Float[np.ndarray, "n h w"]) -> Parameters | None:
    """The smallest rectangle round the places that have become the same grey value in all images.

    Where noise came before, so that what was constant varies, those that do not; else those that also changed. None
    without any.
    """
    constant, was_constant = (side.var(axis=0) < CONSTANT for side in (after, before))
    if not was_constant.any() or np.mean(constant[was_constant]) > COVERED:
        # A place that seldom shows ink may have shown none by chance.
        constant &= np.mean(np.abs(before - after[:1]) > CHANGED, axis=0) > max(0.02, 10 / len(after))
    if not constant.any():
        return None
    fill = float(np.median(after[0][constant]))
    rows, columns = (np.flatnonzero((constant & (np.abs(after[0] - fill) < 1e-3)).any(axis=a)) for a in (1, 0))
    if not len(rows):
        return None
    return {
        "top": int(rows[0]),
        "left": int(columns[0]),
        "height": int(np.ptp(rows)) + 1,
        "width": int(np.ptp(columns)) + 1,
        "fill": float(np.clip(fill, 0, 1)),
    }


def _fills(pairs: Pairs) -> Float[np.ndarray, "n"] | None:
    """The grey value that most changed pixels of each image have; None if nothing has changed.

    Of images in which too few pixels have changed it is that of all images.
    """
    difference = np.abs(pairs.shifted - pairs.reference)
    # Noise on top changes all pixels. Its strength follows from the quarter that changes least or, where black cuts off
    # half of the noise, from three quarters, unless the rectangle is among them. So both thresholds are tried.
    least, most = np.quantile(difference[:40], [0.25, 0.75])
    thresholds = [max(CHANGED, 10 * float(least)), *([6 * float(most)] if CHANGED < 6 * most < 0.5 else [])]
    attempts = [*(_fills_where(pairs, difference > threshold) for threshold in thresholds), _steady_fills(pairs)]
    candidates = [fills for fills in attempts if fills is not None]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    few = pairs.first(24)

    def explained(fills: np.ndarray) -> float:
        weights = _gain_of_covering(few, fills[: len(few)])
        return _sums(weights, heaviest(weights)).sum()

    return max(candidates, key=explained)


def _steady_fills(pairs: Pairs) -> Float[np.ndarray, "n"] | None:
    """The grey value of pixels that vary in the reference but not in the shifted images."""
    before, after = (side.var(0) for side in (pairs.reference, pairs.shifted))
    covered = (before > VARIES) & (after < STEADY * before)
    return np.full(len(pairs), np.clip(np.median(pairs.shifted[:, covered]), 0, 1)) if covered.any() else None


def _fills_where(pairs: Pairs, changed: Bool[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n"] | None:
    """The median grey value of each image's changed pixels.

    One for all images where they hardly differ.
    """
    if not changed.any():
        return None
    shared = float(np.median(pairs.shifted[changed]))
    fills = [float(np.median(s[c])) if c.sum() >= 5 else shared for s, c in zip(pairs.shifted, changed, strict=True)]
    fills = np.clip(fills, 0, 1)
    steady = np.subtract(*np.quantile(fills, [0.9, 0.1])) <= CHANGED
    return np.full(len(fills), np.clip(shared, 0, 1)) if steady else fills


def _fill_within(pairs: Pairs, rectangle: np.ndarray) -> float:
    """The median grey value inside a rectangle. Outside, pixels may have changed by noise."""
    top, left, height, width = rectangle
    within = pairs.shifted[:, :, top : top + height, left : left + width]
    return float(np.clip(np.median(within), 0, 1))


def _gain_of_covering(pairs: Pairs, fills: Float[np.ndarray, "n"]) -> Float64[np.ndarray, "n h w"]:
    """By how much each pixel's squared error falls if it is covered, less a small penalty."""
    uncovered = (pairs.shifted - pairs.reference) ** 2
    covered = (pairs.shifted - spread(fills)) ** 2
    return (uncovered - covered).sum(1, dtype=np.float64) - PIXEL_PENALTY


def _tolerance(weights: Float64[np.ndarray, "n h w"]) -> float:
    """What a row may weigh against being covered: its pixels' penalties, and rounding to 8 bits."""
    return 4 * PIXEL_PENALTY * max(weights.shape[1:])


def _sums(weights: Float64[np.ndarray, "n h w"], rectangles: Rectangles) -> Float[np.ndarray, "n"]:
    """The sum of the weights inside each rectangle."""
    return np.array([w[t : t + h, a : a + b].sum() for w, (t, a, h, b) in zip(weights, rectangles, strict=True)])


def _of_rectangles(
    cls: type[Occlusion], rectangles: Rectangles, weights: Float64[np.ndarray, "n h w"], fill: Number
) -> Occlusion:
    """The occlusion whose distributions the images' rectangles were drawn from.

    Each rectangle could be larger by some rows and columns, which is allowed for.
    """
    free = freedom(weights, rectangles, _tolerance(weights))
    starts, sizes = [], []
    for axis in (0, 1):
        first, length = rectangles[:, axis], rectangles[:, axis + 2]
        before, after = free[:, axis], free[:, axis + 2]
        size = common(length, length + before + after)
        grown = np.full(len(rectangles), size) if isinstance(size, int) else length
        low = np.maximum(first - before, first + length - grown)
        high = np.maximum(low, np.minimum(first, first + length + after - grown))
        starts.append(common(low, high))
        sizes.append(size)
    return cls(starts[0], starts[1], sizes[0], sizes[1], fill, scope="per_image")
