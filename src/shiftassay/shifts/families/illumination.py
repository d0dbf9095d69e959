"""Light that is uneven over the frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Float64
from scipy.interpolate import make_interp_spline

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.intensity import Gain
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift

SIDES = (2, 3, 5, 7)  # numbers of a field a side that are tried
LESS = 0.7  # times the error of a coarser field: what a finer one has to leave at most
VALUES, FEWEST = 3_000_000, 4  # pairs that a field is fitted to: of so many values at most, but at least so many
WORTHWHILE = 0.85  # of the change: above, the best field explains nothing
CLIPPED = 1e-3  # grey values nearer to black or white may have been clipped
SMOOTHNESS = 1e-4  # of the mean square: the weight of second differences, where pictures are always black
EVEN = 0.01  # a field whose numbers differ by less is one gain
DARKEST, DARK = 1e-3, 0.05  # gains: below the first nothing is left, above the second all of it
FINE = 65  # points along a side, at which a field is looked at

Field = tuple[tuple[float, ...], ...]


@FAMILIES.register("illumination")
@dataclass(frozen=True)
class Illumination(Shift):
    """Multiply every picture by the same smooth field of gains, clipped to [0, 1].

    Uneven light does that, and a lens that darkens the corners.

    Parameters:
        field: the gains at evenly spaced points from corner to corner, rows from the top; 2 × 2 numbers or more.
            Between them lies a cubic spline, of fewer than four numbers the polynomial through them.
    """

    family: ClassVar[str] = "illumination"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "field=[[0.4,0.7,0.4],[0.7,1,0.7],[0.4,0.7,0.4]]"
    also_called: ClassVar[tuple[str, ...]] = ("vignette", "lighting")
    found_as_first_part: ClassVar[bool] = True
    tier: ClassVar[int] = 1
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "The same thing is bright in one place and dark in another, which no picture that was trained on showed: "
        "weights in the dark corners hear little."
    )

    field: Field

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "field", tuple(tuple(map(float, row)) for row in self.field))
        if len(self.field) < 2 or len(self.field[0]) < 2 or len({len(row) for row in self.field}) > 1:
            raise BadInput("illumination: field must have at least two rows, all of two or more numbers.")
        if min(map(min, self.field)) < 0:
            raise BadInput("illumination: field must not have gains below 0.")

    @property
    def information(self) -> Information:
        """Nothing is lost where no gain is above 1, which clips, or nearly 0."""
        field = np.array(self.field)
        gains = _spline(len(field), FINE) @ field @ _spline(field.shape[1], FINE).T
        return "preserved" if gains.max() <= 1 + EVEN and gains.min() > DARK else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images * self._gains(images), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images / np.maximum(self._gains(images), DARKEST), 0, 1)

    def undo_steps(self) -> Steps:
        return Steps(
            f"gains = np.array({literal(self.field)})\n"
            "for pixels in images.shape[1:3]:\n"
            "    spline = make_interp_spline(np.linspace(0, 1, len(gains)), gains, k=min(3, len(gains) - 1))\n"
            "    gains = spline(np.linspace(0, 1, pixels)).T\n"
            "gains = gains.reshape(1, *gains.shape, *[1] * (images.ndim - 3))\n"
            f"images = np.clip(images / np.maximum(gains, {DARKEST}), 0, 1)",
            ("from scipy.interpolate import make_interp_spline",),
        )

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The field by linear least squares, as coarse as explains nearly as much.

        Clipped values do not count. Empty if the field is even, or explains less than a seventh of the change.
        """
        h, w = pairs.reference.shape[2:]
        if min(h, w) < 2 or not 0 < pairs.change < np.inf or pairs.contrast:
            return []
        if pairs.shifted.min() < -CLIPPED or pairs.shifted.max() > 1 + CLIPPED:
            return []
        some = pairs.first_affordable(len(pairs), VALUES, FEWEST)
        free = (some.shifted > CLIPPED) & (some.shifted < 1 - CLIPPED) | (some.reference < CLIPPED)
        squares = np.einsum("nchw,nchw,nchw->hw", some.reference, some.reference, free).astype(np.float64)
        products = np.einsum("nchw,nchw,nchw->hw", some.reference, some.shifted, free).astype(np.float64)
        if not squares.any():
            return []
        best, least = None, np.inf
        for field in _fields(squares, products):
            shift = cls(tuple(map(tuple, np.maximum(field, 0).tolist())))
            error = float(some.errors(shift.apply(some.reference, np.random.default_rng(0))).mean())
            if error < LESS * least:
                best, least = shift, error
        if best is None or least > WORTHWHILE * some.change or np.ptp(best.field) < EVEN:
            return []
        return [best]

    def normal_form(self) -> Shift:
        """A gain, if all numbers are alike."""
        return Gain(self.field[0][0], clip=True) if np.ptp(self.field) == 0 and self.field[0][0] > 0 else self

    def in_simpler_parts(self, pairs: Pairs) -> list[Shift]:
        """None: no shifts with fewer numbers, one after the other, make a field of gains."""
        return []

    def _gains(self, images: Images) -> Float32[np.ndarray, "h w"]:
        field = np.array(self.field)
        down, across = (_spline(*sides) for sides in zip(field.shape, images.shape[2:], strict=True))
        return np.maximum(down @ field @ across.T, 0).astype(np.float32)


def _fields(squares: Float64[np.ndarray, "h w"], products: Float64[np.ndarray, "h w"]) -> Iterator[np.ndarray]:
    """The fields of least squared error, coarse to fine, smooth where no picture shows them."""
    h, w = squares.shape
    for side in (side for side in SIDES if side <= min(h, w)):
        down, across = _spline(side, h), _spline(side, w)
        # Of each pair of numbers of the field: the sum over pixels of the product of their splines, weighted.
        rows = np.einsum("hi,hj->hij", down, down).reshape(h, -1)
        columns = np.einsum("wk,wl->wkl", across, across).reshape(w, -1)
        curvature = (rows.T @ squares @ columns).reshape(side, side, side, side).transpose(0, 2, 1, 3)
        normal = curvature.reshape(side**2, side**2)
        bends = np.diff(np.eye(side), 2, axis=0)
        bending = np.kron(bends.T @ bends, np.eye(side)) + np.kron(np.eye(side), bends.T @ bends)
        weight = SMOOTHNESS * float(np.trace(normal)) / side**2
        right = (down.T @ products @ across).ravel()
        yield np.linalg.solve(normal + weight * (bending + 1e-6 * np.eye(side**2)), right).reshape(side, side)


@lru_cache(maxsize=64)
def _spline(numbers: int, pixels: int) -> Float64[np.ndarray, "pixels numbers"]:
    """What each pixel of a line takes of each number of a field."""
    at = np.linspace(0, 1, numbers)
    return make_interp_spline(at, np.eye(numbers), k=min(3, numbers - 1))(np.linspace(0, 1, pixels))
