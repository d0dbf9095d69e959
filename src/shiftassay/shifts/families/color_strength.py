"""Shifts of how strong colours are, and where they stand on the colour wheel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Complex128, Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.blend import blend_interval
from shiftassay.shifts.estimation.color_fit import ColorPairs, color_pairs
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.color import ChannelOrder
from shiftassay.shifts.families.color_maps import Grayscale, explains
from shiftassay.shifts.families.color_shift import CLOSE, LUMA, ColorShift, Plane, luma, need_channels, whole_luma
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number, SearchRange, draw, extremes, spread

COLORS = 3
SIXTH = 60.0  # degrees of the colour wheel from one corner to the next
ALIKE = 0.3  # degrees within which a hue is turned by a third
STARTS = 5  # quantiles of the images' own numbers, where a fit begins
FEW, FEWEST = 64, 6  # images whose own numbers are looked at
VALUES = 1_000_000  # of these images, at most
LEAST_COLORED = 1e-4  # mean square of the chroma: below, an image shows no number
THIRDS = {0: (0, 1, 2), 120: (2, 0, 1), -120: (1, 2, 0)}
FAINT = 0.02  # a factor below which what is left of colours is no more than rounding and noise
TINY = np.float32(1e-6)
SAME_BYTES = 0.15 / 255  # mean difference of pictures that one library made
TOWARDS = np.exp(2j * np.pi * np.arange(3) / 3)  # red, green and blue on the colour wheel


class HueStorage(NamedTuple):
    """How a library stores a hue in whole numbers.

    Its unit in degrees, and after how many steps it begins anew.
    """

    name: str
    unit: float
    steps: int
    rounded_down: bool

    def steps_of(self, angle: Any) -> Any:
        """The steps, as whole numbers, that turn by this angle in the mean.

        Rounding down loses half of one.
        """
        return np.rint(angle / self.unit + 0.5 * self.rounded_down)


PILLOW = HueStorage("hue in Pillow's bytes", 360 / 255, 256, rounded_down=True)
OPENCV = HueStorage("hue in OpenCV's bytes", 2.0, 180, rounded_down=False)


class _OneNumber(ColorShift):
    """A shift of colours by one number that each image shows: shared, or drawn for each.

    Where the picture explains it, its fit begins at what closed forms say of all images and of each.
    """

    estimator: ClassVar[Estimator] = LeastSquares()
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares, where the closed form explains something, over all images or of each."""
        colors = color_pairs(pairs)
        if colors is None:
            return []
        some = _some(pairs)
        each = cls.numbers_of(some.reference, some.shifted)
        whole = cls.from_numbers(np.array([cls._of_all(colors)]))
        if not explains(whole, colors) and not (len(each) > 1 and _each_explains(cls, each, some)):
            return []
        return [s for s in cls.estimator.estimate(cls, pairs) if isinstance(s.normal_form(), cls)]

    @classmethod
    def search_starts(cls, pairs: Pairs) -> Float64[np.ndarray, "g k"]:
        some = _some(pairs)
        each = cls.numbers_of(some.reference, some.shifted)
        return np.quantile(each, np.linspace(0, 1, STARTS))[:, None]

    @classmethod
    def numbers_of(cls, before: Images, after: Images) -> Float64[np.ndarray, "n"]:
        """Each image's number, in closed form."""
        raise NotImplementedError

    @classmethod
    def _of_all(cls, colors: ColorPairs) -> float:
        return float(cls.numbers_of(colors.by_image(), colors.with_before(colors.after).by_image())[0])


def _some(pairs: Pairs) -> Pairs:
    return pairs.first_affordable(FEW, VALUES, FEWEST)


def _each_explains(family: type[_OneNumber], numbers: Float64[np.ndarray, "n"], pairs: Pairs) -> bool:
    """Whether images' own numbers explain clearly more than no change does."""
    few = pairs.first(8)
    made = family.from_numbers_per_image(numbers[: len(few), None]).apply(few.reference, np.random.default_rng(0))
    return float(few.errors(made).mean()) < 0.5 * float(few.errors(few.reference).mean())


@FAMILIES.register("saturation")
@dataclass(frozen=True)
class Saturation(_OneNumber):
    """Make colours weaker or stronger: luma + factor · (x − luma), by BT.601, clipped to [0, 1].

    Parameters:
        factor: 0 or more; 0 leaves grey, above 1 colours are stronger.
    """

    family: ClassVar[str] = "saturation"
    example: ClassVar[str] = "factor=0.5"
    also_called: ClassVar[tuple[str, ...]] = ("desaturate",)
    why: ClassVar[str] = (
        "Differences between channels shrink or grow while light and dark stay: what is told by its colour looks like "
        "a paler or a gaudier kind."
    )
    search: ClassVar[dict[str, SearchRange]] = {"factor": SearchRange((0.5, 1.5), 0.02, 0.0, 20.0, 0.02)}

    factor: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v >= 0, "0 or more")

    @property
    def information(self) -> Information:
        return "preserved" if min(extremes(self.factor)) > 0 and max(extremes(self.factor)) <= 1 else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        need_channels(self.family, images, COLORS)
        return self._stretched(images, luma(images), spread(draw(self.factor, len(images), rng)))

    def _stretched(self, images: Images, gray: Plane, factor: Float32[np.ndarray, "n 1 1 1"]) -> Images:
        return np.clip(gray + factor * (images - gray), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        factor = draw(self.factor, len(images), rng)
        return self._stretched(images, luma(images), spread(1 / factor)) if factor.min() > 0 else None

    def undo_steps(self) -> Steps | None:
        if min(extremes(self.factor)) <= 0:
            return None
        return Steps(
            f"luma = (images @ {literal(LUMA)})[..., None]\n"
            f"images = np.clip(luma + (images - luma) / {literal(self.factor)}, 0, 1)"
        )

    def alternatives(self) -> Mapping[str, Shift]:
        return {"luma in whole bytes": _OfByteLuma(self.factor, scope=self.scope)}

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """Where Pillow's bytes are made exactly: the factors that make them."""
        if not isinstance(self.factor, float):
            return {}
        interval = blend_interval(whole_luma(pairs.reference), pairs.reference, pairs.shifted, level)
        return {} if interval is None else {"factor": interval}

    @classmethod
    def numbers_of(cls, before: Images, after: Images) -> Float64[np.ndarray, "n"]:
        """The factor of the differences from luma, among values that were not cut off."""
        chroma, kept = before - luma(before), (after > 0) & (after < 1)
        target = np.where(kept, after - luma(after), 0)
        chroma = np.where(kept, chroma, 0)
        energy = np.sum(chroma**2, (1, 2, 3), dtype=np.float64)
        factor = np.sum(chroma * target, (1, 2, 3), dtype=np.float64) / np.maximum(energy, 1e-12)
        return np.where(energy > LEAST_COLORED * before[0].size, np.clip(factor, 0, 20), 1.0)

    def normal_form(self) -> Shift:
        """Grey, if no colour is left; the identity, if all is."""
        if not isinstance(self.factor, float):
            return self
        if self.factor <= FAINT:
            return Grayscale(LUMA)
        return Identity() if abs(self.factor - 1) <= CLOSE else self


class _OfByteLuma(Saturation):
    """The same with a luma that was rounded to bytes, as Pillow makes it."""

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        need_channels(self.family, images, COLORS)
        return self._stretched(images, whole_luma(images), spread(draw(self.factor, len(images), rng)))


@FAMILIES.register("hue")
@dataclass(frozen=True)
class Hue(_OneNumber):
    """Turn the colour wheel: the hue of HSV plus an angle; saturation and value stay.

    Parameters:
        angle: degrees, in (−180, 180]; red turns to green by 120.
    """

    family: ClassVar[str] = "hue"
    example: ClassVar[str] = "angle=40"
    information: ClassVar[Information] = "preserved"
    why: ClassVar[str] = (
        "Every colour becomes its neighbour on the colour wheel while shapes and light stay: what is told by its "
        "colour is taken for something else."
    )
    exact: ClassVar[bool] = False
    search: ClassVar[dict[str, SearchRange]] = {"angle": SearchRange((-60.0, 60.0), 1.0, -360.0, 360.0, 0.5)}

    angle: Number

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._turned(images, spread(draw(self.angle, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._turned(images, spread(-draw(self.angle, len(images), rng)))

    def undo_steps(self) -> Steps:
        return Steps(
            "value, chroma = images.max(-1), np.ptp(images, -1)\n"
            "red, green, blue = np.moveaxis(images, -1, 0)\n"
            "safe = np.where(chroma > 0, chroma, 1)\n"
            "hue = np.select(\n"
            "    [value == red, value == green],\n"
            "    [(green - blue) / safe, 2 + (blue - red) / safe],\n"
            "    4 + (red - green) / safe,\n"
            ")\n"
            f"away = (hue[..., None] - {literal(self.angle)} / 60 + [5, 3, 1]) % 6\n"
            "part = np.clip(np.minimum(away, 4 - away), 0, 1)\n"
            "images = value[..., None] - chroma[..., None] * part"
        )

    def _turned(self, images: Images, angle: Float32[np.ndarray, "n 1 1 1"]) -> Images:
        need_channels(self.family, images, COLORS)
        hue, chroma, value = hue_chroma_value(images)
        return from_hue(hue + angle, chroma, value)

    def alternatives(self) -> Mapping[str, Shift]:
        return {of.name: _HueOfBytes(self.angle, scope=self.scope, storage=of) for of in (PILLOW, OPENCV)}

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """Where a library's bytes are made exactly: the angles that it rounds to the same step."""
        if not isinstance(self.angle, float):
            return {}
        few = _some(pairs)
        for of in (PILLOW, OPENCV):
            made = _HueOfBytes(self.angle, storage=of).apply(few.reference, np.random.default_rng(0))
            if float(np.abs(np.rint(255 * made) / 255 - few.shifted).mean()) < SAME_BYTES:
                low = (of.steps_of(self.angle) - 0.5 * (not of.rounded_down)) * of.unit
                return {"angle": OwnInterval.within(low, low + of.unit, level)}
        return {}

    @classmethod
    def numbers_of(cls, before: Images, after: Images) -> Float64[np.ndarray, "n"]:
        """The mean turn of colours about grey, weighted by how strong they are."""
        turned = _on_wheel(after) * _on_wheel(before).conj()
        return np.degrees(np.angle(turned.sum((1, 2))))

    def normal_form(self) -> Shift:
        """Another order of channels, if it turns by a third; with the angle in (−180, 180]."""
        if not isinstance(self.angle, float):
            return self
        angle = 180 - (180 - self.angle) % 360
        for third, order in THIRDS.items():
            if abs(angle - third) <= ALIKE:
                return ChannelOrder(order) if third else Identity()
        return Hue(angle, scope=self.scope)


@dataclass(frozen=True)
class _HueOfBytes(Hue):
    """The same with hue and saturation stored in whole numbers."""

    storage: HueStorage = PILLOW

    def _turned(self, images: Images, angle: Float32[np.ndarray, "n 1 1 1"]) -> Images:
        need_channels(self.family, images, COLORS)
        hue, chroma, value = hue_chroma_value(images)
        whole = np.floor if self.storage.rounded_down else np.rint
        unit = np.float32(self.storage.unit)
        steps = whole((hue % 360) / unit + TINY) + self.storage.steps_of(angle)
        saturation = whole(255 * chroma / np.maximum(value, TINY) + TINY) / np.float32(255)
        return from_hue(steps % self.storage.steps * unit, saturation * value, value)


def hue_chroma_value(images: Images) -> tuple[Plane, Plane, Plane]:
    """Of each pixel: its hue in degrees, its chroma, and its value.

    Chroma is the largest channel minus the smallest, value the largest.
    """
    red, green, blue = (images[:, c : c + 1] for c in range(COLORS))
    value, least = images.max(1, keepdims=True), images.min(1, keepdims=True)
    chroma = value - least
    safe = np.where(chroma > 0, chroma, 1)
    sixths = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    return (SIXTH * sixths).astype(np.float32), chroma, value


def from_hue(hue: Plane, chroma: Plane, value: Plane) -> Images:
    """The inverse of `hue_chroma_value`."""
    sixths = (hue / np.float32(SIXTH)) % 6
    away = [(np.float32(n) + sixths) % 6 for n in (5, 3, 1)]
    return np.concatenate([value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1) for k in away], 1)


def _on_wheel(images: Images) -> Complex128[np.ndarray, "n h w"]:
    """Each pixel's colour as a complex number: its hue is the angle, its strength the length."""
    return np.tensordot(images, TOWARDS, (1, 0))
