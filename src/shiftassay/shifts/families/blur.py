"""Blurs that are convolutions: every pixel is spread over its neighbours in the same way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from scipy.special import erf

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.convolution import Border, convolve, deconvolve, gaussian, separable
from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.estimation.mean_picture import by_mean_picture
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.tail import Tail, Tails, angles, best_tails
from shiftassay.shifts.family import FAMILIES, Context, Estimator, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Number, PerImage, SearchRange, draw, draws, extremes, is_drawn
from shiftassay.shifts.sampling_code import DECONVOLUTION

SUPERSAMPLING = 8  # points along a pixel's side, for the share of it that a disc covers
BOXES = 3  # passes of a box filter by which Pillow approximates a Gaussian
OTHER_BORDERS: Mapping[str, Border] = {"mirrored border": "symmetric", "black border": "constant"}


@FAMILIES.register("gaussian_blur")
@dataclass(frozen=True)
class GaussianBlur(Shift):
    """Blur by a Gaussian. Border pixels are repeated outwards.

    Parameters:
        sd: standard deviation of the Gaussian in pixels, 0 to 50.
    """

    family: ClassVar[str] = "gaussian_blur"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "sd=1"
    also_called: ClassVar[tuple[str, ...]] = ("blur", "smooth")
    estimator: ClassVar[Estimator] = LeastSquares()
    point_spread: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Edges, the first thing that filters look for, fade, and strokes that were apart run together: loops close."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {"sd": SearchRange((0.5, 0.8, 1.2, 2.0, 3.0, 5.0), 0.05, 0.0, 12.0)}

    sd: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: 0 <= v <= 50, "between 0 and 50")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return separable(images, self._weights(images, rng))

    def alternatives(self) -> Mapping[str, Shift]:
        """Another border, or other weights.

        Weights are cut off at 3 sds, integrated over each pixel, or those of three box filters.
        """
        others = {
            name: _OtherGaussian(self.sd, scope=self.scope, border=border) for name, border in OTHER_BORDERS.items()
        }
        return {**others, **{form: _OtherGaussian(self.sd, scope=self.scope, form=form) for form in GAUSSIAN_FORMS}}

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        weights = self._weights(images, rng)
        return deconvolve(images, weights[:, :, None] * weights[:, None, :])

    def undo_steps(self) -> Steps:
        reach, sd = int(4 * max(extremes(self.sd)) + 0.5), max(*extremes(self.sd), 1e-3)
        return Steps(
            f"line = np.exp(-(np.arange({-reach}, {reach + 1}) ** 2) / (2 * {literal(sd)} ** 2))\n"
            "kernel = np.outer(line, line) / line.sum() ** 2\n"
            "images = deconvolve(images, kernel)",
            DECONVOLUTION,
        )

    def _weights(self, images: Images, rng: np.random.Generator) -> Float64[np.ndarray, "m k"]:
        """The weights along one axis: a Gaussian is separable."""
        reach = int(4 * max(extremes(self.sd)) + 0.5)
        return gaussian(_draw_few(self.sd, images, rng), reach)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(sd)) for sd in np.geomspace(0.4, 6, 14)], samples)


@dataclass(frozen=True)
class _OtherGaussian(GaussianBlur):
    """A Gaussian blur as other code makes it."""

    border: Border = "edge"
    form: str = ""

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        lines = GAUSSIAN_FORMS[self.form](_draw_few(self.sd, images, rng)) if self.form else self._weights(images, rng)
        return separable(images, lines, self.border)


def _cut_off(sd: np.ndarray) -> Float64[np.ndarray, "m k"]:
    """At 3 sds, as OpenCV in eight bits."""
    return gaussian(sd, max(int(3 * sd.max() + 0.5), 1))


def _integrated(sd: np.ndarray) -> Float64[np.ndarray, "m k"]:
    """The integral of the Gaussian over each pixel, instead of its value in the middle."""
    edges = np.arange(-int(4 * sd.max() + 0.5) - 0.5, int(4 * sd.max() + 0.5) + 1)
    line = np.diff(erf(edges / (np.sqrt(2) * np.maximum(sd, 1e-3)[:, None])))
    return line / line.sum(1, keepdims=True)


def _boxes(sd: np.ndarray) -> Float64[np.ndarray, "m k"]:
    """Three box filters of the same variance (Gwosdek et al. 2011).

    Their outermost pixels count in part.
    """
    lines = []
    for s in sd:
        reach = int((np.sqrt(12 * s**2 / BOXES + 1) - 1) / 2)
        side = 2 * reach + 1
        part = side * (reach * (reach + 1) - 3 * s**2 / BOXES) / (6 * (s**2 / BOXES - (reach + 1) ** 2))
        box = np.r_[part, np.ones(side), part] / (side + 2 * part)
        line = box
        for _ in range(BOXES - 1):
            line = np.convolve(line, box)
        lines.append(line)
    longest = max(map(len, lines))
    return np.stack([np.pad(line, (longest - len(line)) // 2) for line in lines])


GAUSSIAN_FORMS = {"cut off at 3 sds": _cut_off, "integrated over pixels": _integrated, "three boxes": _boxes}


@FAMILIES.register("defocus_blur")
@dataclass(frozen=True)
class DefocusBlur(Shift):
    """Blur by an even disc, as a lens out of focus does. Border pixels are repeated outwards.

    Parameters:
        radius: of the disc in pixels, 0.5 to 100.
    """

    family: ClassVar[str] = "defocus_blur"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "radius=2.5"
    estimator: ClassVar[Estimator] = LeastSquares()
    point_spread: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every point becomes a disc: strokes turn wide and grey, and some spatial frequencies vanish altogether or "
        "change their sign."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {"radius": SearchRange((1.0, 1.5, 2.0, 3.0, 4.0, 6.0), 0.2, 0.5, 12.0)}

    radius: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "radius", lambda v: 0.5 <= v <= 100, "between 0.5 and 100")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return convolve(images, self._kernels(images, rng))

    def alternatives(self) -> Mapping[str, Shift]:
        """Another border; a disc that is finer, or that covers a pixel wholly or not at all."""
        others = {
            name: _OtherDefocus(self.radius, scope=self.scope, border=border) for name, border in OTHER_BORDERS.items()
        }
        return {**others, **{name: _OtherDefocus(self.radius, scope=self.scope, points=n) for name, n in DISCS.items()}}

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return deconvolve(images, self._kernels(images, rng))

    def undo_steps(self) -> Steps:
        side = 2 * int(np.ceil(max(extremes(self.radius)) - 0.5)) + 1
        points = SUPERSAMPLING
        return Steps(
            f"at = (np.arange({side * points}) + 0.5) / {points} - {side} / 2  # {points} points to a pixel\n"
            f"disc = np.hypot(at[:, None], at) <= {literal(self.radius)}\n"
            f"kernel = disc.reshape({side}, {points}, {side}, {points}).mean((1, 3))\n"
            "images = deconvolve(images, kernel / kernel.sum())",
            DECONVOLUTION,
        )

    def _kernels(
        self, images: Images, rng: np.random.Generator, points: int = SUPERSAMPLING
    ) -> Float64[np.ndarray, "m k k"]:
        """The share of each pixel that the disc covers, by points along its side."""
        reach = int(np.ceil(max(extremes(self.radius)) - 0.5))
        side = 2 * reach + 1
        at = (np.arange(side * points) + 0.5) / points - side / 2
        distance = np.hypot(at[:, None], at).reshape(side, points, side, points).swapaxes(1, 2)
        radii = _draw_few(self.radius, images, rng)
        kernels = np.stack([(distance <= radius).mean((2, 3)) for radius in radii])
        return kernels / kernels.sum((1, 2), keepdims=True)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        return by_mean_picture([cls(float(radius)) for radius in np.geomspace(0.8, 8, 14)], samples)


DISCS = {f"disc of {n} points to a pixel": n for n in (1, 4, 6, 10, 12, 20, 40)}


@dataclass(frozen=True)
class _OtherDefocus(DefocusBlur):
    """A defocus blur as other code makes it."""

    border: Border = "edge"
    points: int = SUPERSAMPLING

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return convolve(images, self._kernels(images, rng, self.points), self.border)


@FAMILIES.register("motion_blur")
@dataclass(frozen=True)
class MotionBlur(Shift):
    """Blur along a line, as motion during the exposure does. Border pixels are repeated outwards.

    Without `fading` each pixel becomes the mean along a line centred on it. With `fading` the line starts at the pixel
    and its weights fall off like half a Gaussian, so that every point draws a tail in the direction of the angle.

    Parameters:
        length: of the line in pixels, 1 to 200.
        angle: of the line in degrees, counter-clockwise from the right; without fading, angles 180° apart are equal.
        fading: standard deviation of the half Gaussian in pixels, above 0; None for an even line.

    Source: with fading it is ImageMagick's motion blur, which MNIST-C uses (Mu and Gilmer 2019).
    """

    family: ClassVar[str] = "motion_blur"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "length=7"
    also_called: ClassVar[tuple[str, ...]] = ("camera_shake",)
    estimator: ClassVar[Estimator] = LeastSquares()
    point_spread: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Strokes across the motion are smeared away while those along it stay: the shape keeps only one of its "
        "directions."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "length": SearchRange((2.0, 3.0, 5.0, 7.0, 10.0), 0.4, 1.0, 24.0),
        "angle": SearchRange((0.0, 22.5, 45.0, 67.5, 90.0, 112.5, 135.0, 157.5), 3.0),
    }

    length: Number
    angle: Number = 0.0
    fading: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "length", lambda v: 1 <= v <= 200, "between 1 and 200")
        if self.fading is not None:
            check(self, "fading", lambda v: v > 0, "above 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return convolve(images, self._kernels(images, rng))

    def alternatives(self) -> Mapping[str, Shift]:
        """Another border, or another line.

        An even line has finer steps, or copies of the picture at such steps, both ends included. A fading one has its
        steps rounded to whole pixels, as ImageMagick's.
        """
        same = (self.length, self.angle, self.fading)
        others: dict[str, Shift] = {
            name: _OtherMotion(*same, scope=self.scope, border=border) for name, border in OTHER_BORDERS.items()
        }
        if self.fading is not None:
            others[WHOLE_PIXELS] = _OtherMotion(*same, scope=self.scope, whole=True)
        else:
            others["finer line"] = _OtherMotion(*same, scope=self.scope, points=FINER)
            copies = {n: _OtherMotion(*same, scope=self.scope, points=n, copies=True) for n in COPIES}
            others |= {f"{n} copies to a pixel": blur for n, blur in copies.items()}
        return others

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return deconvolve(images, self._kernels(images, rng))

    def undo_steps(self) -> Steps:
        length, angle = (literal(value) for value in (self.length, self.angle))
        if self.fading is None:
            most = int(max(extremes(self.length)) / 2 + 0.5)
            line = f"np.arange({-most}, {most + 1})", f"np.clip({length} / 2 - abs(steps) + 0.5, 0, 1)"
        else:
            most = int(np.ceil(max(extremes(self.length)))) - 1
            line = f"np.arange({most + 1})", f"np.exp(-(steps**2) / (2 * {literal(self.fading)} ** 2))"
        return Steps(
            f"steps = {line[0]}\n"
            f"weights = {line[1]}\n"
            f"x, y = np.cos(np.radians({angle})) * steps, -np.sin(np.radians({angle})) * steps\n"
            f"at = np.arange({-most - 1}, {most + 2})\n"
            "across, down = (np.clip(1 - abs(at - side[:, None]), 0, 1) for side in (x, y))\n"
            'kernel = np.einsum("s,sy,sx->yx", weights / weights.sum(), down, across)\n'
            "images = deconvolve(images, kernel)",
            DECONVOLUTION,
        )

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """An even line by least squares (see `fitting`), and fading ones (see `tail`).

        Where fading ones explain much, also those whose steps are rounded to whole pixels.
        """
        tails = best_tails(Tails(pairs, _apply_tail))
        whole = best_tails(Tails(pairs, _apply_tail_in_whole_pixels)) if tails else []
        return [*super().estimate(pairs), *map(_fading_blur, [*tails, *whole])]

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own angle, and of an even line its own length too."""
        if self.fading is None or self.scope == "shared":
            return super().infer_draws(pairs)
        own_angles = angles(Tails(pairs, _apply_tail), self.fading, max(extremes(self.length)))
        return MotionBlur(self.length, PerImage(own_angles), self.fading, scope="per_image")

    def _kernels(
        self,
        images: Images,
        rng: np.random.Generator,
        points: int = 1,
        copies: bool = False,
        whole: bool = False,
    ) -> Float64[np.ndarray, "m k k"]:
        """Weights at steps along the line, `points` to a pixel.

        With `copies`, its ends count as whole ones.

        Each is spread bilinearly over the four pixels around it, or with `whole` put on the nearest.
        """
        varies = is_drawn(self.length) or is_drawn(self.angle)
        lengths, angles = draws([self.length, self.angle], len(images) if varies else 1, rng)
        longest = max(extremes(self.length))
        if self.fading is None:
            most = int(points * longest / 2 + (1 if copies else 0.5))
            steps = np.arange(-most, most + 1) / points
            weights = np.clip(points * (lengths[:, None] / 2 - np.abs(steps)) + (1.0 if copies else 0.5), 0, 1)
        else:
            steps = np.arange(int(np.ceil(longest)))
            weights = np.exp(-(steps**2) / (2 * self.fading**2)) * (steps < lengths[:, None])
        weights = weights / weights.sum(1, keepdims=True)
        reach = int(np.ceil(np.abs(steps).max())) + 1
        x, y = np.cos(np.radians(angles))[:, None] * steps, -np.sin(np.radians(angles))[:, None] * steps
        if whole:  # halves go where ImageMagick's own arithmetic takes them
            ends = lengths[:, None] * np.array([np.cos(np.radians(angles)), -np.sin(np.radians(angles))])[..., None]
            x, y = np.ceil(steps * ends / np.hypot(*ends) - 0.5)
        x, y = x + reach, y + reach
        kernels = np.zeros((len(lengths), 2 * reach + 1, 2 * reach + 1))
        image = np.arange(len(lengths))[:, None]
        # Rounded, so that a quarter turn's 1e-16 of a pixel does not count as one.
        x, y = np.round(x, 9), np.round(y, 9)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        for right in (0, 1):
            for down in (0, 1):
                share = np.abs(1 - right - (x - left)) * np.abs(1 - down - (y - top))
                at = np.minimum(top + down, 2 * reach), np.minimum(left + right, 2 * reach)
                np.add.at(kernels, (image, *at), weights * share)
        return kernels

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        lengths, angles = (2.0, 3.0, 5.0, 7.0, 10.0, 14.0), np.arange(0.0, 180, 15)
        even = [cls(length, float(angle)) for length in lengths for angle in angles]
        fading = [cls(4 * sd, float(angle), sd) for sd in (1.5, 2.5, 4.0) for angle in np.arange(0.0, 360, 20)]
        return by_mean_picture(even, samples) + by_mean_picture(fading, samples)

    def normal_form(self) -> Shift:
        """With the angle of an even line in [0°, 180°)."""
        if self.fading is None and isinstance(self.angle, float):
            return replace(self, angle=self.angle % 180)
        return self

    @property
    def variant(self) -> tuple[object, ...]:
        return (*super().variant, self.fading is None)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """A fading line's length is a whole number of pixels."""
        return super().differentiable if self.fading is None else ("angle", "fading")


FINER = 12  # steps to a pixel
COPIES = (4, 8, 12, 20, 40)
WHOLE_PIXELS = "whole pixels"


@dataclass(frozen=True)
class _OtherMotion(MotionBlur):
    """A motion blur as other code makes it."""

    border: Border = "edge"
    points: int = 1
    copies: bool = False
    whole: bool = False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return convolve(images, self._kernels(images, rng, self.points, self.copies, self.whole), self.border)


def _draw_few(value: Number, images: Images, rng: np.random.Generator) -> Float64[np.ndarray, "m"]:
    """A parameter for each image, or just one where all share it: one kernel is then enough."""
    return draw(value, len(images) if is_drawn(value) else 1, rng)


def _fading_blur(tail: Tail) -> MotionBlur:
    return MotionBlur(tail.length, tail.angle, tail.fading, scope="per_image" if tail.each else "shared")


def _apply_tail(images: Images, tail: Tail) -> Images:
    return _fading_blur(tail).apply(images, np.random.default_rng(0))


def _apply_tail_in_whole_pixels(images: Images, tail: Tail) -> Images:
    return _fading_blur(tail).alternatives()[WHOLE_PIXELS].apply(images, np.random.default_rng(0))
