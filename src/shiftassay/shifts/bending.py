"""Shifts that move the picture by different amounts in different places."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from shiftassay.errors import BadInput
from shiftassay.shifts.family import (
    FAMILIES,
    Choice,
    Context,
    Each,
    Images,
    Information,
    Scope,
    Searched,
    Shift,
    check,
    draw,
)
from shiftassay.shifts.geometry import few_of, nested
from shiftassay.shifts.warp import displace, grid, sample, warp

Corner = tuple[float, float]
Corners = tuple[Corner, Corner, Corner, Corner]

CHUNK = 2000
INVERSION_STEPS = 10  # of a fixed-point iteration that gains a digit or so at each


@FAMILIES.register("perspective")
@dataclass(frozen=True)
class Perspective(Shift):
    """The picture seen at an angle: its corners move by the given (dx, dy) in pixels, straight lines stay straight.

    `corners`: upper left, upper right, lower right, lower left (the centres of the corner pixels). A choice of such lists
    draws one of them for each image.
    """

    family: ClassVar[str] = "perspective"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "One side of the picture shrinks and the other grows: strokes move by different amounts, and parallel ones converge."
    )
    information: ClassVar[Information] = "reduced"
    smooth: ClassVar[bool] = True
    search: ClassVar[dict[str, Searched]] = {
        f"{axis}{corner}": Searched((), 0.3) for corner in range(4) for axis in "xy"
    }

    corners: Corners | Choice | Each

    @classmethod
    def starts(cls, size: tuple[int, ...]) -> np.ndarray:
        """Nothing moved; a side shortened or lengthened; a little smaller."""
        h, w = size[-2:]
        tilts = [((s * w, 0), (-s * w, 0), (0, 0), (0, 0)) for s in (0.2, -0.15)]
        turned = [
            np.roll(tilt, quarter, 0)[:, :: 1 if quarter % 2 == 0 else -1] for tilt in tilts for quarter in range(4)
        ]
        small = 0.12 * np.array([(w, h), (-w, h), (-w, -h), (w, -h)])
        return np.stack([np.zeros(8), small.ravel(), -small.ravel(), *(np.ravel(t).astype(float) for t in turned)])

    @classmethod
    def at(cls, numbers: np.ndarray) -> "Perspective":
        return cls(nested(numbers.reshape(4, 2)))

    @classmethod
    def at_each(cls, numbers: np.ndarray) -> "Perspective":
        return cls(Each(numbers.reshape(-1, 4, 2)), scope="per_image")

    @classmethod
    def drawn_from(cls, numbers: np.ndarray) -> "Perspective":
        return cls(few_of(numbers, cls.steps()[0], (4, 2)), scope="per_image")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, np.linalg.inv(self._homographies(images, rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, self._homographies(images, rng))

    def _homographies(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        """The 3 × 3 maps, from input to output, that take the corners where they go: eight equations for eight numbers."""
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


@FAMILIES.register("elastic")
@dataclass(frozen=True)
class Elastic(Shift):
    """Every pixel is fetched from a place nearby, as on a rubber sheet (Simard et al. 2003).

    The displacement in x and that in y are independent Gaussian noise, smoothed by a Gaussian of `smoothness` pixels (round
    the borders); `amplitude` is their standard deviation in pixels. `shared`: one `field`, drawn if none is given: h · w
    displacements in x, then as many in y, of the place that an output pixel is fetched from.
    """

    family: ClassVar[str] = "elastic"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes wobble as in another handwriting: the digit is still there, but each of its parts stands a little elsewhere."
    )
    information: ClassVar[Information] = "reduced"

    amplitude: float
    smoothness: float = 4.0
    field: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "amplitude", lambda v: v >= 0, "0 or more")
        check(self, "smoothness", lambda v: 0 <= v <= 100, "between 0 and 100")
        if self.field is not None and self.scope == "per_image":
            raise BadInput("elastic: give no field for scope per_image, which draws its own.")

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Elastic":
        if self.scope == "per_image" or self.field is not None:
            return self
        return replace(self, field=tuple(self._fields(1, shape[1], shape[2], rng).ravel().tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return displace(images, self._displacements(images, rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        """A pixel at q was fetched to q + e where e = −d(q + e): found by iterating."""
        fields = self._displacements(images, rng)
        places = grid(*images.shape[2:])
        back = np.zeros_like(fields)
        for _ in range(INVERSION_STEPS):
            for start in range(0, len(fields), CHUNK):
                part = slice(start, start + CHUNK)
                back[part] = -sample(fields[part], places + np.moveaxis(back[part], 1, -1), "border")
        return displace(images, back)

    def _displacements(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        n, _, h, w = images.shape
        if self.scope == "per_image":
            return self._fields(n, h, w, rng)
        field = np.array(self.drawn(images.shape[1:], rng).field, np.float32)
        if field.size != 2 * h * w:
            raise BadInput(f"elastic: its field has {field.size} numbers, images of {h} × {w} need {2 * h * w}.")
        return field.reshape(1, 2, h, w)

    def _fields(self, n: int, h: int, w: int, rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((n, 2, h, w), np.float32)
        smooth = gaussian_filter(noise, (0, 0, self.smoothness, self.smoothness), mode="wrap")
        sd = np.prod([np.linalg.norm(gaussian_filter1d(np.eye(1, k)[0], self.smoothness, mode="wrap")) for k in (h, w)])
        return np.float32(self.amplitude / sd) * smooth
