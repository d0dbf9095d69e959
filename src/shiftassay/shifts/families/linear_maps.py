"""Shifts that are linear maps of places: the picture turns, grows, slants, or all at once."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.mean_picture import by_mean_picture
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.symmetry import FlipHorizontal, FlipVertical
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Choice, Number, PerImage, SearchRange, Uniform, draw, extremes
from shiftassay.shifts.warp import warp

QUARTER = 0.3  # degrees within which a rotation is a quarter or half turn
SHRUNK = 0.9  # a factor below this is a picture made smaller

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@FAMILIES.register("rotate")
@dataclass(frozen=True)
class Rotate(Shift):
    """Rotate the picture about its centre; black moves in at the corners.

    Parameters:
        angle: degrees, counter-clockwise as seen on the screen.
    """

    family: ClassVar[str] = "rotate"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "angle=15"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "A fully-connected layer has one weight for each place: strokes that turn meet weights that were trained for "
        "other strokes."
    )
    search: ClassVar[dict[str, SearchRange]] = {"angle": SearchRange(tuple(map(float, range(-180, 180, 10))), 1.0)}
    smooth: ClassVar[bool] = True

    angle: Number

    @property
    def information(self) -> Information:
        quarters = not isinstance(self.angle, Uniform) and all(a % 90 == 0 for a in extremes(self.angle))
        return "preserved" if quarters else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _rotation_matrices(-draw(self.angle, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _rotation_matrices(draw(self.angle, len(images), rng)))

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(angle)) for angle in range(-180, 180, 5)], samples)

    def normal_form(self) -> Shift:
        """With angles in (−180, 180]."""
        if isinstance(self.angle, float):
            return replace(self, angle=_normalized_angle(self.angle))
        if isinstance(self.angle, Choice):
            return replace(self, angle=Choice(tuple(map(_normalized_angle, self.angle.values))))
        return self

    def simplify_with(self, neighbor: Shift) -> tuple[Shift, Shift] | None:
        """One mirror beside an angle beyond ±90° becomes the other mirror beside the angle + 180°."""
        other_mirror = {FlipHorizontal: FlipVertical, FlipVertical: FlipHorizontal}.get(type(neighbor))
        if other_mirror is None or other_mirror.family not in FAMILIES:
            return None
        if not isinstance(self.angle, float) or abs(self.angle) <= 90:
            return None
        return replace(self, angle=_normalized_angle(self.angle + 180)), other_mirror()

    @property
    def is_identity(self) -> bool:
        return self.angle == 0

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        (a, b), (c, d) = matrix[:, :2]
        return cls(math.degrees(math.atan2(b - c, a + d)))


@FAMILIES.register("scale")
@dataclass(frozen=True)
class Scale(Shift):
    """Magnify or shrink the picture about its centre; black moves in where it shrinks.

    Parameters:
        factor: the new size divided by the old, above 0.
    """

    family: ClassVar[str] = "scale"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "factor=0.7"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes become thinner or thicker than any template the network holds, and all but the centre stands "
        "elsewhere."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "factor": SearchRange((0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.4, 1.6, 2.0, 2.5), 0.02, 0.1, 8.0)
    }
    smooth: ClassVar[bool] = True

    factor: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v > 0, "above 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, np.eye(2) / draw(self.factor, len(images), rng)[:, None, None])

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, np.eye(2) * draw(self.factor, len(images), rng)[:, None, None])

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(factor)) for factor in np.geomspace(0.3, 3, 30)], samples)

    @property
    def shrinks(self) -> bool:
        return any(factor < SHRUNK for factor in extremes(self.factor))

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        (a, b), (c, d) = matrix[:, :2]
        return cls(max(math.sqrt(abs(a * d - b * c)), 0.1))


@FAMILIES.register("shear")
@dataclass(frozen=True)
class Shear(Shift):
    """Slide the rows along each other, as italics do; black moves in.

    x_out = x + factor · y about the centre, with y down.

    Parameters:
        factor: pixels to the right for each pixel down; the slant's tangent.
    """

    family: ClassVar[str] = "shear"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "factor=0.3"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Upright strokes slant: the direction of an edge, which the first layer's filters respond to, is another one."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "factor": SearchRange((-1.2, -0.9, -0.6, -0.3, 0.3, 0.6, 0.9, 1.2), 0.04)
    }
    smooth: ClassVar[bool] = True

    factor: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _shear_matrices(-draw(self.factor, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _shear_matrices(draw(self.factor, len(images), rng)))

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(factor)) for factor in np.linspace(-1.4, 1.4, 29)], samples)

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        b, d = matrix[0, 1], matrix[1, 1]
        return cls(float(np.clip(b / d, -1, 1)) if d else 0.0)


@FAMILIES.register("affine")
@dataclass(frozen=True)
class Affine(Shift):
    """Turn, resize, slant and move the picture by one affine map; black moves in.

    (x, y)_out = matrix · (x, y, 1) about the centre, with x to the right and y down.

    Parameters:
        matrix: two rows of three numbers, the third in pixels; its left 2 × 2 part must be invertible. A choice of
            matrices draws one of them for each image.
    """

    family: ClassVar[str] = "affine"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "matrix=[[1,0.2,0],[0,1,0]]"
    estimator: ClassVar[Estimator] = LeastSquares()
    tier: ClassVar[int] = 1
    general: ClassVar[bool] = True
    extra_penalty: ClassVar[float] = 0.3  # a simpler map, or two of them, is preferred
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Position, size and slant of every stroke change at once, so that hardly any pixel meets the weight that was "
        "trained for it."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        name: SearchRange((), step) for name, step in zip("abcdef", (0.02, 0.02, 0.25) * 2, strict=True)
    }
    smooth: ClassVar[bool] = True

    matrix: Matrix | Choice | PerImage

    @classmethod
    def search_starts(cls, size: tuple[int, ...]) -> np.ndarray:
        """Twelve angles at three sizes, mirrored or not."""
        turns = np.linalg.inv(_rotation_matrices(-np.arange(0.0, 360.0, 30.0)))
        linear = [size * turn * [mirror, 1] for turn in turns for size in (0.75, 1.0, 1.3) for mirror in (1, -1)]
        return np.stack([np.concatenate([m, np.zeros((2, 1))], 1).ravel() for m in linear])

    def candidate_draws(self) -> np.ndarray:
        return np.array(extremes(self.matrix), np.float64).reshape(-1, 6)

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> "Affine":
        return cls(nested_tuples(numbers.reshape(2, 3)))

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> "Affine":
        return cls(PerImage(numbers.reshape(-1, 2, 3)), scope="per_image")

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> "Affine":
        return cls(recurring_values(numbers, cls.search_steps()[0], (2, 3)), scope="per_image")

    def __post_init__(self) -> None:
        super().__post_init__()
        matrices = np.array(extremes(self.matrix))
        flat = np.abs(np.linalg.det(matrices[:, :, :2])) < 1e-6
        if flat.any():
            flattening = nested_tuples(matrices[flat][0])
            raise BadInput(f"affine: {flattening} flattens the picture. Choose a matrix whose determinant is not 0.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _inverse_affine(draw(self.matrix, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, draw(self.matrix, len(images), rng))

    @property
    def affine_map(self) -> Matrix | None:
        return self.matrix if isinstance(self.matrix, tuple) else None


def nested_tuples(values: Float64[np.ndarray, "r c"]) -> Any:
    """A matrix as a tuple of rows. (Its exact type follows from the shape.)"""
    return tuple(tuple(map(float, row)) for row in values)


def recurring_values(
    estimates: Float64[np.ndarray, "n k"], steps: Float64[np.ndarray, "k"], shape: tuple[int, ...]
) -> Choice:
    """The matrices that per-image estimates cluster around; a sample of them if there are no clusters.

    An estimate within three steps of a cluster's first member belongs to it.
    """
    clusters: list[list[np.ndarray]] = []
    for row in estimates:
        near = next((c for c in clusters if np.all(np.abs(c[0] - row) < 3 * steps)), None)
        clusters.append([row]) if near is None else near.append(row)
    large = [c for c in clusters if len(c) >= 0.04 * len(estimates)]
    clear = len(large) <= 6 and sum(map(len, large)) >= 0.9 * len(estimates)
    chosen = [np.median(c, axis=0) for c in large] if clear else list(estimates[:64])
    return Choice(tuple(nested_tuples(row.reshape(shape)) for row in chosen))


def _rotation_matrices(angles: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2 2"]:
    """Matrices that turn counter-clockwise. With y down, such a turn takes (1, 0) to (cos, −sin)."""
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def _shear_matrices(factors: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2 2"]:
    matrices = np.tile(np.eye(2), (len(factors), 1, 1))
    matrices[:, 0, 1] = factors
    return matrices


def _inverse_affine(matrices: Float64[np.ndarray, "n 2 3"]) -> Float64[np.ndarray, "n 2 3"]:
    """The affine maps back: p = A q + t, so q = A⁻¹ p − A⁻¹ t."""
    inverse = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([inverse, -inverse @ matrices[:, :, 2:]], -1)


def _normalized_angle(angle: float) -> float:
    """Within (−180, 180]; a quarter turn where it is as good as one."""
    nearest = 90.0 * round(angle / 90)
    angle = nearest if abs(angle - nearest) < QUARTER and nearest % 360 else angle
    return 180 - (180 - angle) % 360
