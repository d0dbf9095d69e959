"""Resampling: bilinear, and black outside unless something else moves in.

Positions count from the centre ((h − 1)/2, (w − 1)/2), x right, y down.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.cubic import TAPS, coefficients, cubic_sample, cubic_weights

CHUNK = 2000  # images: bounds the memory of a sampling grid
OUTSIDE = 1e6  # a position outside every image


Kernel = Literal["nearest", "bilinear", "bicubic", "keys", "sharp", "spline", "area"]
Repeating = Literal["edge", "reflect", "symmetric", "wrap"]
"""What the picture continues as outside of itself, by the names of `numpy.pad`.

Its outermost pixels for ever; mirrored at their centres, or at their outer sides; or the same picture again.
"""
Fill = Literal["black", "edge", "reflect", "symmetric", "wrap"] | float | tuple[float, ...]
"""What moves in from outside: black, one of `Repeating`, a grey value, or one value for each channel."""
CUBIC = ("bicubic", "keys", "sharp", "spline")


@dataclass(frozen=True)
class Resampling:
    """How values between pixels are interpolated, and where the centre is.

    `center` is the distance from (h − 1)/2, to the right and down. Other implementations differ in both.
    """

    kernel: Kernel = "bilinear"
    """`area`: bilinear, averaged under a triangle over a pixel and half of its neighbours, as antialiased resizing.

    `bicubic`, `keys` and `sharp`: cubic convolution (see `cubic.SLOPES`). `spline`: cubic B-splines, as SciPy's.
    """
    center: float = 0.0
    steps: int = 0
    """Steps of a pixel to which places are rounded, such as OpenCV's 32; 0 for none."""
    edge: float | None = None
    """How far outside the centres of its outermost pixels a moved picture is cut off; None where it blends with black.

    Pillow cuts it off half a pixel outside, SciPy at the centres.
    """


EDGES = (None, 0.0, 0.5)
ROUNDED = 1e-5  # pixels by which places are rounded
OURS = Resampling()
_current: ContextVar[Resampling] = ContextVar("resampling", default=OURS)


def current_resampling() -> Resampling:
    """The resampling of warps and moves here: `OURS` outside `resampled`."""
    return _current.get()


@contextmanager
def resampled(resampling: Resampling) -> Iterator[None]:
    """A context in which all warps, and moves by fractions of a pixel, use this resampling.

    It is dynamic scope, not an argument: a search under another resampling passes through the estimators of all
    families.

    >>> line = np.array([[[[0, 0, 1, 0, 0]]]], np.float32)
    >>> with resampled(Resampling("nearest")):
    ...     move(line, np.array([0.6]), np.array([0.0])).ravel().tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0]
    """
    token = _current.set(resampling)
    try:
        yield
    finally:
        _current.reset(token)


def warp(
    images: Images,
    to_input: Float64[np.ndarray, "n rows columns"],
    size: tuple[int, int] | None = None,
    resampling: Resampling | None = None,
    fill: Fill = "black",
) -> Float32[np.ndarray, "n c H W"]:
    """Sample each image at matrix · (x, y), with (x, y) the position in the output.

    The output has the images' size by default. The matrices are 2 × 2 (linear), 2 × 3 (affine, on (x, y, 1)) or 3 × 3
    (projective, divided by the third number). The resampling is the current one unless another is passed.
    """
    resampling = resampling or _current.get()
    if resampling.kernel == "area":
        return _averaged(images, to_input, size, resampling, fill)
    h, w = size or images.shape[2:]
    center = resampling.center
    if (to_input == to_input[:1]).all():
        to_input = to_input[:1]  # the same for all: much faster
    rows, columns = to_input.shape[1:]
    homogeneous = _homogeneous(h, w, center)[:columns]
    warped = np.empty((*images.shape[:2], h, w), np.float32)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        matrices = to_input if len(to_input) == 1 else to_input[part]
        positions = (matrices.astype(np.float32).reshape(-1, columns) @ homogeneous).reshape(-1, rows, h, w)
        if rows == 3:
            behind = positions[:, 2:] < 1e-6
            positions = np.where(behind, OUTSIDE, positions[:, :2] / np.where(behind, 1, positions[:, 2:]))
        warped[part] = sample(images[part], positions + center if center else positions, fill, resampling)
    return warped


def _averaged(
    images: Images, to_input: np.ndarray, size: tuple[int, int] | None, resampling: Resampling, fill: Fill
) -> Float32[np.ndarray, "n c H W"]:
    """The weighted mean of warps to positions around each pixel's centre."""
    offsets, weights = np.linspace(-0.8, 0.8, 5), np.array([1, 3, 5, 3, 1]) / 13
    lifted = np.zeros((len(to_input), to_input.shape[1], 3))
    lifted[:, :, : to_input.shape[2]] = to_input
    bilinear = replace(resampling, kernel="bilinear")

    def part(i: int, j: int) -> np.ndarray:
        move_by = np.eye(3)
        move_by[:2, 2] = offsets[j], offsets[i]
        return np.float32(weights[j] * weights[i]) * warp(images, lifted @ move_by, size, bilinear, fill)

    total = part(0, 0)
    for i, j in list(np.ndindex(5, 5))[1:]:
        total = total + part(i, j)
    return total


def displace(images: Images, field: Float32[np.ndarray, "m 2 h w"]) -> Images:
    """Sample each image at (x, y) + field, whose first plane is x's displacement.

    One field for all, or one each.
    """
    positions = grid(*images.shape[2:])
    moved = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        moved[part] = sample(images[part], positions + (field if len(field) == 1 else field[part]))
    return moved


def grid(h: int, w: int) -> Float64[np.ndarray, "2 h w"]:
    """The position of every pixel: x's plane, then y's."""
    y, x = np.meshgrid(np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2, indexing="ij")
    return np.stack([x, y])


@lru_cache(maxsize=64)
def _homogeneous(h: int, w: int, center: float) -> Float32[np.ndarray, "3 hw"]:
    """(x, y, 1) of every pixel."""
    return np.concatenate([grid(h, w) - center, np.ones((1, h, w))]).reshape(3, h * w).astype(np.float32)


def sample(
    images: Images,
    positions: Float[np.ndarray, "m 2 H W"],
    fill: Fill = "black",
    resampling: Resampling | None = None,
) -> Float32[np.ndarray, "n c H W"]:
    """The images' values at positions between their pixels, and what `fill` says outside.

    One map of positions for all images, or one per image. The resampling is the current one unless another is passed.
    Raises `BadInput` where a colour has another number of channels than the images.
    """
    if not isinstance(fill, str):
        colour = as_colour(fill, images)
        return sample(images - colour, positions, "black", resampling) + colour
    h, w = images.shape[2:]
    resampling = resampling or _current.get()
    kernel = "bilinear" if resampling.kernel == "area" else resampling.kernel
    middle = np.array([(w - 1) / 2, (h - 1) / 2])[:, None, None]
    if resampling.steps:
        positions = np.rint((positions + middle) * resampling.steps) / resampling.steps - middle
    if fill in ("reflect", "symmetric", "wrap"):
        positions = np.stack(
            [
                _folded(positions[:, i] + m, size, fill) - m
                for i, (m, size) in enumerate(zip(middle, (w, h), strict=True))
            ],
            1,
        )
        images = np.pad(images, ((0, 0), (0, 0), (TAPS, TAPS), (TAPS, TAPS)), fill)
        middle = middle + TAPS
    edge = resampling.edge if fill == "black" else None
    beyond = "zeros" if fill == "black" and edge is None else "border"
    if kernel in CUBIC and kernel != "bicubic":
        sampled = cubic_sample(images, positions + middle, kernel, beyond)
    else:
        sampled = _by_torch(images, positions, beyond, kernel)
    if edge is not None:
        within = np.all(np.abs(positions) <= middle + edge + ROUNDED, axis=1)
        sampled = sampled * within[:, None].astype(np.float32)
    return _within_range(sampled, images, kernel)


def as_colour(
    fill: float | tuple[float, ...], images: Images, what: str = "fill: it"
) -> Float32[np.ndarray, "1 c 1 1"]:
    """The value of each channel.

    Raises `BadInput`, which names it as `what`, for another number of channels than the images have.
    """
    colour = np.array(fill, np.float32).reshape(1, -1, 1, 1)
    if colour.size not in (1, images.shape[1]):
        raise BadInput(
            f"{what} has {colour.size} values, the images have {images.shape[1]} channels. Give one for each."
        )
    return np.broadcast_to(colour, (1, images.shape[1], 1, 1))


def _folded(places: Float[np.ndarray, "*shape"], size: int, fill: Repeating) -> Float[np.ndarray, "*shape"]:
    """Places along an axis, counted from the first pixel, moved into the picture as it repeats.

    >>> _folded(np.array([-2.0, 0.0, 3.0, 5.0]), 4, "reflect").tolist()
    [2.0, 0.0, 3.0, 1.0]
    """
    if fill == "wrap":
        return places % size
    outer = 0.5 if fill == "symmetric" else 0.0
    length = max(size - 1 + 2 * outer, 0.5)
    there = (places + outer) % (2 * length)
    return np.minimum(there, 2 * length - there) - outer


def _within_range(sampled: Images, images: Float32[np.ndarray, "m c y x"], kernel: Kernel) -> Images:
    """Cut off what cubic kernels overshoot.

    Eight bits do so; scikit-image cuts each image to its own range.
    """
    if kernel not in CUBIC:
        return sampled
    each = (1, 2, 3) if kernel == "keys" and len(sampled) == len(images) else None
    low, high = (of(each, keepdims=True) for of in (images.min, images.max))
    within = np.clip(sampled, low, high)
    if (low <= 0).all() and (high >= 0).all():
        return within
    return np.where(sampled == 0, 0, within)  # exactly 0 is what moved in from outside


def _by_torch(
    images: Images, positions: Float[np.ndarray, "m 2 H W"], outside: str, kernel: str
) -> Float32[np.ndarray, "n c H W"]:
    n, c, h, w = images.shape
    unit = np.empty((len(positions), *positions.shape[2:], 2), np.float32)
    for axis, half in enumerate(((w - 1) / 2, (h - 1) / 2)):  # half is 0 for one pixel, where any scale does
        np.multiply(positions[:, axis], 1 / max(half, 0.5), out=unit[..., axis], casting="same_kind")
    import torch  # here, so that data sets are listed without it

    tensor = torch.from_numpy(images)
    tensor = tensor.reshape(1, n * c, h, w) if len(positions) == 1 else tensor
    sampled = torch.nn.functional.grid_sample(
        tensor, torch.from_numpy(unit), kernel, outside, align_corners=True
    ).numpy()
    return sampled.reshape(n, c, *sampled.shape[2:])


def move(images: Images, dx: np.ndarray, dy: np.ndarray, fill: Fill = "black") -> Images:
    """Each image moved right by its dx and down by its dy.

    Exact for whole pixels, interpolated between them by the current resampling.
    """
    if not isinstance(fill, str):
        colour = as_colour(fill, images)
        return move(images - colour, dx, dy) + colour
    wrap, around = fill == "wrap", 0
    if fill in ("edge", "reflect", "symmetric"):
        around = int(np.ceil(max(np.abs(dx).max(), np.abs(dy).max()))) + TAPS
        images = np.pad(images, ((0, 0), (0, 0), (around, around), (around, around)), fill)
    moved = _within_range(_move(_move(images, dx, 3, wrap), dy, 2, wrap), images, _current.get().kernel)
    return np.ascontiguousarray(moved[:, :, around : moved.shape[2] - around, around : moved.shape[3] - around])


def _move(images: Images, by: np.ndarray, axis: int, wrap: bool) -> Images:
    kernel, steps = _current.get().kernel, _current.get().steps
    if kernel == "nearest":
        by = np.floor(by + 0.5)
    by = np.rint(by * steps) / steps if steps else by
    whole = np.floor(by)
    between = (by - whole).astype(np.float32)[:, None, None, None]
    start = whole.astype(np.int64)
    if not between.any():
        return _take(images, start, axis, wrap)
    if kernel in CUBIC:
        # A place is at t = 1 − between to the right of the pixel that moves there from whole + 1 to the left.
        weights = cubic_weights(1 - between, kernel).astype(np.float32)
        values = coefficients(images, (axis,), wrap) if kernel == "spline" else images
        taps = [weights[i] * _take(values, start + 2 - i, axis, wrap) for i in range(TAPS)]
        return np.sum(taps, axis=0)
    return (1 - between) * _take(images, start, axis, wrap) + between * _take(images, start + 1, axis, wrap)


def _take(images: Images, by: np.ndarray, axis: int, wrap: bool) -> Images:
    """Each image moved by whole pixels along an axis."""
    size = images.shape[axis]
    lines = np.moveaxis(images, axis, 1)
    if len(np.unique(by)) == 1:  # the same for all: much faster
        taken = np.roll(lines, by[0], 1)
    else:
        taken = lines[np.arange(len(by))[:, None], (np.arange(size) - by[:, None]) % size]
    if not wrap:
        source = np.arange(size) - by[:, None]
        taken *= ((source >= 0) & (source < size))[:, :, None, None]
    return np.ascontiguousarray(np.moveaxis(taken, 1, axis))
