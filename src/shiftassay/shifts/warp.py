"""Resampling images: bilinear, black outside, places counted from the centre ((h − 1)/2, (w − 1)/2), x right and y down."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch.nn import functional as F

from shiftassay.imagesets.image_set import Images

CHUNK = 2000  # images: bounds the memory that a sampling grid takes
OUTSIDE = 1e6  # a place that is in no image


@dataclass(frozen=True)
class Resampling:
    """How values between pixels are found, and how far right and down of (h − 1)/2 the centre is: others' code differs in both."""

    kernel: Literal["nearest", "bilinear", "bicubic", "area"] = "bilinear"
    """`area`: bilinear, averaged over the pixel and half of its neighbours by a triangle, as shrinking without aliases does."""
    centre: float = 0.0


OURS = Resampling()
_current: ContextVar[Resampling] = ContextVar("resampling", default=OURS)


def resampling() -> Resampling:
    """How warps and moves are made at present."""
    return _current.get()


@contextmanager
def resampled(how: Resampling) -> Iterator[None]:
    """Within it, warps and moves by fractions of a pixel are made as other code makes them.

    >>> line = np.array([[[[0, 0, 1, 0, 0]]]], np.float32)
    >>> with resampled(Resampling("nearest")):
    ...     move(line, np.array([0.6]), np.array([0.0]), wrap=False).ravel().tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0]
    """
    token = _current.set(how)
    try:
        yield
    finally:
        _current.reset(token)


def warp(
    images: Images, to_input: Float64[np.ndarray, "n rows columns"], size: tuple[int, int] | None = None
) -> Float32[np.ndarray, "n c H W"]:
    """Sample each image at matrix · (x, y), with (x, y) the output's place; the output is of the images' size if not of another.

    The matrices are 2 × 2 (linear), 2 × 3 (affine, on (x, y, 1)) or 3 × 3 (projective, divided by the third number).
    """
    h, w = size or images.shape[2:]
    centre = _current.get().centre
    if _current.get().kernel == "area":
        return _averaged(images, to_input, size)
    if (to_input == to_input[:1]).all():
        to_input = to_input[:1]  # the same for all: much faster
    rows, columns = to_input.shape[1:]
    homogeneous = _homogeneous(h, w, centre)[:columns]
    warped = np.empty((*images.shape[:2], h, w), np.float32)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        matrices = to_input if len(to_input) == 1 else to_input[part]
        at = (matrices.astype(np.float32).reshape(-1, columns) @ homogeneous).reshape(-1, rows, h, w)
        if rows == 3:
            behind = at[:, 2:] < 1e-6
            at = np.where(behind, OUTSIDE, at[:, :2] / np.where(behind, 1, at[:, 2:]))
        warped[part] = sample(images[part], at + centre if centre else at)
    return warped


def _averaged(images: Images, to_input: np.ndarray, size: tuple[int, int] | None) -> Float32[np.ndarray, "n c H W"]:
    """The mean of warps to places around each pixel's centre."""
    offsets, weights = np.linspace(-0.8, 0.8, 5), np.array([1, 3, 5, 3, 1]) / 13
    total: np.ndarray | None = None
    token = _current.set(Resampling("bilinear", _current.get().centre))
    try:
        for dy, weight_y in zip(offsets, weights, strict=True):
            for dx, weight_x in zip(offsets, weights, strict=True):
                move_by = np.eye(3)
                move_by[:2, 2] = dx, dy
                lifted = np.zeros((len(to_input), to_input.shape[1], 3))
                lifted[:, :, : to_input.shape[2]] = to_input
                part = np.float32(weight_x * weight_y) * warp(images, lifted @ move_by, size)
                total = part if total is None else total + part
    finally:
        _current.reset(token)
    assert total is not None
    return total


def displace(images: Images, field: Float32[np.ndarray, "m 2 h w"]) -> Images:
    """Sample each image at (x, y) + field: x's displacement first. One field for all images, or one for each."""
    places = grid(*images.shape[2:])
    moved = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        moved[part] = sample(images[part], places + (field if len(field) == 1 else field[part]))
    return moved


def grid(h: int, w: int) -> Float64[np.ndarray, "2 h w"]:
    """The place of every pixel: x's plane first, y's second."""
    y, x = np.meshgrid(np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2, indexing="ij")
    return np.stack([x, y])


@lru_cache(maxsize=64)
def _homogeneous(h: int, w: int, centre: float) -> Float32[np.ndarray, "3 hw"]:
    """(x, y, 1) of every pixel."""
    return np.concatenate([grid(h, w) - centre, np.ones((1, h, w))]).reshape(3, h * w).astype(np.float32)


def sample(
    images: Images, places: Float[np.ndarray, "m 2 H W"], outside: str = "zeros"
) -> Float32[np.ndarray, "n c H W"]:
    """The images' values at places between their pixels, the same for all images or one map of them for each.

    `outside` is "zeros" or "border" (the nearest pixel).
    """
    n, c, h, w = images.shape
    unit = np.empty((len(places), *places.shape[2:], 2), np.float32)
    for axis, half in enumerate(((w - 1) / 2, (h - 1) / 2)):
        np.multiply(places[:, axis], 1 / max(half, 0.5), out=unit[..., axis], casting="same_kind")  # of one pixel: any
    kernel = _current.get().kernel
    kernel = "bilinear" if kernel == "area" else kernel
    given = torch.from_numpy(images)
    given = given.reshape(1, n * c, h, w) if len(places) == 1 else given
    sampled = F.grid_sample(given, torch.from_numpy(unit), kernel, outside, align_corners=True).numpy()
    sampled = sampled.reshape(n, c, *sampled.shape[2:])
    # Cubic kernels overshoot, which eight bits cut off.
    return sampled if kernel != "bicubic" else np.clip(sampled, images.min(), images.max())


def move(images: Images, dx: np.ndarray, dy: np.ndarray, wrap: bool) -> Images:
    """Each image moved right by its dx and down by its dy; exact for whole pixels, bilinear between them.

    What leaves comes back on the other side, or is lost and black moves in.
    """
    return _move(_move(images, dx, 3, wrap), dy, 2, wrap)


def _move(images: Images, by: np.ndarray, axis: int, wrap: bool) -> Images:
    if _current.get().kernel == "nearest":
        by = np.floor(by + 0.5)
    whole = np.floor(by)
    between = (by - whole).astype(np.float32)[:, None, None, None]
    moved = _take(images, whole.astype(np.int64), axis, wrap)
    if between.any():
        moved = (1 - between) * moved + between * _take(images, whole.astype(np.int64) + 1, axis, wrap)
    return moved


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
