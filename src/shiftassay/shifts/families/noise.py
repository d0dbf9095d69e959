"""Shifts that add noise, drawn afresh for every image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float32

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.strength import is_clipped, strength_of, with_strength
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number, Parameters, Uniform, draw, spread

MOST_COUNTED = 80  # photons: finer steps do not show in eight bits
COUNTED = 0.5  # mean cosine from which on values are counts of photons
AS_WELL = 0.002  # of that cosine, by which a whole number may be worse
FINE = 301  # numbers of photons that are tried, whole or not
GRAYS = 20_000  # values that are looked at
CLIPPED = 1e-4  # grey values nearer to black or white may have been clipped
SINGLE = 1e-7  # rounding of sums of grey values to single precision
NEAR = 0.3  # of an estimate: how far off counts it may be
STRENGTHS = (0.05, 0.1, 0.2, 0.35, 0.6)  # to begin with, where there are no pairs


@dataclass(frozen=True)
class _Noise(Shift):
    """The base of families of noise: one strength, named in `derivative_free`, and its estimate."""

    group: ClassVar[str] = "noise"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    information: ClassVar[Information] = "reduced"
    varies: ClassVar[bool] = True
    """Whether the strength may differ from image to image."""
    largest: ClassVar[float] = np.inf
    """The largest strength there can be, which an estimated range must not exceed."""

    scope: Scope = field(default="per_image", kw_only=True)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The strength whose change has the same energy as the change seen (see `strength_of`)."""
        if cls.strengths is None:
            return []
        pairs = pairs.middle
        clipped = is_clipped(pairs)

        def of_strength(value: Number) -> Shift:
            if isinstance(value, Uniform):
                value = Uniform(value.low, min(value.high, cls.largest))
            return with_strength(cls, value, clipped)

        noise = strength_of(of_strength, pairs, *cls.strengths, varies=cls.varies)
        return [noise] if noise else []


@FAMILIES.register("gaussian_noise")
@dataclass(frozen=True)
class GaussianNoise(_Noise):
    """Add normal noise with mean 0.

    Parameters:
        sd: standard deviation of the noise, 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "gaussian_noise"
    example: ClassVar[str] = "sd=0.2"
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    simulated: ClassVar[tuple[str, ...]] = ("sd",)
    strengths: ClassVar[tuple[float, float] | None] = (0.001, 3.0)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"sd": v} for v in STRENGTHS)
    why: ClassVar[str] = (
        "A first-layer unit's input gets a random part as large as sd times the length of its weight vector, wherever "
        "its weights point."
    )

    sd: Number
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = _draw_strengths(self.sd, images, rng)
        return _clipped(images + sd * noise.standard_normal(images.shape, np.float32), self.clip)


@FAMILIES.register("uniform_noise")
@dataclass(frozen=True)
class UniformNoise(_Noise):
    """Add noise that is uniform between −half_width and half_width.

    Parameters:
        half_width: 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "uniform_noise"
    example: ClassVar[str] = "half_width=0.3"
    derivative_free: ClassVar[tuple[str, ...]] = ("half_width",)
    simulated: ClassVar[tuple[str, ...]] = ("half_width",)
    strengths: ClassVar[tuple[float, float] | None] = (0.001, 3.0)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"half_width": 1.7 * v} for v in STRENGTHS)
    why: ClassVar[str] = (
        "Bounded for each pixel, but summed over hundreds of weights it is as good as normal noise of sd half_width/√3."
    )

    half_width: Number
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "half_width", lambda v: v >= 0, "0 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        half_width, noise = _draw_strengths(self.half_width, images, rng)
        return _clipped(images + half_width * (2 * noise.random(images.shape, np.float32) - 1), self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.half_width if isinstance(self.half_width, float) else None


@FAMILIES.register("sign_noise")
@dataclass(frozen=True)
class SignNoise(_Noise):
    """Add or subtract the same amount, with a random sign for each pixel.

    Parameters:
        epsilon: the amount, 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "sign_noise"
    example: ClassVar[str] = "epsilon=0.1"
    imitates_attack: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("epsilon",)
    strengths: ClassVar[tuple[float, float] | None] = (0.001, 1.5)
    varies: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"epsilon": v} for v in STRENGTHS)
    why: ClassVar[str] = (
        "Random signs are as good as orthogonal to any one direction: of n pixels' noise, a unit feels about √n, not "
        "n, times epsilon."
    )

    epsilon: float
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "epsilon", lambda v: v >= 0, "0 or more")

    @property
    def theory(self) -> str:
        return (
            "To first order a change δ moves the margin by g·δ, where g is the margin's gradient: random signs add up "
            "like a random walk, with a standard deviation of ε‖g‖₂."
        )

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """All changes that nothing clipped have the same size, up to rounding."""
        size = np.abs(pairs.shifted - pairs.reference)
        seen = size[(pairs.shifted > CLIPPED) & (pairs.shifted < 1 - CLIPPED)] if self.clip else size
        if not seen.size:
            return {}
        middle = float(np.median(seen))
        reach = 0.5 / 255 if in_bytes(pairs.shifted) else SINGLE
        return {"epsilon": OwnInterval.within(middle - reach, middle + reach, level)}

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The usual strengths, and the distance of the commonest grey values.

        Of shifted images, black and white do not count.
        """
        shifted = samples.some_shifted[(samples.some_shifted > CLIPPED) & (samples.some_shifted < 1 - CLIPPED)]
        if not shifted.size:
            return super().guesses(samples)
        step = abs(_commonest(shifted) - _commonest(samples.some_reference))
        return [cls(step, samples.clipped), *super().guesses(samples)]

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        signs = rng.integers(0, 2, images.shape, dtype=np.int8) * 2 - 1
        return _clipped(images + np.float32(self.epsilon) * signs, self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.epsilon


@FAMILIES.register("impulse_noise")
@dataclass(frozen=True)
class ImpulseNoise(_Noise):
    """Turn random pixels white or black, each as likely as the other: salt-and-pepper noise.

    Parameters:
        fraction: probability that a pixel changes, 0 to 1.
    """

    family: ClassVar[str] = "impulse_noise"
    example: ClassVar[str] = "fraction=0.1"
    covers: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("fraction",)
    simulated: ClassVar[tuple[str, ...]] = ("fraction",)
    strengths: ClassVar[tuple[float, float] | None] = (0.0001, 0.999)
    largest: ClassVar[float] = 1.0
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"fraction": v} for v in (0.02, *STRENGTHS))
    why: ClassVar[str] = (
        "White dots stand where the training images were always black: the weights there were hardly trained, and "
        "carry what is left of their start."
    )

    fraction: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "fraction", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        fraction, noise = _draw_strengths(self.fraction, images, rng)
        u = noise.random(images.shape, np.float32)
        return np.where(u < fraction / 2, np.float32(1), np.where(u < fraction, np.float32(0), images))


@FAMILIES.register("speckle_noise")
@dataclass(frozen=True)
class SpeckleNoise(_Noise):
    """Add normal noise in proportion to the grey value: x + x · noise. Black stays black.

    Parameters:
        sd: standard deviation of the noise where the picture is white, 0 or more.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "speckle_noise"
    example: ClassVar[str] = "sd=0.3"
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    simulated: ClassVar[tuple[str, ...]] = ("sd",)
    strengths: ClassVar[tuple[float, float] | None] = (0.001, 5.0)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"sd": 2 * v} for v in STRENGTHS)
    why: ClassVar[str] = (
        "Only ink is disturbed: strokes become ragged, and edges inside them appear that no training image had."
    )

    sd: Number
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = _draw_strengths(self.sd, images, rng)
        return _clipped(images * (1 + sd * noise.standard_normal(images.shape, np.float32)), self.clip)


@FAMILIES.register("shot_noise")
@dataclass(frozen=True)
class ShotNoise(_Noise):
    """Count photons as a camera does: Poisson(x · photons) / photons.

    Its mean is x and its variance x / photons, before clipping.

    Parameters:
        photons: mean count where a pixel is white, above 0 and at most 1e9; few photons make strong noise.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "shot_noise"
    example: ClassVar[str] = "photons=12"
    derivative_free: ClassVar[tuple[str, ...]] = ("photons",)
    simulated: ClassVar[tuple[str, ...]] = ("photons",)
    strengths: ClassVar[tuple[float, float] | None] = (0.2, 100000.0)
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "With few photons the grey of a stroke's edge is a lottery, and its white is dimmed by the clipping: thin "
        "strokes break."
    )

    photons: Number
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "photons", lambda v: 0 < v <= 1e9, "above 0 and at most 1e9")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The strength, or the number of photons near it of which all grey values are counts.

        Counts show in the mean of cos(2π · photons · x): 1 if every x is a count, about 0 for values in between. A
        whole number of photons is preferred where it explains them as well.
        """
        estimates = super().estimate(pairs)
        noise = estimates[0] if estimates else None
        if not isinstance(noise, cls) or not isinstance(noise.photons, float) or noise.photons > MOST_COUNTED:
            return estimates
        gray = pairs.shifted[(pairs.shifted > 0.01) & (pairs.shifted < 0.99)][:GRAYS].astype(np.float64)
        if not gray.size:
            return estimates
        low, high = 0.85 * noise.photons, 1.15 * noise.photons
        whole = np.arange(max(int(low), 1), int(high) + 2)
        near = np.concatenate([whole, np.linspace(low, high, FINE)])
        agreement = np.array([float(np.cos(2 * np.pi * photons * gray).mean()) for photons in near])
        best = int(np.argmax(agreement + AS_WELL * (np.arange(len(near)) < len(whole))))
        return [replace(noise, photons=float(near[best])) if agreement[best] > COUNTED else noise]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The numbers of photons of which all grey values are whole counts.

        Where counts can be told apart.
        """
        if not isinstance(self.photons, float) or self.photons > MOST_COUNTED / 2:
            return {}
        gray = np.unique(pairs.shifted[(pairs.shifted > CLIPPED) & (pairs.shifted < 1 - CLIPPED)]).astype(np.float64)
        if not gray.size:
            return {}
        if in_bytes(pairs.shifted):
            tried, reach = self.photons * np.linspace(1 - NEAR, 1 + NEAR, 20_001), 0.5 / 255 + SINGLE
        else:
            smallest = gray[gray < 1.5 * gray[0]]
            tried, reach = np.linspace(1 / smallest[-1], 1 / smallest[0], 201), 2 * SINGLE
        whole = [np.abs(np.rint(gray * photons) / photons - gray).max() <= reach for photons in tried]
        possible = tried[np.array(whole)]
        if not possible.size or np.ptp(possible) > 0.2 * self.photons:
            return {}
        margin = SINGLE * self.photons
        return {"photons": OwnInterval.within(float(possible[0]) - margin, float(possible[-1]) + margin, level)}

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        photons, noise = _draw_strengths(self.photons, images, rng)
        return _clipped(noise.poisson(np.maximum(images, 0) * photons).astype(np.float32) / photons, self.clip)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """One photon is the smallest value above black."""
        above_black = samples.some_shifted[samples.some_shifted > 1e-6]
        return (
            [cls(1 / float(above_black.min()), clip=bool(samples.some_shifted.max() <= 1))] if above_black.size else []
        )


def _draw_strengths(
    value: Number, images: Images, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "n 1 1 1"], np.random.Generator]:
    """Each image's strength, and a generator of its own for the noise.

    Both are drawn in the order of the images.
    """
    strengths, noise = rng.spawn(2)
    return spread(draw(value, len(images), strengths)), noise


def _clipped(images: Images, clip: bool) -> Images:
    return np.clip(images, 0, 1) if clip else images


def _commonest(values: np.ndarray) -> float:
    """The mean of the values in the fullest of bins half a grey level wide."""
    bins = np.rint(values * 510).astype(np.int64)
    low = int(bins.min())
    fullest = int(np.bincount((bins - low).ravel()).argmax()) + low
    return float(values[bins == fullest].mean())
