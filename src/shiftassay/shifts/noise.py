"""Shifts that add noise: drawn afresh for every image, or one pattern on all of them."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from shiftassay.errors import BadInput
from shiftassay.shifts.family import (
    FAMILIES,
    Context,
    Images,
    Information,
    Number,
    Scope,
    Shift,
    check,
    draw,
    spread,
)
from shiftassay.shifts.pairs import Pairs
from shiftassay.shifts.strength import is_clipped, strength_of

if TYPE_CHECKING:
    from shiftassay.shifts.pairs import Pairs

EDGE = 0.004  # grey values nearer than this to 0 or 1 may have been clipped
SEEN = 5  # images that must show a place of the pattern unclipped


@FAMILIES.register("gaussian_noise")
@dataclass(frozen=True)
class GaussianNoise(Shift):
    """x + noise, normal with mean 0 and standard deviation `sd`; clipped to [0, 1] or not."""

    family: ClassVar[str] = "gaussian_noise"
    group: ClassVar[str] = "noise"
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


@FAMILIES.register("sign_noise")
@dataclass(frozen=True)
class SignNoise(Shift):
    """x ± epsilon, the sign drawn for each pixel; clipped to [0, 1] or not."""

    family: ClassVar[str] = "sign_noise"
    group: ClassVar[str] = "noise"
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


@FAMILIES.register("impulse_noise")
@dataclass(frozen=True)
class ImpulseNoise(Shift):
    """Salt and pepper: each pixel, with probability `fraction`, becomes 1 or 0, either as likely."""

    family: ClassVar[str] = "impulse_noise"
    group: ClassVar[str] = "noise"
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
        """The photons whose change has the energy seen (see `strength`)."""
        clip = is_clipped(pairs)
        found = strength_of(lambda photons: cls(photons, clip), pairs, 0.2, 100000.0)
        return [found] if found else []

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        photons, noise = _strengths(self.photons, images, rng)
        return _clipped(noise.poisson(np.maximum(images, 0) * photons).astype(np.float32) / photons, self.clip)


@FAMILIES.register("fixed_pattern")
@dataclass(frozen=True)
class FixedPattern(Shift):
    """x + pattern, the same for every image: normal with mean 0 and standard deviation `sd`, drawn if none is given.

    `pattern` has a number for each of the c · h · w values of an image. Clipped to [0, 1] or not.
    """

    family: ClassVar[str] = "fixed_pattern"
    group: ClassVar[str] = "noise"
    why: ClassVar[str] = (
        "It moves the input of every unit by a constant, the same for all images, as if someone had changed the biases of the first layer."
    )

    sd: float
    pattern: tuple[float, ...] | None = None
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: v >= 0, "0 or more")

    @property
    def information(self) -> Information:
        return "reduced" if self.clip else "preserved"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "FixedPattern":
        if self.pattern is not None:
            return self
        return replace(self, pattern=tuple((self.sd * rng.standard_normal(int(np.prod(shape)))).tolist()))

    @classmethod
    def estimate(cls, pairs: "Pairs") -> list[Shift]:
        """The median difference of each place, over the images that show it unclipped, where it explains half of the change.

        A place that is always black, or always white, gives a bound alone (a negative value on what is black is never seen). The
        sd is then that of greatest likelihood under both kinds of places (Tobin 1958), and such a place gets the mean beyond its
        bound of a normal distribution with it: that value can't be identified.
        """
        shifted, reference = pairs.shifted, pairs.reference
        clip = bool(np.mean((shifted < -EDGE) | (shifted > 1 + EDGE)) < 1e-4)
        difference = shifted - reference
        inside = (shifted > EDGE) & (shifted < 1 - EDGE) if clip else np.ones(shifted.shape, bool)
        counts = inside.sum(0)
        known = counts >= min(SEEN, len(pairs))
        if not known.any():
            return []
        ordered = np.sort(np.where(inside, difference, np.inf), 0)
        lower, upper = (
            np.take_along_axis(ordered, np.maximum(k, 0)[None], 0)[0] for k in ((counts - 1) // 2, counts // 2)
        )
        median = np.where(known, (lower + np.where(counts > 0, upper, 0)) / 2, 0).astype(np.float32)
        left = np.where(inside & known, difference - median, 0)
        if (left**2).sum(dtype=np.float64) > 0.5 * (np.where(inside & known, difference, 0) ** 2).sum(dtype=np.float64):
            return []
        # Black after the shift: at most −x at the brightest x. White: at least 1 − x at the darkest.
        dark = ~known & (shifted <= EDGE).any(0)
        white = ~known & ~dark
        bound = np.where(white, np.min(1 - reference, 0), np.max(np.where(shifted <= EDGE, reference, 0), 0))
        sd = _censored_sd(median[known], bound[~known])
        beyond = sd * np.exp(norm.logpdf(bound / sd) - norm.logsf(bound / sd))
        pattern = np.where(known, median, np.where(white, beyond, -beyond))
        return [cls(sd, tuple(map(float, pattern.ravel())), clip)]

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _clipped(images + self._field(images, rng), self.clip)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _clipped(images - self._field(images, rng), self.clip)

    def _field(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        shape = images.shape[1:]
        fixed = np.array(self.drawn(shape, rng).pattern, np.float32)
        if fixed.size != np.prod(shape):
            raise BadInput(f"fixed_pattern: it has {fixed.size} values, an image has {' × '.join(map(str, shape))}.")
        return fixed.reshape(shape)


def _strengths(value: Number, images: Images, rng: np.random.Generator) -> tuple[np.ndarray, np.random.Generator]:
    """Each image's strength, and a generator of its own for the noise: both are drawn in the order of the images."""
    strengths, noise = rng.spawn(2)
    return spread(draw(value, len(images), strengths)), noise


def _clipped(images: Images, clip: bool) -> Images:
    return np.clip(images, 0, 1) if clip else images


def _censored_sd(seen: np.ndarray, bounds: np.ndarray) -> float:
    """The sd of normal numbers with mean 0, of which some are seen and of others is known what they lie beyond."""

    def loss(log_sd: float) -> float:
        sd = np.exp(log_sd)
        return float((seen**2).sum() / (2 * sd**2) + len(seen) * log_sd - norm.logsf(bounds / sd).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(1e-4), np.log(1e3)), method="bounded").x))
