"""The affine map: the picture turns, grows, slants and moves at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.linear_maps import rotation_matrices
from shiftassay.shifts.families.matrix_shift import MatrixShift, nested_tuples
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope
from shiftassay.shifts.parameters import Choice, PerImage, SearchRange, draw, extremes
from shiftassay.shifts.sampling_code import WARPING
from shiftassay.shifts.warp import warp

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@FAMILIES.register("affine")
@dataclass(frozen=True)
class Affine(MatrixShift):
    """Turn, resize, slant and move the picture by one affine map; something moves in.

    (x, y)_out = matrix · (x, y, 1) about the centre, with x to the right and y down.

    Parameters:
        matrix: two rows of three numbers, the third in pixels; its left 2 × 2 part must be invertible. A choice of
            matrices draws one of them for each image.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "affine"
    example: ClassVar[str] = "matrix=[[1,0.2,0],[0,1,0]]"
    estimator: ClassVar[Estimator] = LeastSquares()
    tier: ClassVar[int] = 1
    general: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Position, size and slant of every stroke change at once, so that hardly any pixel meets the weight that was "
        "trained for it."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        name: SearchRange((), step, pixels=name in "cf")
        for name, step in zip("abcdef", (0.02, 0.02, 0.25) * 2, strict=True)
    }
    matrix_shape: ClassVar[tuple[int, int]] = (2, 3)

    matrix: Matrix | Choice | PerImage

    @classmethod
    def search_starts(cls, pairs: Pairs) -> np.ndarray:
        """Twelve angles at three sizes, mirrored or not.

        Each moves the mean picture's centroid to where it went.
        """
        turns = np.linalg.inv(rotation_matrices(-np.arange(0.0, 360.0, 30.0)))
        linear = [size * turn * [mirror, 1] for turn in turns for size in (0.75, 1.0, 1.3) for mirror in (1, -1)]
        before, after = _centroid(pairs.reference), _centroid(pairs.shifted)
        return np.stack([np.concatenate([m, (after - m @ before)[:, None]], 1).ravel() for m in linear])

    def __post_init__(self) -> None:
        super().__post_init__()
        matrices = np.array(extremes(self.matrix))
        flat = np.abs(np.linalg.det(matrices[:, :, :2])) < 1e-6
        if flat.any():
            flattening = nested_tuples(matrices[flat][0])
            raise BadInput(f"affine: {flattening} flattens the picture. Choose a matrix whose determinant is not 0.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _inverse_affine(draw(self.matrix, len(images), rng)), fill=self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, draw(self.matrix, len(images), rng))

    def undo_steps(self) -> Steps:
        return Steps(f"images = warp(images, {literal(self.matrix)})", WARPING)

    @property
    def affine_map(self) -> Matrix | None:
        return self.matrix if isinstance(self.matrix, tuple) else None


def _centroid(images: Images) -> Float64[np.ndarray, "2"]:
    """The mean picture's centroid (x, y) about the centre.

    A pixel weighs as much as it differs from the median grey value.
    """
    ink = np.abs(images.astype(np.float64) - np.median(images)).mean((0, 1))
    places = np.meshgrid(*(np.arange(size) - (size - 1) / 2 for size in ink.shape[::-1]))
    return np.array([(ink * place).sum() for place in places]) / max(ink.sum(), 1e-12)


def _inverse_affine(matrices: Float64[np.ndarray, "n 2 3"]) -> Float64[np.ndarray, "n 2 3"]:
    """The affine maps back: p = A q + t, so q = A⁻¹ p − A⁻¹ t."""
    inverse = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([inverse, -inverse @ matrices[:, :, 2:]], -1)
