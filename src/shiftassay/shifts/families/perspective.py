"""The picture seen at an angle."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.matrix_shift import MatrixShift
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope
from shiftassay.shifts.parameters import Choice, PerImage, SearchRange, draw
from shiftassay.shifts.sampling_code import SAMPLING
from shiftassay.shifts.warp import warp

Corner = tuple[float, float]
Corners = tuple[Corner, Corner, Corner, Corner]


@FAMILIES.register("perspective")
@dataclass(frozen=True)
class Perspective(MatrixShift):
    """View the picture at an angle: its corners move and straight lines stay straight.

    Parameters:
        corners: (dx, dy) in pixels by which the upper left, upper right, lower right and lower left corner pixel move.
            They must stay a convex quadrilateral. A choice of such lists draws one of them for each image.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "perspective"
    example: ClassVar[str] = "corners=[[3,2],[-1,0],[0,0],[2,-4]]"
    also_called: ClassVar[tuple[str, ...]] = ("homography",)
    estimator: ClassVar[Estimator] = LeastSquares()
    tier: ClassVar[int] = 2
    general: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "One side of the picture shrinks and the other grows: strokes move by different amounts, and parallel ones "
        "converge."
    )
    information: ClassVar[Information] = "reduced"
    matrix_shape: ClassVar[tuple[int, int]] = (4, 2)
    search: ClassVar[dict[str, SearchRange]] = {
        f"{axis}{corner}": SearchRange((), 0.3, pixels=True) for corner in range(4) for axis in "xy"
    }

    corners: Corners | Choice | PerImage

    @classmethod
    def search_starts(cls, pairs: Pairs) -> np.ndarray:
        """No change; each side shortened or lengthened; the whole a little smaller or larger."""
        h, w = pairs.reference.shape[2:]
        tilts = [((s * w, 0), (-s * w, 0), (0, 0), (0, 0)) for s in (0.2, -0.15)]
        turned = [
            np.roll(tilt, quarter, 0)[:, :: 1 if quarter % 2 == 0 else -1] for tilt in tilts for quarter in range(4)
        ]
        small = 0.12 * np.array([(w, h), (-w, h), (-w, -h), (w, -h)])
        return np.stack([np.zeros(8), small.ravel(), -small.ravel(), *(np.ravel(t).astype(float) for t in turned)])

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, np.linalg.inv(self._homographies(images, rng)), fill=self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, self._homographies(images, rng))

    def undo_steps(self) -> Steps:
        return Steps(
            "h, w = images.shape[1:3]\n"
            "before = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [(w - 1) / 2, (h - 1) / 2]\n"
            f"after = before + {literal(self.corners)}\n"
            "rows, ends = [], after.ravel()\n"
            "for (x, y), (u, v) in zip(before, after):\n"
            "    rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]\n"
            "matrix = np.append(np.linalg.solve(rows, ends), 1).reshape(3, 3)\n"
            "y, x = np.mgrid[:h, :w]\n"
            "places = [x - (w - 1) / 2, y - (h - 1) / 2, np.ones((h, w))]\n"
            "x, y, depth = np.tensordot(matrix, places, 1)\n"
            "front = depth > 1e-6  # what is behind the camera is black\n"
            "x, y = (np.where(front, side / np.where(front, depth, 1), 1e6) for side in (x, y))\n"
            "images = sample(images, x + (w - 1) / 2, y + (h - 1) / 2)",
            SAMPLING,
        )

    def _homographies(self, images: Images, rng: np.random.Generator) -> Float64[np.ndarray, "n 3 3"]:
        """The 3 × 3 maps from input to output that move the corners as asked.

        Eight equations for eight unknowns.
        """
        h, w = images.shape[2:]
        start = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [(w - 1) / 2, (h - 1) / 2]
        end = start + draw(self.corners, len(images), rng)
        sides = np.roll(end, -1, 1) - end
        turns = sides[..., 0] * np.roll(sides, -1, 1)[..., 1] - sides[..., 1] * np.roll(sides, -1, 1)[..., 0]
        if (turns <= 0).any():
            raise BadInput("perspective: its corners cross or meet in a line. Move them less.")
        one, zero = np.ones((len(end), 4)), np.zeros((len(end), 4))
        (x, y), (u, v) = np.broadcast_to(start.T, (len(end), 2, 4)).swapaxes(0, 1), np.moveaxis(end, -1, 0)
        rows = [[x, y, one, zero, zero, zero, -u * x, -u * y], [zero, zero, zero, x, y, one, -v * x, -v * y]]
        equations = np.concatenate([np.stack(row, -1) for row in rows], 1)
        solved = np.linalg.solve(equations, np.concatenate([u, v], 1)[..., None])[..., 0]
        return np.concatenate([solved, one[:, :1]], 1).reshape(-1, 3, 3)
