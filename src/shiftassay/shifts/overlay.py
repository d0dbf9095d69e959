"""Shifts that lay something over the picture, or take a part of it away."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from shiftassay.errors import BadInput
from shiftassay.shifts.family import (
    FAMILIES,
    Choice,
    Context,
    Images,
    Information,
    Number,
    Scope,
    Shift,
    Uniform,
    check,
    draw,
    draws,
    spread,
)

SOFT_EDGE = 0.8  # of a drop: below this its film is too thin to be seen


@FAMILIES.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Shift):
    """A rectangle of one grey, `fill`, with its upper left pixel at row `top` and column `left`. What lies outside is cut off."""

    family: ClassVar[str] = "occlusion"
    group: ClassVar[str] = "overlay"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "The strokes beneath are gone, and the rectangle's own edges speak to every filter that looks for straight lines."
    )
    information: ClassVar[Information] = "reduced"

    top: int | Uniform | Choice
    left: int | Uniform | Choice
    height: int | Uniform | Choice
    width: int | Uniform | Choice
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


@FAMILIES.register("stripe")
@dataclass(frozen=True)
class Stripe(Shift):
    """1 − x in the given `columns`, counted from 0; the others stay."""

    family: ClassVar[str] = "stripe"
    group: ClassVar[str] = "overlay"
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


@FAMILIES.register("pixel_dropout")
@dataclass(frozen=True)
class PixelDropout(Shift):
    """Each pixel, with probability `fraction`, becomes 0 (in all its channels)."""

    family: ClassVar[str] = "pixel_dropout"
    group: ClassVar[str] = "overlay"
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


@FAMILIES.register("spatter")
@dataclass(frozen=True)
class Spatter(Shift):
    """Drops of mud of one `shade`: places where smooth noise is high (Hendrycks and Dietterich 2019).

    White noise is smoothed by a Gaussian of `size` pixels; its highest `coverage` (a share of the area, before the edges
    are softened) becomes mud, whose edges are softened by a Gaussian of `softness` pixels. What is then less than
    four fifths covered stays clean, so that the mud seen is less than `coverage`.
    """

    family: ClassVar[str] = "spatter"
    group: ClassVar[str] = "overlay"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Drops hide parts of strokes and leave grey blots on the background whose outlines look like strokes."
    )
    information: ClassVar[Information] = "reduced"

    coverage: float
    size: float = 1.0
    softness: float = 1.5
    shade: float = 63 / 255
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "coverage", lambda v: 0 < v < 1, "between 0 and 1, both excluded")
        check(self, "size", lambda v: v > 0.1, "above 0.1")
        check(self, "softness", lambda v: v >= 0, "0 or more")
        check(self, "shade", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        noise = rng.standard_normal((len(images), 1, *images.shape[2:]), np.float32)
        liquid = gaussian_filter(noise, (0, 0, self.size, self.size), mode="nearest")
        impulse = np.zeros(2 * int(4 * self.size + 0.5) + 1)
        impulse[len(impulse) // 2] = 1
        sd = (
            gaussian_filter(impulse, self.size, mode="constant") ** 2
        ).sum()  # of the smoothed noise: the line's norm, twice
        mud = (liquid > sd * ndtri(1 - self.coverage)).astype(np.float32)
        film = gaussian_filter(mud, (0, 0, self.softness, self.softness), mode="nearest")
        film[film < SOFT_EDGE] = 0
        return np.clip(images * (1 - film) + np.float32(self.shade) * film, 0, 1)
