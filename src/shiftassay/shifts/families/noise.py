"""Shifts that add noise, drawn afresh for every image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.strength import is_clipped, strength_of
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Number, draw, spread

MOST_COUNTED, COUNTED = 80, 0.5  # photons that still show in eight bits; the mean cosine of values that are counts
GREYS = 20_000  # values that are looked at
STRENGTHS = (0.05, 0.1, 0.2, 0.35, 0.6)  # to begin with, where there are no pairs


@FAMILIES.register("gaussian_noise")
@dataclass(frozen=True)
class GaussianNoise(Shift):
    """x + noise, normal with mean 0 and standard deviation `sd`; clipped to [0, 1] or not."""

    family: ClassVar[str] = "gaussian_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "sd=0.2"
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"sd": v} for v in STRENGTHS)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "A first-layer unit's input gets a random part as large as sd times the length of its weight vector, wherever its weights point."
    )
    information: ClassVar[Information] = "reduced"

    sd: Number
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The sd whose change has the energy seen (see `strength`)."""
        clip = is_clipped(pairs)
        found = strength_of(lambda sd: cls(sd, clip), pairs, 0.001, 3.0)
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = _strengths(self.sd, images, rng)
        return _clipped(images + sd * noise.standard_normal(images.shape, np.float32), self.clip)


@FAMILIES.register("uniform_noise")
@dataclass(frozen=True)
class UniformNoise(Shift):
    """x + noise, uniform between −half_width and half_width; clipped to [0, 1] or not."""

    family: ClassVar[str] = "uniform_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "half_width=0.3"
    derivative_free: ClassVar[tuple[str, ...]] = ("half_width",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"half_width": 1.7 * v} for v in STRENGTHS)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Bounded for each pixel, but summed over hundreds of weights it is as good as normal noise of sd half_width/√3."
    )
    information: ClassVar[Information] = "reduced"

    half_width: Number
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "half_width", lambda v: v >= 0, "0 or more")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The half_width whose change has the energy seen (see `strength`)."""
        clip = is_clipped(pairs)
        found = strength_of(lambda half_width: cls(half_width, clip), pairs, 0.001, 3.0)
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        half_width, noise = _strengths(self.half_width, images, rng)
        return _clipped(images + half_width * (2 * noise.random(images.shape, np.float32) - 1), self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.half_width if isinstance(self.half_width, float) else None


@FAMILIES.register("sign_noise")
@dataclass(frozen=True)
class SignNoise(Shift):
    """x ± epsilon, the sign drawn for each pixel; clipped to [0, 1] or not."""

    family: ClassVar[str] = "sign_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "epsilon=0.1"
    imitates_attack: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("epsilon",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"epsilon": v} for v in STRENGTHS)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Random signs are as good as orthogonal to any one direction: of n pixels' noise, a unit feels about √n, not n, times epsilon."
    )
    information: ClassVar[Information] = "reduced"

    epsilon: float
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "epsilon", lambda v: v >= 0, "0 or more")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The epsilon whose change has the energy seen (see `strength`)."""
        clip = is_clipped(pairs)
        found = strength_of(lambda epsilon: cls(epsilon, clip), pairs, 0.001, 1.5, varies=False)  # pyright: ignore[reportArgumentType]
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        signs = rng.integers(0, 2, images.shape, dtype=np.int8) * 2 - 1
        return _clipped(images + np.float32(self.epsilon) * signs, self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.epsilon


@FAMILIES.register("impulse_noise")
@dataclass(frozen=True)
class ImpulseNoise(Shift):
    """Salt and pepper: each pixel, with probability `fraction`, becomes 1 or 0, either as likely."""

    family: ClassVar[str] = "impulse_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "fraction=0.1"
    covers: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("fraction",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"fraction": v} for v in (0.02, *STRENGTHS))
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "White dots stand where the training images were always black: the weights there were hardly trained, and carry what is left of their start."
    )
    information: ClassVar[Information] = "reduced"

    fraction: Number
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "fraction", lambda v: 0 <= v <= 1, "between 0 and 1")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The fraction whose change has the energy seen (see `strength`)."""
        found = strength_of(cls, pairs, 0.0001, 0.999)
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        fraction, noise = _strengths(self.fraction, images, rng)
        u = noise.random(images.shape, np.float32)
        return np.where(u < fraction / 2, np.float32(1), np.where(u < fraction, np.float32(0), images))


@FAMILIES.register("speckle_noise")
@dataclass(frozen=True)
class SpeckleNoise(Shift):
    """x + x · noise, normal with mean 0 and standard deviation `sd`; clipped to [0, 1] or not. Black stays black."""

    family: ClassVar[str] = "speckle_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "sd=0.3"
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"sd": 2 * v} for v in STRENGTHS)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Only ink is disturbed: strokes become ragged, and edges inside them appear that no training image had."
    )
    information: ClassVar[Information] = "reduced"

    sd: Number
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The sd whose change has the energy seen (see `strength`)."""
        clip = is_clipped(pairs)
        found = strength_of(lambda sd: cls(sd, clip), pairs, 0.001, 5.0)
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = _strengths(self.sd, images, rng)
        return _clipped(images * (1 + sd * noise.standard_normal(images.shape, np.float32)), self.clip)


@FAMILIES.register("shot_noise")
@dataclass(frozen=True)
class ShotNoise(Shift):
    """Poisson(x · photons) / photons: a camera that counts `photons` where a pixel is white; clipped to [0, 1] or not.

    Its mean is x and its variance x / photons, before clipping.
    """

    family: ClassVar[str] = "shot_noise"
    group: ClassVar[str] = "noise"
    example: ClassVar[str] = "photons=12"
    derivative_free: ClassVar[tuple[str, ...]] = ("photons",)
    refined: ClassVar[tuple[str, ...] | None] = ()
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "With few photons the grey of a stroke's edge is a lottery, and its white is dimmed by the clipping: thin strokes break."
    )
    information: ClassVar[Information] = "reduced"

    photons: Number
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "photons", lambda v: 0 < v <= 1e9, "above 0 and at most 1e9")

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The photons whose change has the energy seen (see `strength`); near there, the whole number that all values are counts of.

        Counts show in the mean of cos(2π · photons · x), which is 1 if every x is one and 0 for values in between.
        """
        clip = is_clipped(pairs)
        found = strength_of(lambda photons: cls(photons, clip), pairs, 0.2, 100000.0)
        if not isinstance(found, cls) or not isinstance(found.photons, float) or found.photons > MOST_COUNTED:
            return [found] if found else []
        grey = pairs.shifted[(pairs.shifted > 0.01) & (pairs.shifted < 0.99)][:GREYS].astype(np.float64)
        near = np.arange(max(int(0.85 * found.photons), 1), int(1.15 * found.photons) + 2)
        counted = [float(np.cos(2 * np.pi * photons * grey).mean()) if grey.size else 0.0 for photons in near]
        best = int(np.argmax(counted))
        return [replace(found, photons=float(near[best])) if counted[best] > COUNTED else found]

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        photons, noise = _strengths(self.photons, images, rng)
        return _clipped(noise.poisson(np.maximum(images, 0) * photons).astype(np.float32) / photons, self.clip)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """One photon is the smallest value above black."""
        seen = samples.seen[samples.seen > 1e-6]
        return [cls(1 / float(seen.min()), clip=bool(samples.seen.max() <= 1))] if seen.size else []


def _strengths(value: Number, images: Images, rng: np.random.Generator) -> tuple[np.ndarray, np.random.Generator]:
    """Each image's strength, and a generator of its own for the noise: both are drawn in the order of the images."""
    strengths, noise = rng.spawn(2)
    return spread(draw(value, len(images), strengths)), noise


def _clipped(images: Images, clip: bool) -> Images:
    return np.clip(images, 0, 1) if clip else images
