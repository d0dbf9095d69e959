"""Shifts that move the picture as a rigid or linear whole."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

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
    extremes,
)
from shiftassay.shifts.warp import move, warp

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@FAMILIES.register("translate")
@dataclass(frozen=True)
class Translate(Shift):
    """A move by `dx` pixels to the right and `dy` down; black moves in. Fractions of a pixel are bilinear."""

    family: ClassVar[str] = "translate"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Weights are tied to places: every stroke meets its neighbour's weights, and a fully-connected layer never learned that they are alike."
    )
    information: ClassVar[Information] = "reduced"

    dx: Number = 0.0
    dy: Number = 0.0

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, dx, dy, wrap=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -dx, -dy, wrap=False)


@FAMILIES.register("roll")
@dataclass(frozen=True)
class Roll(Shift):
    """A move by `dx` pixels to the right and `dy` down; what leaves comes back on the other side. Whole pixels only."""

    family: ClassVar[str] = "roll"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes meet weights trained for other places, and one that wraps is torn apart: two parts of it stand at opposite borders."
    )
    information: ClassVar[Information] = "preserved"

    dx: int | Uniform | Choice = 0
    dy: int | Uniform | Choice = 0

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, np.rint(dx), np.rint(dy), wrap=True)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -np.rint(dx), -np.rint(dy), wrap=True)


@FAMILIES.register("rotate")
@dataclass(frozen=True)
class Rotate(Shift):
    """A rotation by `angle` degrees about the centre, counter-clockwise as seen on the screen."""

    family: ClassVar[str] = "rotate"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "A fully-connected layer has one weight for each place: strokes that turn meet weights that were trained for other strokes."
    )

    angle: Number

    @property
    def information(self) -> Information:
        quarters = not isinstance(self.angle, Uniform) and all(a % 90 == 0 for a in extremes(self.angle))
        return "preserved" if quarters else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _turns(-draw(self.angle, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _turns(draw(self.angle, len(images), rng)))


@FAMILIES.register("scale")
@dataclass(frozen=True)
class Scale(Shift):
    """The picture `factor` times as large, about the centre: below 1 it shrinks and black moves in."""

    family: ClassVar[str] = "scale"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes become thinner or thicker than any template the network holds, and all but the centre stands elsewhere."
    )
    information: ClassVar[Information] = "reduced"

    factor: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v > 0, "above 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, np.eye(2) / draw(self.factor, len(images), rng)[:, None, None])

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, np.eye(2) * draw(self.factor, len(images), rng)[:, None, None])


@FAMILIES.register("shear")
@dataclass(frozen=True)
class Shear(Shift):
    """x_out = x + factor · y about the centre, y down: rows slide along each other, as in italics."""

    family: ClassVar[str] = "shear"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Upright strokes slant: the direction of an edge, which the first layer's filters respond to, is another one."
    )
    information: ClassVar[Information] = "reduced"

    factor: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _slants(-draw(self.factor, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _slants(draw(self.factor, len(images), rng)))


@FAMILIES.register("affine")
@dataclass(frozen=True)
class Affine(Shift):
    """(x, y)_out = matrix · (x, y, 1) about the centre: two rows of three numbers, the third in pixels.

    A choice of matrices draws one of them for each image.
    """

    family: ClassVar[str] = "affine"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Position, size and slant of every stroke change at once, so that hardly any pixel meets the weight that was trained for it."
    )
    information: ClassVar[Information] = "reduced"

    matrix: Matrix | Choice

    def __post_init__(self) -> None:
        super().__post_init__()
        for matrix in extremes(self.matrix):
            if abs(np.linalg.det(np.array(matrix)[:, :2])) < 1e-6:
                raise BadInput(f"affine: {matrix} flattens the picture. Choose a matrix whose determinant is not 0.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _inverse(draw(self.matrix, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, draw(self.matrix, len(images), rng))


def _turns(angles: np.ndarray) -> np.ndarray:
    """Matrices that turn counter-clockwise. With y down, such a turn takes (1, 0) to (cos, −sin)."""
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def _slants(factors: np.ndarray) -> np.ndarray:
    matrices = np.tile(np.eye(2), (len(factors), 1, 1))
    matrices[:, 0, 1] = factors
    return matrices


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """The affine maps back: p = A q + t, so q = A⁻¹ p − A⁻¹ t."""
    back = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([back, -back @ matrices[:, :, 2:]], -1)
