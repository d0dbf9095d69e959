"""Linear maps of grey values, the same for every pixel."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal, operand
from shiftassay.shifts.estimation.fitting import LeastSquares, fitted
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.parameters import Number, Parameters, PerImage, SearchRange, draw, draws, extremes, spread

BRIGHT = 0.2  # grey value above which the ratio of after to before is accurate
ALIKE = 0.01  # relative difference within which ratios agree
UNITS = (255.0, 1 / 255)  # factors between grey values in [0, 1] and in bytes
OTHER_UNITS = 0.05  # relative difference within which a guessed factor is taken for one between units
CLOSE = 2e-3  # relative difference within which an estimated factor equals a nominal one
SMALL = 0.03  # an offset that may be none
TWO_LEVELS = 2 / 255  # draws that differ by less count as equal


@FAMILIES.register("invert")
@dataclass(frozen=True)
class Invert(Shift):
    """Exchange black and white: 1 − x, clipped to [0, 1]."""

    family: ClassVar[str] = "invert"
    group: ClassVar[str] = "intensity"
    also_called: ClassVar[tuple[str, ...]] = ("negative",)
    negative: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = ({},)
    completed_by: ClassVar[tuple[str, ...]] = ("geometry", "blur", "noise", "intensity", "overlay")
    why: ClassVar[str] = (
        "The background, which was silent because 0 times any weight is 0, now drives every unit by the sum of its "
        "weights."
    )
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(1 - images, 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(1 - images, 0, 1)

    def undo_steps(self) -> Steps:
        return Steps("images = np.clip(1 - images, 0, 1)")

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> list[Shift]:
        """An inversion, where dark images became bright or bright ones dark, even if moved."""
        before, after = float(pairs.reference.mean()), float(pairs.shifted.mean())
        return [cls()] if abs(1 - before - after) < abs(after - before) else []


@FAMILIES.register("gain")
@dataclass(frozen=True)
class Gain(Shift):
    """Multiply grey values by a factor, as another contrast or exposure does.

    Parameters:
        factor: above 0; below 1 the picture darkens, above 1 it brightens.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "gain"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "factor=0.4"
    also_called: ClassVar[tuple[str, ...]] = ("brightness", "exposure", "darken")
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Logits scale with the image but biases do not: a dark image leaves the decision to the biases, a bright one "
        "saturates."
    )
    search: ClassVar[dict[str, SearchRange]] = {
        "factor": SearchRange((0.25, 0.5, 1.5, 3.0), 0.02, 1e-3, 1e3, TWO_LEVELS)
    }

    factor: Number
    clip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v > 0, "above 0 (0 would blacken every image)")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares; also with clipping, where images are brighter but none exceeds white.

        Also the median ratio, where most bright pixels share it: pixels that turned black would bias least squares.
        """
        estimates = fitted(cls, pairs)
        lit = (pairs.reference > BRIGHT) & (pairs.shifted > 0)
        ratio = pairs.shifted[lit] / pairs.reference[lit]
        median = float(np.median(ratio)) if ratio.size else 0.0
        if median > 0 and not pairs.contrast and np.mean(np.abs(ratio - median) < ALIKE * median) > 0.5:
            estimates.append(cls(median))
        if pairs.shifted.max() <= 1 < pairs.shifted.mean() / max(pairs.reference.mean(), 1e-9):
            estimates += fitted(_ClippedGain, pairs)
        return estimates

    @property
    def information(self) -> Information:
        return "reduced" if self.clip and max(extremes(self.factor)) > 1 else "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._clipped(images * spread(draw(self.factor, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._clipped(images / spread(draw(self.factor, len(images), rng)))

    def undo_steps(self) -> Steps:
        undone = f"images / {literal(self.factor)}"
        return Steps(f"images = np.clip({undone}, 0, 1)" if self.clip else f"images = {undone}")

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The ratios of means and of largest values; larger clipped ones if images are brighter."""
        reference, shifted = samples.some_reference, samples.some_shifted
        factor = float(shifted.mean() / max(float(reference.mean()), 1e-9))
        if factor <= 0 or min(abs(factor / unit - 1) for unit in UNITS) < OTHER_UNITS:
            return []
        of_maxima = float(shifted.max() / max(float(reference.max()), 1e-9))
        clipped: list[Shift] = [cls(f * factor, clip=True) for f in (1.0, 1.3, 1.8)] if factor > 1 else []
        unclipped: list[Shift] = [cls(f) for f in (factor, of_maxima) if f > 0]
        return unclipped + clipped

    def normal_form(self) -> Shift:
        """A rescaling, if the factor is one between units."""
        if isinstance(self.factor, float) and any(_near(self.factor, unit) for unit in UNITS):
            return Rescale(self.factor, 0.0)
        return self


class _ClippedGain(Gain):
    """A gain that clips, as a family that can be fitted."""

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Gain:
        return Gain(float(numbers[0]), clip=True)

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> Gain:
        return Gain(PerImage(numbers[:, 0]), clip=True, scope="per_image")

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> Gain:
        return replace(cast(Gain, Gain.from_draws(numbers)), clip=True)


@FAMILIES.register("offset")
@dataclass(frozen=True)
class Offset(Shift):
    """Add the same amount to every grey value, as another brightness does; clipped to [0, 1].

    Parameters:
        amount: in units of the grey scale, negative to darken.
    """

    family: ClassVar[str] = "offset"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "amount=0.3"
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"amount": v} for v in (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel moves by the same amount, so every first-layer unit moves by that amount times the sum of its "
        "weights."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "amount": SearchRange((-0.5, -0.2, 0.2, 0.5), 0.02, -1.0, 1.0, TWO_LEVELS)
    }

    amount: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images + spread(draw(self.amount, len(images), rng)), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images - spread(draw(self.amount, len(images), rng)), 0, 1)

    def undo_steps(self) -> Steps:
        return Steps(f"images = np.clip(images - {operand(self.amount)}, 0, 1)")


@FAMILIES.register("rescale")
@dataclass(frozen=True)
class Rescale(Shift):
    """Express grey values in other units: scale · x + offset, not clipped.

    Examples are bytes (scale 255), and values normalized by a mean and a standard deviation.

    Parameters:
        scale: anything but 0; a negative one exchanges bright and dark.
        offset: in the new units.
    """

    family: ClassVar[str] = "rescale"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "scale=255"
    also_called: ClassVar[tuple[str, ...]] = ("divide_by_255", "unit")
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"scale": (-3.0, 255.0), "offset": (-3.0, 3.0)}
    estimator: ClassVar[Estimator] = LeastSquares()
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "The picture is the same but its numbers are not those the weights were trained for: a preprocessing step is "
        "missing or doubled."
    )
    information: ClassVar[Information] = "preserved"
    clip: ClassVar[bool] = False
    search: ClassVar[dict[str, SearchRange]] = {
        "scale": SearchRange((1.0,), 0.02, resolution=TWO_LEVELS),
        "offset": SearchRange((0.0,), 0.02, resolution=TWO_LEVELS),
    }

    scale: Number = 1.0
    offset: Number = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "scale", lambda v: v != 0, "anything but 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        scale, offset = draws([self.scale, self.offset], len(images), rng)
        return images * spread(scale) + spread(offset)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        scale, offset = draws([self.scale, self.offset], len(images), rng)
        return (images - spread(offset)) / spread(scale)

    def undo_steps(self) -> Steps:
        return Steps(f"images = (images - {operand(self.offset)}) / {literal(self.scale)}")

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The maps, rising or falling, that match mean and sd, and those that match the extremes.

        The latter are exact where nothing was clipped.
        """
        reference, shifted = samples.some_reference, samples.some_shifted
        by_sd = float(shifted.std() / max(float(reference.std()), 1e-9))
        by_range = float(np.ptp(shifted) / max(float(np.ptp(reference)), 1e-9))
        maps = [(scale, float(shifted.mean() - scale * reference.mean())) for scale in (by_sd, -by_sd)]
        maps += [
            (by_range, float(shifted.min() - by_range * reference.min())),
            (-by_range, float(shifted.max() + by_range * reference.min())),
        ]
        return [cls(scale, offset) for scale, offset in maps if scale]

    def normal_form(self) -> Shift:
        """The identity, an inversion or a gain, if it equals one and is no change of units."""
        scale, offset = self.scale, self.offset
        if not (isinstance(scale, float) and isinstance(offset, float)):
            return self
        if _near(scale, -1) and _near(offset, 1):
            return Invert()
        if abs(offset) > CLOSE * abs(scale):
            return self
        if _near(scale, 1):
            return Identity()
        if any(_near(scale, unit) for unit in UNITS) or scale < 0:
            return replace(self, offset=0.0)
        return Gain(scale)

    def without_negligible(self) -> Shift:
        """A gain, if the offset is negligible."""
        if not (isinstance(self.scale, float) and isinstance(self.offset, float)):
            return self
        return Gain(self.scale) if self.scale > 0 and abs(self.offset) < SMALL else self


def _near(value: float, target: int | float) -> bool:
    """Whether two factors are equal to the accuracy of an estimate."""
    return abs(value - target) <= CLOSE * abs(target)
