"""Shifts that lay something over the picture, or take a part of it away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.rectangles import Rectangles, common, freedom, heaviest
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Choice, Number, PerImage, SearchRange, Uniform, draw, draws, extremes, spread

CHANGED = 0.02  # of the grey scale: rounding to 8 bits changes less
SMALLEST = 1e-5  # what a pixel of a rectangle costs, so that of two that explain as much the smaller one is found
CONSTANT = 1e-6  # variance of a place that always shows the same
VARIES = 0.01  # variance of a pixel over images
STEADY = 0.1  # share of it that may be left where a rectangle covers the pixel in all images
INK = 0.5  # a pixel as bright as this is surely ink, and seen to be gone if less than 0.4 of it is left


@FAMILIES.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Shift):
    """A rectangle of one grey, `fill`, with its upper left pixel at row `top` and column `left`. What lies outside is cut off."""

    family: ClassVar[str] = "occlusion"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "top=5,left=8,height=10,width=6"
    exact: ClassVar[bool] = True
    joint_search: ClassVar[Mapping[str, SearchRange]] = {"fill": SearchRange((), 0.02, 0.0, 1.0)}
    refined: ClassVar[tuple[str, ...] | None] = ()
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "The strokes beneath are gone, and the rectangle's own edges speak to every filter that looks for straight lines."
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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The rectangle that explains most of the squared change: one over all images, and one in each.

        A pixel that differs from the reference is proof of being inside, one that differs from the fill of being outside. Where
        neither is seen (a black fill over what is black in every image) the smallest rectangle is taken: one size and one
        place for all images if few of them contradict it, otherwise the narrowest range that meets what each image allows.
        """
        pairs = undo_intensity_map(pairs)
        fills = _fills(pairs)
        if fills is None:
            return []
        whole = float(np.median(fills))
        weights = _inside(pairs, np.full(len(pairs), whole))
        shared = heaviest(weights.sum(0, keepdims=True))
        if np.ptp(np.quantile(fills, [0.1, 0.9])) > CHANGED:
            weights = _inside(pairs, fills)
        each = heaviest(weights)
        change = ((pairs.shifted - pairs.reference) ** 2).sum(dtype=np.float64)
        of_one, of_each = (_sums(weights, at).sum() / change for at in (np.repeat(shared, len(pairs), 0), each))
        found: list[Shift] = []
        if shared[0, 2] and of_one > 0.5:
            found.append(cls(*map(int, shared[0]), fill=_fill_within(pairs, shared[0])))
        if of_each > 0.5 and 1 - of_one > 1.5 * (1 - of_each) + 0.005:
            seen = each[:, 2] > 0
            fill = distribution(fills[seen], CHANGED)
            if isinstance(fill, Uniform):
                fill = Uniform(max(fill.low, 0.0), min(fill.high, 1.0))
            found.append(_drawn(cls, each[seen], weights[seen], fill))
        return found

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With the rectangle of each of the pairs' images: of its size where that is one for all, else the smallest.

        Where nothing has changed it lies outside the picture.
        """
        if self.scope == "shared":
            return self
        pairs = undo_intensity_map(pairs)
        fills = _fills(pairs)
        if fills is None:
            return None
        fill = fills if isinstance(self.fill, Uniform | Choice | PerImage) else np.full(len(pairs), self.fill)
        weights = _inside(pairs, fill)
        found = heaviest(weights)
        free = freedom(weights, found, _loss(weights))
        sides = []
        for axis, (start, size) in enumerate(((self.top, self.height), (self.left, self.width))):
            first, length = found[:, axis], np.maximum(found[:, axis + 2], 1)
            if isinstance(size, int | float):
                grown = np.full(len(found), round(size))
                last = first + length
                low = np.maximum(first - free[:, axis], last - grown)
                high = np.minimum(first, last + free[:, axis + 2] - grown)
                within = np.clip(first, min(extremes(start)), max(extremes(start)))
                first, length = np.clip(np.rint(within).astype(np.int64), low, np.maximum(low, high)), grown
            sides.append((np.where(found[:, 2] > 0, first, -length), length))
        (top, height), (left, width) = sides
        return Occlusion(*map(PerImage, (top, left, height, width)), fill=PerImage(fill), scope="per_image")

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The smallest rectangle round the places that always show one value, and did not in the reference."""
        grey, before = samples.seen[:, 0], samples.few[:, 0]
        changed = np.mean(np.abs(before - grey[:1]) > CHANGED, axis=0)
        # A place that seldom shows ink may have shown none by chance.
        fixed = (grey.var(axis=0) < CONSTANT) & (changed > max(0.02, 10 / len(grey)))
        if not fixed.any():
            return []
        fill = float(np.median(grey[0][fixed]))
        rows, columns = (np.flatnonzero((fixed & (np.abs(grey[0] - fill) < 1e-3)).any(axis=a)) for a in (1, 0))
        if not len(rows):
            return []
        box = {
            "top": int(rows[0]),
            "left": int(columns[0]),
            "height": int(np.ptp(rows)) + 1,
            "width": int(np.ptp(columns)) + 1,
        }
        how = cls.allowed({**box, "fill": fill}, samples.few)
        return [] if how is None else [how]


@FAMILIES.register("stripe")
@dataclass(frozen=True)
class Stripe(Shift):
    """1 − x in the given `columns`, counted from 0; the others stay."""

    family: ClassVar[str] = "stripe"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "columns=[0,1,2]"
    exact: ClassVar[bool] = True
    why: ClassVar[str] = (
        "Bright bars stand where training images were black: their many pixels outshout the strokes in every sum over the image."
    )
    information: ClassVar[Information] = "preserved"

    columns: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.columns or min(self.columns) < 0 or len(set(self.columns)) < len(self.columns):
            raise BadInput(f"stripe: columns must be numbers from 0, each once, not {list(self.columns)}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._inverted(images)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._inverted(images)

    def _inverted(self, images: Images) -> Images:
        if max(self.columns) >= images.shape[3]:
            raise BadInput(f"stripe: there is no column {max(self.columns)} in images {images.shape[3]} wide.")
        striped = images.copy()
        striped[..., list(self.columns)] = np.clip(1 - striped[..., list(self.columns)], 0, 1)
        return striped

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The columns that 1 − x explains better than x does, by squared error over all images."""
        inverse = np.clip(1 - pairs.reference, 0, 1)
        rise = (pairs.shifted - pairs.reference).mean((0, 1, 2))
        striped = rise > (rise.min() + rise.max()) / 2
        # The line of grey values that may be free depends on the columns, and they on it.
        for _ in range(4 if pairs.contrast else 1):
            slope, level = pairs.fit_intensity(np.where(striped, inverse, pairs.reference))
            plain, inverted = (
                ((pairs.shifted - slope * made - level) ** 2).mean((0, 1, 2)) for made in (pairs.reference, inverse)
            )
            striped = inverted < plain if slope > 0 else inverted > plain
        return [cls(tuple(map(int, np.flatnonzero(striped))))] if striped.any() and not striped.all() else []

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The columns whose mean is nearer to that of the inverse."""
        before, after = (side.mean(axis=(0, 1, 2)) for side in (samples.few, samples.seen))
        columns = np.flatnonzero(np.abs(after - (1 - before)) < np.abs(after - before))
        return [cls(tuple(columns.tolist()))] if 0 < len(columns) < len(before) else []


@FAMILIES.register("pixel_dropout")
@dataclass(frozen=True)
class PixelDropout(Shift):
    """Each pixel, with probability `fraction`, becomes 0 (in all its channels)."""

    family: ClassVar[str] = "pixel_dropout"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "fraction=0.3"
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("fraction",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"fraction": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9))
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Strokes lose ink at random, so that what a unit receives is weaker, and rougher, than on any image it was trained on."
    )
    information: ClassVar[Information] = "reduced"

    fraction: Number
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "fraction", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        fractions, dropped = rng.spawn(2)
        u = dropped.random((len(images), 1, *images.shape[2:]), np.float32)
        return images * (u >= spread(draw(self.fraction, len(images), fractions)))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The share of inked pixels that are black; its spread over images beyond the binomial's is that of its draws."""
        ink = pairs.reference.max(1) > INK
        gone = ink & (pairs.shifted.max(1) < 0.4 * pairs.reference.max(1))
        counts, dropped = ink.sum((1, 2)), gone.sum((1, 2))
        enough = counts >= 10
        fraction = dropped.sum() / max(counts.sum(), 1)
        if not enough.any() or not 0.002 < fraction < 0.998:
            return []
        shares = dropped[enough] / counts[enough]
        chance = np.mean(fraction * (1 - fraction) / counts[enough])
        beyond = shares.var() - chance
        # 5 standard deviations of a variance of so many shares
        if beyond <= 5 * chance * np.sqrt(2 / len(shares)) or len(shares) < 10:
            return [cls(float(fraction))]
        drawn = distribution(shares, 4 * np.sqrt(chance))
        if isinstance(drawn, Uniform):
            half = np.sqrt(3 * beyond)
            drawn = Uniform(float(max(shares.mean() - half, 0)), float(min(shares.mean() + half, 1)))
        return [cls(drawn)]


def _fills(pairs: Pairs) -> np.ndarray | None:
    """The grey that most changed pixels of each image have; that of all images where too few have changed; None if no one has."""
    difference = np.abs(pairs.shifted - pairs.reference)
    # Noise on top moves all pixels: the quarter that moves least tells how much, or, where half of it is cut off at black,
    # three quarters do, unless the rectangle is among them.
    least, most = np.quantile(difference[:40], [0.25, 0.75])
    levels = [max(CHANGED, 10 * float(least)), *([6 * float(most)] if CHANGED < 6 * most < 0.5 else [])]
    found = [_fills_beyond(pairs, difference > level) for level in levels]
    found = [fills for fills in (*found, _steady_fills(pairs)) if fills is not None]
    if len(found) < 2:
        return found[0] if found else None
    few = pairs.first(24)
    return max(found, key=lambda fills: _sums(w := _inside(few, fills[: len(few)]), heaviest(w)).sum())


def _steady_fills(pairs: Pairs) -> np.ndarray | None:
    """The grey of the pixels that vary between the reference's images, and no longer between the shifted ones."""
    before, after = (side.var(0) for side in (pairs.reference, pairs.shifted))
    covered = (before > VARIES) & (after < STEADY * before)
    return np.full(len(pairs), np.clip(np.median(pairs.shifted[:, covered]), 0, 1)) if covered.any() else None


def _fills_beyond(pairs: Pairs, changed: np.ndarray) -> np.ndarray | None:
    if not changed.any():
        return None
    whole = float(np.median(pairs.shifted[changed]))
    fills = [float(np.median(s[c])) if c.sum() >= 5 else whole for s, c in zip(pairs.shifted, changed, strict=True)]
    fills = np.clip(fills, 0, 1)
    steady = np.subtract(*np.quantile(fills, [0.9, 0.1])) <= CHANGED
    return np.full(len(fills), np.clip(whole, 0, 1)) if steady else fills


def _fill_within(pairs: Pairs, rectangle: np.ndarray) -> float:
    """The grey that a rectangle has in all images: what lies outside may be noise, and have changed too."""
    top, left, height, width = rectangle
    within = pairs.shifted[:, :, top : top + height, left : left + width]
    return float(np.clip(np.median(within), 0, 1))


def _inside(pairs: Pairs, fills: np.ndarray) -> np.ndarray:
    """How much better each pixel is explained by being covered, (n, h, w)."""
    left_as_it_is = (pairs.shifted - pairs.reference) ** 2
    covered = (pairs.shifted - spread(fills)) ** 2
    return (left_as_it_is - covered).sum(1, dtype=np.float64) - SMALLEST


def _loss(weights: np.ndarray) -> float:
    """What a row may weigh against belonging: all that its pixels cost, and 8 bits' rounding."""
    return 4 * SMALLEST * max(weights.shape[1:])


def _sums(weights: np.ndarray, at: Rectangles) -> np.ndarray:
    """The sum of the weights inside each rectangle."""
    return np.array([w[t : t + h, a : a + b].sum() for w, (t, a, h, b) in zip(weights, at, strict=True)])


def _drawn(cls: type[Occlusion], at: Rectangles, weights: np.ndarray, fill: Number) -> Occlusion:
    """The draws that the rectangles of images look like, as far as they are free to be others."""
    free = freedom(weights, at, _loss(weights))
    starts, sizes = [], []
    for axis in (0, 1):
        first, length = at[:, axis], at[:, axis + 2]
        before, after = free[:, axis], free[:, axis + 2]
        size = common(length, length + before + after)
        grown = np.full(len(at), size) if isinstance(size, int) else length
        low = np.maximum(first - before, first + length - grown)
        high = np.maximum(low, np.minimum(first, first + length + after - grown))
        starts.append(common(low, high))
        sizes.append(size)
    return cls(starts[0], starts[1], sizes[0], sizes[1], fill, scope="per_image")
