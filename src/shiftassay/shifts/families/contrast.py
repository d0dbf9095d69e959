"""Tones that depend on the image itself.

Contrast about its mean, its range stretched, its histogram made even.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.blend import blend_interval
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.color_shift import whole_luma
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number, PerImage, SearchRange, draw, extremes, spread

BT601 = np.array([0.299, 0.587, 0.114])
BYTE = 255  # white, in bytes
VALUES = 256  # of a byte
IMAGES, VALUES_SEEN = 120, 4_000_000  # for an estimate, at most
PLACES = 2048  # of an image, that its factor is estimated from
FEW, FEW_VALUES = 8, 500_000  # images, and values, that tell whether a family without parameters explains anything
WORTHWHILE = 0.85  # of the error without a shift, or with one factor: above, nothing is explained
EXPLAINED = 0.5  # of the error without a shift: the same of a family without parameters
HALF_A_BYTE = 0.5 / 255
FLAT = 1e-4  # mean square about its mean, below which an image shows no contrast
TWO_LEVELS = 2 / 255  # draws that differ by less count as equal
UNCHANGED = 2e-3  # a factor this near to 1 changes nothing


@FAMILIES.register("contrast")
@dataclass(frozen=True)
class Contrast(Shift):
    """Move values away from their image's mean luma, or towards it.

    m + factor · (x − m), clipped to [0, 1]. m is the mean over an image of its luma (ITU-R BT.601), or of its grey
    values, as Pillow's ImageEnhance.Contrast and torchvision have it.

    Parameters:
        factor: 0 or more; below 1 the picture turns grey, above 1 it becomes harder.
    """

    family: ClassVar[str] = "contrast"
    group: ClassVar[str] = "intensity"
    why: ClassVar[str] = (
        "Differences between neighbours shrink or grow together: weak edges fall below what the first filters answer "
        "to, or both ends are cut off."
    )
    example: ClassVar[str] = "factor=0.5"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    search: ClassVar[dict[str, SearchRange]] = {
        "factor": SearchRange((0.25, 0.5, 1.5, 3.0), 0.02, 1e-3, 1e3, TWO_LEVELS)
    }

    factor: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v >= 0, "0 or more")

    @property
    def information(self) -> Information:
        if min(extremes(self.factor)) == 0:
            return "destroyed"
        return "reduced" if max(extremes(self.factor)) > 1 else "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _about(_mean_luma(images), images, draw(self.factor, len(images), rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        factors = draw(self.factor, len(images), rng)
        return _about(_mean_luma(images), images, 1 / factors) if factors.min(initial=1.0) > 0 else None

    def undo_steps(self) -> Steps | None:
        if self.factor == 0:
            return None
        return Steps(
            "luma = images @ [0.299, 0.587, 0.114] if images.ndim == 4 and images.shape[3] == 3 else images\n"
            "mean = luma.reshape(len(images), -1).mean(1).reshape(-1, *[1] * (images.ndim - 1))\n"
            f"images = np.clip(mean + (images - mean) / {literal(self.factor)}, 0, 1)"
        )

    def alternatives(self) -> Mapping[str, Shift]:
        """As Pillow computes it in bytes: a whole mean, and what is between bytes cut off."""
        return {"in bytes": _ContrastInBytes(self.factor, scope=self.scope)}

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """Where Pillow's bytes are made exactly: the factors that make them."""
        if not isinstance(self.factor, float):
            return {}
        interval = blend_interval(_whole_mean(pairs.reference), pairs.reference, pairs.shifted, level)
        return {} if interval is None else {"factor": interval}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The slope of values that were not cut off; that of each image where they differ."""
        few = pairs.first_affordable(IMAGES, VALUES_SEEN, 4)
        view = _SomePlaces.of(few)
        each = view.factors()
        shared = view.shared_factor()
        if shared is None or shared <= 0:
            return []
        without, of_shared, of_each = (view.error(f) for f in (np.ones(len(few)), np.full(len(few), shared), each))
        estimates: list[Shift] = []
        if of_shared < WORTHWHILE * without:
            estimates.append(cls(shared))
        if of_each < WORTHWHILE * of_shared and (known := each[np.isfinite(each) & (each > 0)]).size > 1:
            drawn: Shift = cls.from_draws(known[:, None])
            estimates += [] if isinstance(vars(drawn)["factor"], float) else [drawn]
        return estimates

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own factor."""
        if self.scope == "shared":
            return self
        factors = _SomePlaces.of(pairs).factors()
        usual = float(np.nanmedian(factors)) if np.isfinite(factors).any() else 1.0
        return replace(self, factor=PerImage(np.clip(np.nan_to_num(factors, nan=usual), 0, None)))

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The ratio of the deviations within images, and larger ones where they were cut off."""
        before, after = (float(np.mean(side.std((1, 2, 3)))) for side in (samples.some_reference, samples.some_shifted))
        ratio = after / max(before, 1e-9)
        return [cls(ratio * more) for more in ((1.0, 1.3) if ratio > 1 else (1.0,)) if ratio > 0]

    def normal_form(self) -> Shift:
        return Identity() if isinstance(self.factor, float) and abs(self.factor - 1) < UNCHANGED else self


@dataclass(frozen=True)
class _ContrastInBytes(Contrast):
    """The same about a whole mean, cut off to bytes."""

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _cut_off(_about(_whole_mean(images), images, draw(self.factor, len(images), rng)))


@dataclass(frozen=True)
class _SomePlaces:
    """Values at some places of each image, before and after, less the image's first mean luma."""

    before: Float32[np.ndarray, "n k"]
    after: Float32[np.ndarray, "n k"]
    mean: Float32[np.ndarray, "n 1"]

    @classmethod
    def of(cls, pairs: Pairs) -> "_SomePlaces":
        n, size = len(pairs), pairs.reference[0].size
        places = np.random.default_rng(0).permutation(size)[:PLACES]
        mean = _mean_luma(pairs.reference).reshape(n, 1)
        before, after = (side.reshape(n, size)[:, places] - mean for side in (pairs.reference, pairs.shifted))
        return cls(before, after, mean)

    def factors(self) -> Float64[np.ndarray, "n"]:
        """Each image's factor; NaN of an image without contrast."""
        product, square = self._moments()
        return np.where(square > FLAT * self.before.shape[1], product / np.maximum(square, 1e-12), np.nan)

    def shared_factor(self) -> float | None:
        """That of all images; None if none has any contrast."""
        product, square = (float(moment.sum()) for moment in self._moments())
        return product / square if square > FLAT * self.before.size else None

    def error(self, factors: Float64[np.ndarray, "n"]) -> float:
        """The mean square that these factors leave."""
        low, high = -self.mean, 1 - self.mean
        made = np.clip(self.before * np.nan_to_num(factors, nan=1.0)[:, None].astype(np.float32), low, high)
        return float(np.mean((self.after - made) ** 2, dtype=np.float64))

    def _moments(self) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
        """Covariance and variance of the values that were not cut off.

        A mean that others round shifts neither.
        """
        value = self.after + self.mean
        inside = (value > HALF_A_BYTE) & (value < 1 - HALF_A_BYTE)
        count = np.maximum(inside.sum(1, keepdims=True), 1)
        before, after = (
            (side - (side * inside).sum(1, keepdims=True) / count) * inside for side in (self.before, self.after)
        )
        return (before * after).sum(1, dtype=np.float64), (before**2).sum(1, dtype=np.float64)


@FAMILIES.register("autocontrast")
@dataclass(frozen=True)
class Autocontrast(Shift):
    """Stretch each channel of each image: its darkest value becomes black, its brightest white.

    A channel of one value stays as it is.

    Parameters:
        like: pillow, whose ImageOps.autocontrast stretches each channel; or opencv, whose normalize stretches all
            channels together.
    """

    family: ClassVar[str] = "autocontrast"
    group: ClassVar[str] = "intensity"
    why: ClassVar[str] = (
        "Dark and pale pictures, and each of their channels, come to fill the whole range: how bright a picture is, "
        "and what colour its light had, no longer shows."
    )
    information: ClassVar[Information] = "reduced"

    like: Literal["pillow", "opencv"] = "pillow"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _stretched(np.clip(images, 0, 1), (2, 3) if self.like == "pillow" else (1, 2, 3))

    def alternatives(self) -> Mapping[str, Shift]:
        """As Pillow computes it in bytes: what is between them cut off."""
        return {"in bytes": _AutocontrastInBytes(self.like)}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        return _best([cls(), cls("opencv")], pairs)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """Itself, where images fill the range that did not."""
        before, after = (np.ptp(side, (2, 3)).mean() for side in (samples.some_reference, samples.some_shifted))
        return [cls()] if before < after > 1 - HALF_A_BYTE else []


@dataclass(frozen=True)
class _AutocontrastInBytes(Autocontrast):
    """The same cut off to bytes."""

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _cut_off(super().apply(images, rng))


Library = Literal["pillow", "opencv", "skimage"]


@FAMILIES.register("equalize")
@dataclass(frozen=True)
class Equalize(Shift):
    """Map the bytes of each channel of each image so that all become about equally frequent.

    On images clipped to [0, 1] and rounded to bytes.

    Parameters:
        like: pillow, as its ImageOps.equalize has it; opencv, as its equalizeHist, from 0 for the lowest value; or
            skimage, as its equalize_hist, which takes all channels together and their shares as they are.
    """

    family: ClassVar[str] = "equalize"
    group: ClassVar[str] = "intensity"
    also_called: ClassVar[tuple[str, ...]] = ("histogram_equalization",)
    why: ClassVar[str] = (
        "Each picture gets a curve of its own: large even areas gain the most contrast, with their noise, and what was "
        "dark or pale looks like everything else."
    )
    information: ClassVar[Information] = "reduced"

    like: Library = "pillow"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _equalized(images, self.like)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        return _best([cls(library) for library in get_args(Library)], pairs)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """Itself, as each library makes it."""
        return [cls(library) for library in get_args(Library)]


def _mean_luma(images: Images) -> Float32[np.ndarray, "n 1 1 1"]:
    """The mean of each image's luma; of other than three channels, that of all values."""
    means = images.mean((2, 3), dtype=np.float64)
    luma = means @ BT601 if images.shape[1] == 3 else means.mean(1)
    return spread(luma)


def _about(mean: Float32[np.ndarray, "n 1 1 1"], images: Images, factors: Float64[np.ndarray, "n"]) -> Images:
    return np.clip(mean + spread(factors) * (images - mean), 0, 1)


def _stretched(images: Images, axes: tuple[int, ...]) -> Images:
    low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
    width = high - low
    return np.where(width > 0, (images - low) / np.maximum(width, np.float32(1e-9)), images)


def _cut_off(images: Images) -> Images:
    """Down to whole bytes."""
    return np.floor(images * np.float32(BYTE) + np.float32(1e-4)) / np.float32(BYTE)


def _equalized(images: Images, library: Library) -> Images:
    n, c, h, w = images.shape
    groups, count = (n, c * h * w) if library == "skimage" else (n * c, h * w)
    values = np.rint(np.clip(images, 0, 1) * np.float32(BYTE)).astype(np.int64).reshape(groups, count)
    at = values + VALUES * np.arange(groups)[:, None]
    histograms = np.bincount(at.ravel(), minlength=groups * VALUES).reshape(groups, VALUES)
    tables = np.stack([_table(histogram, library) for histogram in histograms]).astype(np.float32)
    return tables.ravel()[at].reshape(images.shape)


def _table(histogram: np.ndarray, library: Library) -> Float64[np.ndarray, "256"]:
    """What each byte becomes, white 1."""
    shares, present = histogram.cumsum(), np.flatnonzero(histogram)
    unchanged = np.arange(VALUES) / BYTE
    if len(present) < 2:
        return unchanged
    if library == "skimage":
        return shares / shares[-1]
    if library == "opencv":
        lowest = histogram[present[0]]
        return np.rint(np.maximum(shares - lowest, 0) * (BYTE / (shares[-1] - lowest))) / BYTE
    step = (shares[-1] - histogram[present[-1]]) // BYTE
    return np.minimum((step // 2 + shares - histogram) // step, BYTE) / BYTE if step else unchanged


def _best(shifts: Sequence[Shift], pairs: Pairs) -> list[Shift]:
    """The shift that leaves least of a few images; nothing if that is half of their change."""
    few = pairs.first_affordable(FEW, FEW_VALUES, 1)
    errors = [float(few.errors(shift.apply(few.reference, np.random.default_rng(0))).mean()) for shift in shifts]
    best = int(np.argmin(errors))
    return [shifts[best]] if errors[best] < EXPLAINED * float(few.errors(few.reference).mean()) else []


def _whole_mean(images: Images) -> Float32[np.ndarray, "n 1 1 1"]:
    """The mean luma in whole bytes, as Pillow rounds it."""
    mean = whole_luma(images).mean((1, 2, 3), dtype=np.float64) if images.shape[1] == 3 else _mean_luma(images).ravel()
    return spread(np.floor(mean * BYTE + 0.5 + 1e-6) / BYTE)
