"""Shifts that move the picture without turning or resizing it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.mean_picture import by_mean_picture, on_grid_by_mean_picture
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift
from shiftassay.shifts.invariants import amplitudes
from shiftassay.shifts.moved import Moved
from shiftassay.shifts.parameters import Choice, Number, PerImage, SearchRange, Uniform, draws, extremes
from shiftassay.shifts.properties import Invariant
from shiftassay.shifts.warp import move

WRAPPED = 0.01  # of the energy of images: less on the other side is not seen under noise
WHOLE, NEARLY_WHOLE = 0.02, 0.12  # pixels within which a move is one by whole pixels, and within which it may be


@FAMILIES.register("translate")
@dataclass(frozen=True)
class Translate(Moved):
    """Move the picture; what leaves is lost, and black, or what `fill` says, moves in.

    Parameters:
        dx: pixels to the right, negative to the left; fractions are interpolated bilinearly.
        dy: pixels down, negative up.
        fill: what moves in: black, a grey value, one value for each channel, or what the picture repeats as: edge,
            reflect, symmetric or wrap, by the names of numpy.pad.
    """

    family: ClassVar[str] = "translate"
    example: ClassVar[str] = "dx=2"
    also_called: ClassVar[tuple[str, ...]] = ("move", "offset_pixels")
    estimator: ClassVar[Estimator] = LeastSquares()
    linear: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Weights are tied to places: every stroke meets its neighbour's weights, and a fully-connected layer never "
        "learned that they are alike."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        axis: SearchRange((-8.0, -5.0, -2.5, 0.0, 2.5, 5.0, 8.0), 0.25, pixels=True) for axis in ("dx", "dy")
    }

    dx: Number = 0.0
    dy: Number = 0.0

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, dx, dy, self.fill)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -dx, -dy)

    def undo_steps(self) -> Steps:
        dx, dy = (0.0 - extremes(by)[0] for by in (self.dx, self.dy))
        by = f"(0, {literal(dy)}, {literal(dx)}, 0)[: images.ndim]"
        return Steps(
            f'images = shift(images, {by}, order=1, mode="grid-constant")', ("from scipy.ndimage import shift",)
        )

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The moves by whole pixels that mean pictures suggest.

        At most a third of the picture.
        """
        h, w = samples.reference.shape[2:]
        reach = range(-(w // 3), w // 3 + 1), range(-(h // 3), h // 3 + 1)
        return by_mean_picture([cls(float(dx), float(dy)) for dx, dy in product(*reach)], samples)

    def normal_form(self) -> Shift:
        """With whole pixels where a shared move is very nearly by whole pixels."""
        return self._snapped(WHOLE)

    def rounded(self) -> Shift:
        return self._snapped(NEARLY_WHOLE)

    def _snapped(self, tolerance: float) -> "Translate":
        if not (isinstance(self.dx, float) and isinstance(self.dy, float)):
            return self
        return replace(self, dx=_whole_if_near(self.dx, tolerance), dy=_whole_if_near(self.dy, tolerance))

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> Shift:
        return cls(float(matrix[0, 2]), float(matrix[1, 2]))

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


@FAMILIES.register("roll")
@dataclass(frozen=True)
class Roll(Shift):
    """Move the picture by whole pixels; what leaves comes back on the other side.

    Parameters:
        dx: whole pixels to the right, negative to the left.
        dy: whole pixels down, negative up.
    """

    family: ClassVar[str] = "roll"
    group: ClassVar[str] = "geometry"
    example: ClassVar[str] = "dx=5"
    also_called: ClassVar[tuple[str, ...]] = ("circular_shift",)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"dx": (-14.0, 14.0), "dy": (-14.0, 14.0)}
    refined: ClassVar[tuple[str, ...] | None] = ()
    extra_penalty: ClassVar[float] = 0.02  # a tie-break: without ink that wraps it equals a translation
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes meet weights trained for other places, and one that wraps is torn apart: two parts of it stand at "
        "opposite borders."
    )
    information: ClassVar[Information] = "preserved"

    dx: int | Uniform | Choice | PerImage = 0
    dy: int | Uniform | Choice | PerImage = 0

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The moves, out of all there are, whose mean pictures agree best."""
        h, w = samples.reference.shape[2:]
        reach = range(-(w // 2) + 1, w // 2 + 1), range(-(h // 2) + 1, h // 2 + 1)
        return on_grid_by_mean_picture([cls(dx, dy) for dx, dy in product(*reach)], samples)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The peak of the circular cross-correlation: summed over all images, and of each."""
        h, w = pairs.reference.shape[2:]
        few = pairs.first(100)
        before, after = (side - side.mean((1, 2, 3), keepdims=True) for side in (few.reference, few.shifted))
        correlation = _circular_correlation(before, after)
        if few.contrast:
            correlation = np.abs(correlation)
        peaks = [correlation.sum(0).argmax(), *correlation.reshape(len(few), -1).argmax(1)]
        dy, dx = np.unravel_index(peaks, (h, w))
        dy, dx = dy - h * (dy > h // 2), dx - w * (dx > w // 2)
        shared = cls(int(dx[0]), int(dy[0]))
        moves = [distribution(pixels[1:].astype(float), 0.5) for pixels in (dx, dy)]
        if not any(isinstance(v, Uniform | Choice) for v in moves):
            return [shared]
        return [shared, cls(*(round(v) if isinstance(v, float) else v for v in moves), scope="per_image")]

    def wrapped(self, images: Images) -> float:
        """The share of the images' energy that comes back on the other side."""
        dx, dy = draws([self.dx, self.dy], len(images), np.random.default_rng(0))
        rolled, moved = (move(images, np.rint(dx), np.rint(dy), fill) for fill in ("wrap", "black"))
        return float(((rolled - moved) ** 2).sum() / max(float((images**2).sum()), 1e-9))

    def infer_draws(self, pairs: Pairs) -> "Roll":
        """With each image's own move: the peak of its circular cross-correlation."""
        if self.scope == "shared":
            return self
        correlation = _circular_correlation(pairs.reference, pairs.shifted)
        peaks = correlation.reshape(len(pairs), -1).argmax(1)
        dy, dx = np.unravel_index(peaks, pairs.reference.shape[2:])
        return Roll(PerImage(dx.astype(float)), PerImage(dy.astype(float)), scope="per_image")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, np.rint(dx), np.rint(dy), "wrap")

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        dx, dy = draws([self.dx, self.dy], len(images), rng)
        return move(images, -np.rint(dx), -np.rint(dy), "wrap")

    def undo_steps(self) -> Steps:
        dx, dy = (round(extremes(by)[0]) for by in (self.dx, self.dy))
        return Steps(f"images = np.roll(images, ({-dy}, {-dx}), (1, 2))")

    def imitates(self, images: Images) -> str | None:
        """A translation, where hardly any ink comes back on the other side."""
        return "translate" if self.wrapped(images) < WRAPPED else None

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


def _circular_correlation(before: Images, after: Images) -> Float[np.ndarray, "n h w"]:
    """The circular cross-correlation of each image with its partner, for every move (dy, dx).

    Summed over channels.
    """
    spectra = [np.fft.rfft2(side) for side in (before, after)]
    return np.fft.irfft2(spectra[0].conj() * spectra[1], before.shape[2:]).sum(1)


def _whole_if_near(pixels: float, tolerance: float) -> float:
    return float(round(pixels)) if abs(pixels - round(pixels)) < tolerance else pixels
