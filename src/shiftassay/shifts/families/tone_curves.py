"""Nonlinear curves of grey values, the same for every pixel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.intensity import Invert
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Choice, Number, Parameters, PerImage, SearchRange, Uniform, draw, spread

BYTE = 255  # white, in bytes
BITS = 8  # of a byte
WHOLE = 2e-3  # of a byte: single precision is off by less
VALUES_SEEN = 100_000  # that a table or a level is estimated from
FINE = 4097  # grey values at which a curve is followed
EXPLAINED = 0.5  # of the error without a shift: above, nothing is explained


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

    def undo_steps(self) -> Steps:
        return Steps(f"images = np.clip(images, 0, 1) ** (1 / {literal(self.exponent)})")


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
    also_called: ClassVar[tuple[str, ...]] = ("binarize", "binarise")
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

    def including(self, before: Shift) -> Shift | None:
        """After a rising curve, the level is the grey value that the curve takes to it."""
        if not before.curve or before.scope != "shared" or not isinstance(self.level, float):
            return None
        values = np.linspace(0, 1, FINE, dtype=np.float32)
        after = before.apply(values.reshape(1, 1, 1, -1), np.random.default_rng(0)).ravel()
        white = after > self.level
        if white.all() or not white.any() or np.any(np.diff(after) < 0):
            return None
        above = int(white.argmax())
        part = (self.level - after[above - 1]) / (after[above] - after[above - 1])
        return Threshold(float(values[above - 1] + part * (values[above] - values[above - 1])))


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


@FAMILIES.register("posterize")
@dataclass(frozen=True)
class Posterize(Shift):
    """Keep the upper bits of each byte: values, clipped to [0, 1], fall to the nearest lower level.

    The levels are whole multiples of 2^(8 − bits) bytes, as in Pillow's ImageOps.posterize.

    Parameters:
        bits: how many are kept, 1 to 8.
    """

    family: ClassVar[str] = "posterize"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "bits=3"
    also_called: ClassVar[tuple[str, ...]] = ("bit_depth",)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"bits": v} for v in (1, 2, 3, 4, 5))
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "Smooth shades become steps with edges that no object has, and all values fall: white is only the highest "
        "level that is left."
    )
    information: ClassVar[Information] = "reduced"

    bits: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "bits", lambda v: 1 <= v <= BITS, "between 1 and 8")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        step = np.float32(2 ** (BITS - self.bits))
        of_bytes = np.clip(images, 0, 1) * np.float32(BYTE)
        return np.floor((of_bytes + np.float32(WHOLE)) / step) * (step / np.float32(BYTE))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The number of bits that leaves least of some values; nothing if that is half."""
        some = some_values(pairs)
        rng = np.random.default_rng(0)
        errors = [float(some.errors(cls(bits).apply(some.reference, rng)).mean()) for bits in range(1, BITS)]
        best = int(np.argmin(errors))
        return [cls(best + 1)] if errors[best] < EXPLAINED * some.change else []

    def normal_form(self) -> Shift:
        return Identity() if self.bits == BITS else self


@FAMILIES.register("solarize")
@dataclass(frozen=True)
class Solarize(Shift):
    """Invert bright values, as an over-exposed photograph does.

    1 − x where x ≥ threshold, else x, clipped to [0, 1]. As in Pillow's ImageOps.solarize, whose threshold is in bytes.

    Parameters:
        threshold: grey value from 0, which inverts all, to 1.
    """

    family: ClassVar[str] = "solarize"
    group: ClassVar[str] = "intensity"
    example: ClassVar[str] = "threshold=0.5"
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"threshold": v} for v in (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9))
    why: ClassVar[str] = (
        "The brightest areas turn dark and keep their detail in reverse: a lit side looks like a shadow, and ink that "
        "was white like the ground."
    )
    information: ClassVar[Information] = "reduced"

    threshold: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "threshold", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        images = np.clip(images, 0, 1)
        return np.where(images >= np.float32(self.threshold), 1 - images, images)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Midway between the brightest value that was kept and the darkest that was inverted.

        The split is that of least squared error between values in their order. Nothing where that explains less than
        half of the change of some values, or where all or none were inverted.
        """
        some = some_values(pairs)
        before, after = (side.ravel().astype(np.float64) for side in (some.reference, some.shifted))
        level = np.clip(np.rint(before * BYTE), 0, BYTE).astype(np.int64)
        kept, inverted = (
            np.bincount(level, (after - made) ** 2, BYTE + 1) for made in (before, 1 - np.clip(before, 0, 1))
        )
        # Below a split k all levels are kept, from k on they are inverted.
        errors = np.r_[0, np.cumsum(kept)] + np.r_[np.cumsum(inverted[::-1])[::-1], 0]
        present = np.flatnonzero(np.bincount(level, minlength=BYTE + 1))
        split = int(np.argmin(errors))
        below, above = present[present < split], present[present >= split]
        if not below.size or not above.size or errors[split] > EXPLAINED * errors[-1]:
            return []
        return [cls(float(below[-1] + above[0]) / 2 / BYTE)]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """Between the brightest value that was clearly kept and the darkest that was not."""
        kept, inverted = (np.abs(pairs.shifted - made) for made in (pairs.reference, 1 - pairs.reference))
        clear = np.abs(kept - inverted) > 2 / BYTE
        is_kept = (kept < inverted) & clear
        is_inverted = (kept > inverted) & clear
        if not is_kept.any() or not is_inverted.any():
            return {}
        low = float(pairs.reference[is_kept & (pairs.reference < self.threshold)].max(initial=0))
        high = float(pairs.reference[is_inverted & (pairs.reference > self.threshold)].min(initial=1))
        return {"threshold": OwnInterval((low + high) / 2, low, high)}

    def normal_form(self) -> Shift:
        """An inversion, if all values are inverted."""
        return Invert() if self.threshold == 0 else self


def some_values(pairs: Pairs) -> Pairs:
    """Some of the values, as pictures of one pixel and one channel."""
    stride = pairs.reference.size // VALUES_SEEN + 1
    before, after = (side.reshape(-1)[::stride] for side in (pairs.reference, pairs.shifted))
    return Pairs(before[:, None, None, None], after[:, None, None, None], pairs.contrast)
