"""Shifts that are linear maps of positions with one parameter: rotation, scaling and shear."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.mean_picture import by_mean_picture
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.symmetry import FlipHorizontal, FlipVertical
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.moved import Moved
from shiftassay.shifts.parameters import Choice, Number, SearchRange, Uniform, draw, extremes
from shiftassay.shifts.sampling_code import WARPING
from shiftassay.shifts.warp import warp

QUARTER = 0.3  # degrees within which a rotation is a quarter or half turn
SHRUNK = 0.9  # a factor below this is a picture made smaller


@FAMILIES.register("rotate")
@dataclass(frozen=True)
class Rotate(Moved):
    """Rotate the picture about its centre; black, or what `fill` says, moves in at the corners.

    Parameters:
        angle: degrees, counter-clockwise as seen on the screen.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "rotate"
    example: ClassVar[str] = "angle=15"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "A fully-connected layer has one weight for each place: strokes that turn meet weights that were trained for "
        "other strokes."
    )
    search: ClassVar[dict[str, SearchRange]] = {"angle": SearchRange(tuple(map(float, range(-180, 180, 10))), 1.0)}

    angle: Number

    @property
    def information(self) -> Information:
        quarters = not isinstance(self.angle, Uniform) and all(a % 90 == 0 for a in extremes(self.angle))
        return "preserved" if quarters else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, rotation_matrices(-draw(self.angle, len(images), rng)), fill=self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, rotation_matrices(draw(self.angle, len(images), rng)))

    def undo_steps(self) -> Steps:
        turn = f"turn = np.radians({literal(self.angle)})\ncos, sin = np.cos(turn), np.sin(turn)"
        return Steps(f"{turn}\nimages = warp(images, [[cos, sin, 0], [-sin, cos, 0]])", WARPING)

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
        """Beside a mirror, add 180° to an angle beyond ±90° and take the other mirror."""
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
class Scale(Moved):
    """Magnify or shrink the picture about its centre; black, or what `fill` says, moves in.

    Parameters:
        factor: the new size divided by the old, above 0.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "scale"
    example: ClassVar[str] = "factor=0.7"
    also_called: ClassVar[tuple[str, ...]] = ("zoom",)
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

    factor: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v > 0, "above 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, np.eye(2) / draw(self.factor, len(images), rng)[:, None, None], fill=self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, np.eye(2) * draw(self.factor, len(images), rng)[:, None, None])

    def undo_steps(self) -> Steps:
        factor = literal(self.factor)
        return Steps(f"images = warp(images, [[{factor}, 0, 0], [0, {factor}, 0]])", WARPING)

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
class Shear(Moved):
    """Slide the rows along each other, as italics do; black, or what `fill` says, moves in.

    x_out = x + factor · y about the centre, with y down.

    Parameters:
        factor: pixels to the right for each pixel down; the slant's tangent.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "shear"
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

    factor: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _shear_matrices(-draw(self.factor, len(images), rng)), fill=self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _shear_matrices(draw(self.factor, len(images), rng)))

    def undo_steps(self) -> Steps:
        return Steps(f"images = warp(images, [[1, {literal(self.factor)}, 0], [0, 1, 0]])", WARPING)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(factor)) for factor in np.linspace(-1.4, 1.4, 29)], samples)

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        b, d = matrix[0, 1], matrix[1, 1]
        return cls(float(np.clip(b / d, -1, 1)) if d else 0.0)


def rotation_matrices(angles: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2 2"]:
    """Matrices of counter-clockwise rotations.

    With y down, such a rotation takes (1, 0) to (cos, −sin).
    """
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def _shear_matrices(factors: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2 2"]:
    matrices = np.tile(np.eye(2), (len(factors), 1, 1))
    matrices[:, 0, 1] = factors
    return matrices


def _normalized_angle(angle: float) -> float:
    """Within (−180, 180]; a quarter turn where it is as good as one."""
    nearest = 90.0 * round(angle / 90)
    angle = nearest if abs(angle - nearest) < QUARTER and nearest % 360 else angle
    return 180 - (180 - angle) % 360
