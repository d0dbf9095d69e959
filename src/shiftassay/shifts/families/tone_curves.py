"""Nonlinear curves of grey values, the same for every pixel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Choice, Number, Parameters, PerImage, SearchRange, Uniform, draw, spread


@FAMILIES.register("gamma")
@dataclass(frozen=True)
class Gamma(Shift):
    """Raise grey values, clipped to [0, 1], to a power; black and white stay as they are.

    Parameters:
        exponent: 0.05 to 10; above 1 greys darken, below 1 they brighten.
    """

    family: ClassVar[str] = "gamma"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "exponent=0.5"
    estimator: ClassVar[Estimator] = LeastSquares()
    curve: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"exponent": v} for v in (0.25, 0.45, 0.7, 1.5, 2.2, 4.0))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Only greys change, and those are the edges: strokes seem thinner above 1 and thicker below than any that "
        "were trained on."
    )
    information: ClassVar[Information] = "preserved"
    search: ClassVar[dict[str, SearchRange]] = {"exponent": SearchRange((0.3, 0.6, 1.5, 3.0), 0.05, 0.05, 10.0, 0.02)}

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
    """Make every pixel black or white: 1 where x > level, else 0.

    Parameters:
        level: grey value, usually between 0 and 1.
    """

    family: ClassVar[str] = "threshold"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "level=0.5"
    estimator: ClassVar[Estimator] = LeastSquares()
    hides_blur: ClassVar[bool] = True
    hides_moves: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"level": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9))
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Soft edges become steps: a low level thickens every stroke with white, a high one eats thin strokes away."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "level": SearchRange(tuple((i + 0.5) / 255 for i in range(255)), 0, resolution=0.08)
    }

    level: Number

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """Between the brightest value that became black and the darkest that became white."""
        white = pairs.shifted > 0.5
        if white.all() or not white.any():
            return {}
        black, least = float(pairs.reference[~white].max()), float(pairs.reference[white].min())
        return {"level": OwnInterval.within(black, least, level)} if black < least else {}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return (images > spread(draw(self.level, len(images), rng))).astype(np.float32)


@FAMILIES.register("quantize")
@dataclass(frozen=True)
class Quantize(Shift):
    """Round grey values, clipped to [0, 1], to a few evenly spaced levels.

    round(x (levels − 1)) / (levels − 1)

    Parameters:
        levels: how many there are, 2 or more, black and white among them.
    """

    family: ClassVar[str] = "quantize"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "levels=4"
    estimator: ClassVar[Estimator] = LeastSquares()
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"levels": v} for v in (2, 3, 4, 5, 6, 8, 12, 16))
    refined: ClassVar[tuple[str, ...] | None] = ()
    extra_penalty: ClassVar[float] = 0.02  # a tie-break: with two levels it equals a threshold
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Each pixel errs by up to half a step, and faint greys vanish: most networks hardly notice until two or three "
        "levels are left."
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
        """A threshold, if there are two levels."""
        return Threshold(0.5, scope=self.scope) if self.levels == 2 else self
