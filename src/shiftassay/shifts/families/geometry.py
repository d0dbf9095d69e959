"""Shifts that move the picture as a rigid or linear whole."""

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.mean_picture import by_mean_picture, on_grid_by_mean_picture
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.symmetry import FlipHorizontal, FlipVertical
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Invariant, Scope, Shift, check
from shiftassay.shifts.invariants import amplitudes
from shiftassay.shifts.parameters import Choice, Number, PerImage, SearchRange, Uniform, draw, draws, extremes
from shiftassay.shifts.warp import move, warp

WRAPPED = 0.01  # of the energy of images: less on the other side is not seen under noise
WHOLE, NEARLY_WHOLE = 0.02, 0.12  # pixels within which a move is one by whole pixels, and within which it may be
QUARTER = 0.3  # degrees within which a rotation is a quarter or half turn
SHRUNK = 0.9

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@FAMILIES.register("translate")
@dataclass(frozen=True)
class Translate(Shift):
    """A move by `dx` pixels to the right and `dy` down; black moves in. Fractions of a pixel are bilinear."""

    family: ClassVar[str] = "translate"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "dx=2"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Weights are tied to places: every stroke meets its neighbour's weights, and a fully-connected layer never learned that they are alike."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "dx": SearchRange((-8.0, -5.0, -2.5, 0.0, 2.5, 5.0, 8.0), 0.25),
        "dy": SearchRange((-8.0, -5.0, -2.5, 0.0, 2.5, 5.0, 8.0), 0.25),
    }
    smooth: ClassVar[bool] = True

    dx: Number = 0.0
    dy: Number = 0.0

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, dx, dy, wrap=False)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -dx, -dy, wrap=False)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """A grid of whole pixels, up to a third of the picture, by mean pictures."""
        h, w = samples.reference.shape[2:]
        reach = range(-(w // 3), w // 3 + 1), range(-(h // 3), h // 3 + 1)
        return by_mean_picture([cls(dx, dy) for dx, dy in product(*reach)], samples)

    def normal_form(self) -> Shift:
        """By whole pixels where it is nearly that, unless it differs from image to image."""
        return self._whole(WHOLE)

    def rounded(self) -> Shift:
        return self._whole(NEARLY_WHOLE)

    def _whole(self, within: float) -> "Translate":
        if not (isinstance(self.dx, float) and isinstance(self.dy, float)):
            return self
        return replace(self, dx=_rounded(self.dx, within), dy=_rounded(self.dy, within))

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        return cls(float(matrix[0, 2]), float(matrix[1, 2]))

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


@FAMILIES.register("roll")
@dataclass(frozen=True)
class Roll(Shift):
    """A move by `dx` pixels to the right and `dy` down; what leaves comes back on the other side. Whole pixels only."""

    family: ClassVar[str] = "roll"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "dx=5"
    refined: ClassVar[tuple[str, ...] | None] = ()
    extra_penalty: ClassVar[float] = 0.02  # between equals: without ink that wraps, it is a translation
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes meet weights trained for other places, and one that wraps is torn apart: two parts of it stand at opposite borders."
    )
    information: ClassVar[Information] = "preserved"

    dx: int | Uniform | Choice | PerImage = 0
    dy: int | Uniform | Choice | PerImage = 0

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """Every move, by mean pictures."""
        h, w = samples.reference.shape[2:]
        reach = range(-(w // 2) + 1, w // 2 + 1), range(-(h // 2) + 1, h // 2 + 1)
        return on_grid_by_mean_picture([cls(dx, dy) for dx, dy in product(*reach)], samples)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The peak of the circular cross-correlation: summed over all images, and of each."""
        h, w = pairs.reference.shape[2:]
        few = pairs.first(100)
        centred = [side - side.mean((1, 2, 3), keepdims=True) for side in (few.reference, few.shifted)]
        before, after = (np.fft.rfft2(side) for side in centred)
        correlation = np.fft.irfft2(before.conj() * after, (h, w)).sum(1)
        if few.contrast:
            correlation = np.abs(correlation)
        peaks = [correlation.sum(0).argmax(), *correlation.reshape(len(few), -1).argmax(1)]
        dy, dx = np.unravel_index(peaks, (h, w))
        dy, dx = dy - h * (dy > h // 2), dx - w * (dx > w // 2)
        drawn = [distribution(pixels[1:].astype(float), 0.5) for pixels in (dx, dy)]
        how = cls(*(round(v) if isinstance(v, float) else v for v in drawn), scope="per_image")
        found: list[Shift] = [cls(int(dx[0]), int(dy[0]))]
        return found + [how] * any(isinstance(v, Uniform | Choice) for v in drawn)

    def wrapped(self, images: Images) -> float:
        """The share of the images' energy that comes back on the other side."""
        dx, dy = draws([self.dx, self.dy], len(images), np.random.default_rng(0))
        rolled, moved = (move(images, np.rint(dx), np.rint(dy), wrap) for wrap in (True, False))
        return float(((rolled - moved) ** 2).sum() / max(float((images**2).sum()), 1e-9))

    def infer_draws(self, pairs: Pairs) -> "Roll":
        if self.scope == "shared":
            return self
        h, w = pairs.reference.shape[2:]
        before, after = np.fft.rfft2(pairs.reference), np.fft.rfft2(pairs.shifted)
        correlation = np.fft.irfft2(before.conj() * after, (h, w)).sum(1)
        dy, dx = np.unravel_index(correlation.reshape(len(pairs), -1).argmax(1), (h, w))
        return Roll(PerImage(dx.astype(float)), PerImage(dy.astype(float)), scope="per_image")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, np.rint(dx), np.rint(dy), wrap=True)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -np.rint(dx), -np.rint(dy), wrap=True)

    def imitates(self, images: Images) -> str | None:
        """A translation, where hardly any ink comes back on the other side."""
        return "translate" if self.wrapped(images) < WRAPPED else None

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


@FAMILIES.register("rotate")
@dataclass(frozen=True)
class Rotate(Shift):
    """A rotation by `angle` degrees about the centre, counter-clockwise as seen on the screen."""

    family: ClassVar[str] = "rotate"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "angle=15"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "A fully-connected layer has one weight for each place: strokes that turn meet weights that were trained for other strokes."
    )
    search: ClassVar[dict[str, SearchRange]] = {"angle": SearchRange(tuple(map(float, range(-180, 180, 10))), 1.0)}
    smooth: ClassVar[bool] = True

    angle: Number

    @property
    def information(self) -> Information:
        quarters = not isinstance(self.angle, Uniform) and all(a % 90 == 0 for a in extremes(self.angle))
        return "preserved" if quarters else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _turns(-draw(self.angle, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _turns(draw(self.angle, len(images), rng)))

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(angle)) for angle in range(-180, 180, 5)], samples)

    def normal_form(self) -> Shift:
        """By angles in (−180, 180]."""
        if isinstance(self.angle, float):
            return replace(self, angle=_turn(self.angle))
        if isinstance(self.angle, Choice):
            return replace(self, angle=Choice(tuple(map(_turn, self.angle.values))))
        return self

    def simplify_with(self, neighbour: Shift) -> tuple[Shift, Shift] | None:
        """One mirror beside a rotation by more than a quarter turn is the other mirror beside one by less, or none."""
        other = {FlipHorizontal: FlipVertical, FlipVertical: FlipHorizontal}.get(type(neighbour))
        if other is None or other.family not in FAMILIES or not isinstance(self.angle, float) or abs(self.angle) <= 90:
            return None
        return replace(self, angle=_turn(self.angle + 180)), other()

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
    """The picture `factor` times as large, about the centre: below 1 it shrinks and black moves in."""

    family: ClassVar[str] = "scale"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "factor=0.7"
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes become thinner or thicker than any template the network holds, and all but the centre stands elsewhere."
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
    """x_out = x + factor · y about the centre, y down: rows slide along each other, as in italics."""

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
        return warp(images, _slants(-draw(self.factor, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _slants(draw(self.factor, len(images), rng)))

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
    """(x, y)_out = matrix · (x, y, 1) about the centre: two rows of three numbers, the third in pixels.

    A choice of matrices draws one of them for each image.
    """

    family: ClassVar[str] = "affine"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "matrix=[[1,0.2,0],[0,1,0]]"
    estimator: ClassVar[Estimator] = LeastSquares()
    tier: ClassVar[int] = 1
    general: ClassVar[bool] = True
    extra_penalty: ClassVar[float] = 0.3  # simpler maps, or two in a row, would make it
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Position, size and slant of every stroke change at once, so that hardly any pixel meets the weight that was trained for it."
    )
    information: ClassVar[Information] = "reduced"

    smooth: ClassVar[bool] = True

    matrix: Matrix | Choice | PerImage

    search: ClassVar[dict[str, SearchRange]] = {
        name: SearchRange((), step) for name, step in zip("abcdef", (0.02, 0.02, 0.25) * 2, strict=True)
    }

    @classmethod
    def search_starts(cls, size: tuple[int, ...]) -> np.ndarray:
        """Turned by twelve angles at three sizes, mirrored or not."""
        turns = np.linalg.inv(_turns(-np.arange(0.0, 360.0, 30.0)))
        linear = [size * turn * [mirror, 1] for turn in turns for size in (0.75, 1.0, 1.3) for mirror in (1, -1)]
        return np.stack([np.concatenate([m, np.zeros((2, 1))], 1).ravel() for m in linear])

    def candidate_draws(self) -> np.ndarray:
        return np.array(extremes(self.matrix), np.float64).reshape(-1, 6)

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> "Affine":
        return cls(nested(numbers.reshape(2, 3)))

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> "Affine":
        return cls(PerImage(numbers.reshape(-1, 2, 3)), scope="per_image")

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> "Affine":
        return cls(few_of(numbers, cls.search_steps()[0], (2, 3)), scope="per_image")

    def __post_init__(self) -> None:
        super().__post_init__()
        matrices = np.array(extremes(self.matrix))
        flat = np.abs(np.linalg.det(matrices[:, :, :2])) < 1e-6
        if flat.any():
            flattens = nested(matrices[flat][0])
            raise BadInput(f"affine: {flattens} flattens the picture. Choose a matrix whose determinant is not 0.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _inverse(draw(self.matrix, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, draw(self.matrix, len(images), rng))

    @property
    def affine_map(self) -> Matrix | None:
        return self.matrix if isinstance(self.matrix, tuple) else None


def nested(values: np.ndarray) -> Any:
    return tuple(tuple(map(float, row)) for row in values)


def few_of(numbers: np.ndarray, steps: np.ndarray, shape: tuple[int, ...]) -> Choice:
    """The matrices that were drawn: one for each cluster, or a sample of them."""
    centres: list[list[np.ndarray]] = []
    for row in numbers:
        near = next((c for c in centres if np.all(np.abs(c[0] - row) < 3 * steps)), None)
        centres.append([row]) if near is None else near.append(row)
    common = [c for c in centres if len(c) >= 0.04 * len(numbers)]
    clear = len(common) <= 6 and sum(map(len, common)) >= 0.9 * len(numbers)
    chosen = [np.median(c, axis=0) for c in common] if clear else list(numbers[:64])
    return Choice(tuple(nested(row.reshape(shape)) for row in chosen))


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


def _rounded(pixels: float, within: float) -> float:
    return float(round(pixels)) if abs(pixels - round(pixels)) < within else pixels


def _turn(angle: float) -> float:
    """Within (−180, 180]; a quarter turn where it is as good as one."""
    nearest = 90.0 * round(angle / 90)
    angle = nearest if abs(angle - nearest) < QUARTER and nearest % 360 else angle
    return 180 - (180 - angle) % 360
