"""Shifts of grey values, pixel by pixel."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fitting import LeastSquares, fitted
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.parameters import Choice, Number, PerImage, SearchRange, Uniform, draw, draws, extremes, spread

BRIGHT = 0.2  # grey value from which on a ratio means something
ALIKE = 0.01  # of a ratio
UNITS = (255.0, 1 / 255)
OTHER_UNITS = 0.05  # relative difference of a guessed factor from one between units, within which it is that
CLOSE = 2e-3  # relative difference of a factor from one that has a name
SMALL = 0.03  # an offset that may be none


@FAMILIES.register("invert")
@dataclass(frozen=True)
class Invert(Shift):
    """1 − x: black becomes white."""

    family: ClassVar[str] = "invert"
    group: ClassVar[str] = "intensity"
    negative: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    completed_by: ClassVar[tuple[str, ...]] = ("geometry", "blur", "noise", "intensity", "overlay")
    why: ClassVar[str] = (
        "The background, which was silent because 0 times any weight is 0, now drives every unit by the sum of its weights."
    )
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(1 - images, 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(1 - images, 0, 1)

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> list[Shift]:
        """Dark sets that became bright, or bright ones dark: moved as well, no remake of the picture alone would show it."""
        before, after = float(pairs.reference.mean()), float(pairs.shifted.mean())
        return [cls()] if abs(1 - before - after) < abs(after - before) else []


@FAMILIES.register("gain")
@dataclass(frozen=True)
class Gain(Shift):
    """factor · x, contrast or exposure: clipped to [0, 1] only if `clip` says so."""

    family: ClassVar[str] = "gain"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "factor=0.4"
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Logits scale with the image but biases do not: a dark image leaves the decision to the biases, a bright one saturates."
    )
    search: ClassVar[dict[str, SearchRange]] = {"factor": SearchRange((0.25, 0.5, 1.5, 3.0), 0.02, 1e-3, 1e3)}

    factor: Number
    clip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v > 0, "above 0 (0 would blacken every image)")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares, with clipping besides where images are brighter but none is above white.

        And the factor that most bright pixels have, where others that went black would pull it down.
        """
        found = fitted(cls, pairs)
        lit = (pairs.reference > BRIGHT) & (pairs.shifted > 0)
        ratio = pairs.shifted[lit] / pairs.reference[lit]
        middle = float(np.median(ratio)) if ratio.size else 0.0
        if middle > 0 and not pairs.contrast and np.mean(np.abs(ratio - middle) < ALIKE * middle) > 0.5:
            found.append(cls(middle))
        if pairs.shifted.max() <= 1 < pairs.shifted.mean() / max(pairs.reference.mean(), 1e-9):
            found += fitted(_ClippedGain, pairs)
        return found

    @property
    def information(self) -> Information:
        return "reduced" if self.clip and max(extremes(self.factor)) > 1 else "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._clipped(images * spread(draw(self.factor, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._clipped(images / spread(draw(self.factor, len(images), rng)))

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """By the means, by the largest values, and, where images are brighter, as if they had been clipped."""
        reference, shifted = samples.few, samples.seen
        factor = float(shifted.mean() / max(float(reference.mean()), 1e-9))
        if factor <= 0 or min(abs(factor / unit - 1) for unit in UNITS) < OTHER_UNITS:
            return []
        extreme = float(shifted.max() / max(float(reference.max()), 1e-9))
        bright: list[Shift] = [cls(f * factor, clip=True) for f in (1.0, 1.3, 1.8)] if factor > 1 else []
        plain: list[Shift] = [cls(f) for f in (factor, extreme) if f > 0]
        return plain + bright

    def normal_form(self) -> Shift:
        """Other units are a rescaling."""
        if isinstance(self.factor, float) and any(_near(self.factor, unit) for unit in UNITS):
            return Rescale(self.factor, 0.0)
        return self


class _ClippedGain(Gain):
    """What a fit of a gain that clips takes for a family."""

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
    """x + amount, clipped to [0, 1]: brightness."""

    family: ClassVar[str] = "offset"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "amount=0.3"
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"amount": v} for v in (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel moves by the same amount, so every first-layer unit moves by that amount times the sum of its weights."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {"amount": SearchRange((-0.5, -0.2, 0.2, 0.5), 0.02, -1.0, 1.0)}

    amount: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images + spread(draw(self.amount, len(images), rng)), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images - spread(draw(self.amount, len(images), rng)), 0, 1)


@FAMILIES.register("gamma")
@dataclass(frozen=True)
class Gamma(Shift):
    """x ^ exponent, x clipped to [0, 1]: greys darken above 1 and brighten below; black and white stay."""

    family: ClassVar[str] = "gamma"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "exponent=0.5"
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"exponent": v} for v in (0.25, 0.45, 0.7, 1.5, 2.2, 4.0))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Only greys change, and those are the edges: strokes seem thinner above 1 and thicker below than any that were trained on."
    )
    information: ClassVar[Information] = "preserved"
    search: ClassVar[dict[str, SearchRange]] = {"exponent": SearchRange((0.3, 0.6, 1.5, 3.0), 0.05, 0.05, 10.0)}

    exponent: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "exponent", lambda v: 0.05 <= v <= 10, "between 0.05 and 10")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images, 0, 1) ** spread(draw(self.exponent, len(images), rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images, 0, 1) ** (1 / spread(draw(self.exponent, len(images), rng)))


@FAMILIES.register("threshold")
@dataclass(frozen=True)
class Threshold(Shift):
    """1 where x > level, else 0."""

    family: ClassVar[str] = "threshold"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "level=0.5"
    estimator: ClassVar[Estimator] = LeastSquares()
    hides_blur: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"level": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Soft edges become steps: a low level thickens every stroke with white, a high one eats thin strokes away."
    )
    information: ClassVar[Information] = "reduced"

    search: ClassVar[dict[str, SearchRange]] = {
        "level": SearchRange(tuple((i + 0.5) / 255 for i in range(255)), 0, resolution=0.08)
    }

    level: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return (images > spread(draw(self.level, len(images), rng))).astype(np.float32)


@FAMILIES.register("quantize")
@dataclass(frozen=True)
class Quantize(Shift):
    """round(x (levels − 1)) / (levels − 1), x clipped to [0, 1]: only so many grey levels are left."""

    family: ClassVar[str] = "quantize"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "levels=4"
    estimator: ClassVar[Estimator] = LeastSquares()
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"levels": v} for v in (2, 3, 4, 5, 6, 8, 12, 16))
    refined: ClassVar[tuple[str, ...] | None] = ()
    extra_penalty: ClassVar[float] = 0.02  # between equals
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Each pixel errs by up to half a step, and faint greys vanish: most networks hardly notice until two or three levels are left."
    )
    information: ClassVar[Information] = "reduced"

    search: ClassVar[dict[str, SearchRange]] = {
        "levels": SearchRange((*range(2, 17), 20, 24, 32, 48, 64, 128), 0, resolution=0.5)
    }

    levels: int | Uniform | Choice | PerImage

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "levels", lambda v: v >= 2, "2 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        steps = spread(np.rint(draw(self.levels, len(images), rng)) - 1)
        return np.rint(np.clip(images, 0, 1) * steps) / steps

    def normal_form(self) -> Shift:
        """Two levels are a threshold."""
        return Threshold(0.5, scope=self.scope) if self.levels == 2 else self


@FAMILIES.register("rescale")
@dataclass(frozen=True)
class Rescale(Shift):
    """scale · x + offset, not clipped: other units, such as 0–255, or values normalised by a mean and an sd."""

    family: ClassVar[str] = "rescale"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "scale=255"
    estimator: ClassVar[Estimator] = LeastSquares()
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "The picture is the same but its numbers are not those the weights were trained for: a preprocessing step is missing or doubled."
    )
    information: ClassVar[Information] = "preserved"
    clip: ClassVar[bool] = False
    search: ClassVar[dict[str, SearchRange]] = {"scale": SearchRange((1.0,), 0.02), "offset": SearchRange((0.0,), 0.02)}

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

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """By mean and sd, and by the extremes, which are exact where nothing was clipped."""
        reference, shifted = samples.few, samples.seen
        scale = float(shifted.std() / max(float(reference.std()), 1e-9))
        span = float(np.ptp(shifted) / max(float(np.ptp(reference)), 1e-9))
        guessed = [(s, float(shifted.mean() - s * reference.mean())) for s in (scale, -scale)]
        guessed += [
            (span, float(shifted.min() - span * reference.min())),
            (-span, float(shifted.max() + span * reference.min())),
        ]
        return [cls(s, offset) for s, offset in guessed if s]

    def normal_form(self) -> Shift:
        """Nothing, an inversion or a gain, if it is one; a gain by 255 or 1/255 is a change of units and stays."""
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
        """A gain, if it hardly adds anything."""
        if not (isinstance(self.scale, float) and isinstance(self.offset, float)):
            return self
        return Gain(self.scale) if self.scale > 0 and abs(self.offset) < SMALL else self


def _near(value: float, target: int | float) -> bool:
    return abs(value - target) <= CLOSE * abs(target)
