"""Pairs of reference and shifted images, from which families estimate their parameters."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.ndimage import gaussian_filter

from shiftassay.imagesets.image_set import Images

LEVEL = 1.001 / 255
ROUNDING = 0.75 / 255  # smaller differences may come from another rounding to bytes
BORDERED = 0.25  # of an image's mean grey value: the sides of MNIST have 0, those of a photograph about 1
FOUR_DECIMALS = 0.5e-4  # a value that is written with four decimals is off by so much at most
SMALL_SIDE = 32  # pixels, about, of the shorter side of pictures that are made small
ENOUGH = 24  # images for a standard error over them
SMALLEST_PART = 7  # pixels a side of the parts of fewer images
FINER = 3  # times the side of the next smaller picture
FEW_LARGE = 30  # pairs below which it matters which are taken
LOOKED_AT = 4  # times as many pairs, of which those with detail are taken
MOST_PIXELS = 32 * 32  # of pictures whose linear map is kept as a matrix
MIDDLE = 112  # pixels a side of the middle of larger pictures
SMOOTHING = 1.0  # pixels: enough that a stroke overlaps with itself two pixels away


@dataclass(frozen=True, eq=False)
class Pairs:
    """Image i of `shifted` is image i of `reference` after the shift.

    With `contrast`, a linear map of grey values may have happened as well: errors are those left by the best one.
    With `inside_only`, fits of moved pictures ignore what moved in from outside. `left_out` are the pixels of both
    sides that show something else, such as a time stamp. `followed_by` is a known linear map of pictures that came
    after the shift, such as a blur: what the shift added to a picture went through it by itself.
    """

    reference: Images
    shifted: Images
    contrast: bool = False
    inside_only: bool = False
    left_out: Bool[np.ndarray, "h w"] | None = None
    followed_by: Callable[[Images], Images] | None = None

    def __len__(self) -> int:
        return len(self.reference)

    def first(self, n: int) -> "Pairs":
        """The first n pairs."""
        return self if n >= len(self) else replace(self, reference=self.reference[:n], shifted=self.shifted[:n])

    def affordable(self, count: int, values: int, fewest: int) -> int:
        """How many pairs have at most so many values on each side.

        At most `count`, at least `fewest`.
        """
        return min(count, max(fewest, values // max(self.reference[:1].size, 1)))

    def first_affordable(self, count: int, values: int, fewest: int) -> "Pairs":
        """As many of the first pairs."""
        return self.first(self.affordable(count, values, fewest))

    def first_detailed(self, count: int, values: int, fewest: int) -> "Pairs":
        """As many of the first pairs; of large pictures, those with at least the median of detail.

        Clear skies tell little of what was done to them.
        """
        n = self.affordable(count, values, fewest)
        if n >= len(self) or n > FEW_LARGE:
            return self.first(n)
        seen = self.reference[: n * LOOKED_AT]
        detail = sum((np.diff(seen, axis=axis) ** 2).mean((1, 2, 3), dtype=np.float64) for axis in (2, 3))
        return self.subset(np.argsort(detail < np.median(detail), kind="stable")[:n])

    def subset(self, indices: np.ndarray) -> "Pairs":
        """The pairs at these indices."""
        return replace(self, reference=self.reference[indices], shifted=self.shifted[indices])

    @cached_property
    def middle(self) -> "Pairs":
        """The middle of large pictures, for what happens to each pixel by itself."""
        return replace(self, reference=middle_of(self.reference), shifted=middle_of(self.shifted))

    @cached_property
    def smooth(self) -> "Pairs":
        """Both sides slightly blurred: fits of moved pictures converge from further away."""
        blur = (0, 0, SMOOTHING, SMOOTHING)
        return replace(
            self, reference=gaussian_filter(self.reference, blur), shifted=gaussian_filter(self.shifted, blur)
        )

    def reduced(self, by: int) -> "Pairs":
        """The pairs made small, in grey, for fits of moved pictures; themselves by 1.

        Pixels are means over squares with so many pixels a side; what remains at the edges is cut off alike on both
        sides.
        """
        if by == 1:
            return self
        if by not in self.smaller:
            before, after = (block_means(s.mean(1, keepdims=True), by) for s in (self.reference, self.shifted))
            self.smaller[by] = Pairs(before, after, self.contrast, self.inside_only)
        return self.smaller[by]

    @cached_property
    def smaller(self) -> dict[int, "Pairs"]:
        """What `reduced` made of these pairs."""
        return {}

    @cached_property
    def reductions(self) -> tuple[int, ...]:
        """By how much they are reduced for one fit after another: 1 alone if they are small.

        The first makes the shorter side about `SMALL_SIDE` pixels long, each further picture is about three times as
        large.
        """
        steps = [max(1, min(self.reference.shape[2:]) // SMALL_SIDE)]
        while steps[-1] > 1:
            steps.append(max(1, steps[-1] // FINER))
        return tuple(steps)

    @cached_property
    def inferred(self) -> dict[Any, Any]:
        """Shifts with the per-image parameters that were inferred from these pairs, by shift."""
        return {}

    def followed(self, images: Images) -> Images:
        """What the map that followed makes of images: themselves where none is known."""
        return images if self.followed_by is None else self.followed_by(images)

    @cached_property
    def before_added(self) -> Images:
        """The reference as the map that followed leaves it, without what was added."""
        return self.followed(self.reference)

    def followed_alone(self, added: Float32[np.ndarray, "m h w"]) -> Float32[np.ndarray, "m h w"]:
        """What the map that followed makes of what was added, in grey.

        Of small pictures it is one product of matrices.
        """
        if self.followed_by is None:
            return added
        if added[0].size <= MOST_PIXELS:
            return (added.reshape(len(added), -1) @ self._of_single_pixels).reshape(added.shape)
        return self.followed(added[:, None])[:, 0] - self._of_black

    @cached_property
    def _of_single_pixels(self) -> Float32[np.ndarray, "hw hw"]:
        """What the map that followed adds for each single white pixel, flat."""
        size = self.reference.shape[2:]
        count = size[0] * size[1]
        single = np.eye(count, dtype=np.float32).reshape(count, 1, *size)
        return (self.followed(single)[:, 0] - self._of_black).reshape(count, count)

    @cached_property
    def _of_black(self) -> Float32[np.ndarray, "h w"]:
        """What the map that followed makes of a black picture: what moves in may be brighter."""
        return self.followed(np.zeros((1, 1, *self.reference.shape[2:]), np.float32))[0, 0]

    @cached_property
    def change(self) -> float:
        """The mean squared difference of a pixel."""
        return float(np.mean((self.shifted - self.reference) ** 2, dtype=np.float64))

    @cached_property
    def changed(self) -> Bool[np.ndarray, "n"]:
        """Which images changed beyond rounding.

        Or beyond what a conversion to integers cuts off.
        """
        difference = self.shifted - self.reference
        changed = np.abs(difference).max((1, 2, 3)) > ROUNDING
        if changed.any() and in_bytes(self.shifted) and not in_bytes(self.reference):
            cut_off = (difference <= ROUNDING / 8) & (difference > -LEVEL)
            changed &= ~cut_off.all((1, 2, 3))
        return changed

    @cached_property
    def bordered(self) -> bool:
        """Whether pictures reach the border, so that it matters how a warp treats their edge."""
        return any(_reaches_border(images) for images in (self.reference, self.shifted))

    def residual(self, remade: Images, mask: Float32[np.ndarray, "m 1 h w"] | None = None) -> Images:
        """Shifted minus remade images, after the best linear map of grey values with `contrast`.

        That is the best where the mask is 1.
        """
        gain, offset = self.fit_intensity(remade, mask)
        return self.shifted - remade if gain == 1 and offset == 0 else self.shifted - (gain * remade + offset)

    def errors(self, remade: Images) -> Float64[np.ndarray, "n"]:
        """Each image's mean squared error under a remake."""
        return mean_squares(self.residual(remade))

    def fit_intensity(
        self, remade: np.ndarray, mask: Float32[np.ndarray, "m 1 h w"] | None = None
    ) -> tuple[np.float32, np.float32]:
        """Gain and offset of the best linear map of grey values from remade to shifted.

        1 and 0 without `contrast`. With `inside_only`, it is the best where the mask is 1.
        """
        if not self.contrast:
            return np.float32(1), np.float32(0)
        if self.inside_only and mask is not None:
            share = mask.mean(dtype=np.float64)
            mean, target = (np.mean(side * mask, dtype=np.float64) / share for side in (remade, self.shifted))
            centered = (remade - np.float32(mean)) * mask
        else:
            mean, target = remade.mean(dtype=np.float64), self.shifted.mean(dtype=np.float64)
            centered = remade - np.float32(mean)
        variance = np.vdot(centered, centered)
        gain = np.vdot(centered, self.shifted) / variance if variance > 1e-9 else 0.0
        return np.float32(gain), np.float32(target - gain * mean)


def middle_of(images: Images) -> Float32[np.ndarray, "n c y x"]:
    """The middle of large pictures, small ones whole."""
    top, left = (max(0, (side - MIDDLE) // 2) for side in images.shape[2:])
    return images[:, :, top : top + MIDDLE, left : left + MIDDLE]


def block_means(images: Images, side: int) -> Float32[np.ndarray, "n c rows columns"]:
    """The means over squares of `side` pixels; what remains is cut off at both edges."""
    n, c, h, w = images.shape
    rows, columns = h // side, w // side
    top, left = (h - rows * side) // 2, (w - columns * side) // 2
    inner = images[:, :, top : top + rows * side, left : left + columns * side]
    return inner.reshape(n, c, rows, side, columns, side).mean((3, 5), dtype=np.float32)


def in_bytes(images: Images) -> bool:
    """Whether images are rounded to 256 values.

    They may be kept in half precision, or with four decimals.

    >>> levels = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16) / 255
    >>> in_bytes(levels.astype(np.float16).astype(np.float32)), in_bytes(levels + np.float32(0.1172))
    (True, False)
    """
    few = images[:20]
    lost = np.spacing(np.abs(few).astype(np.float16)).astype(np.float32) + FOUR_DECIMALS
    return bool((np.abs(few - np.rint(few * 255) / 255) < lost).all())


def squares_of_parts(images: Images) -> Float64[np.ndarray, "parts"]:
    """The mean squares of each image; of few images, of squares that they are cut into.

    Means over images have a standard error: of few images, it is that over parts of them.
    """
    n, _, h, w = images.shape
    sides = 1 if n >= ENOUGH else int(np.ceil((ENOUGH / n) ** 0.5))
    rows, columns = (np.linspace(0, size, min(sides, max(size // SMALLEST_PART, 1)) + 1).astype(int) for size in (h, w))
    parts = [
        mean_squares(np.ascontiguousarray(images[:, :, top:bottom, left:right]))
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    return np.concatenate(parts)


def mean_squares(images: Images) -> Float64[np.ndarray, "n"]:
    """The mean square of each image's values."""
    flat = images.reshape(len(images), -1)
    return np.vecdot(flat, flat).astype(np.float64) / flat.shape[1]


def _reaches_border(images: Images) -> bool:
    """Whether the outermost pixels of a side are bright."""
    lines = images[:, :, 0], images[:, :, -1], images[..., 0], images[..., -1]
    return max(float(line.mean(dtype=np.float64)) for line in lines) > BORDERED * abs(float(images.mean()))
