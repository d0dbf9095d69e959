"""Shifts that add noise, drawn afresh for every image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, cast, get_args

import numpy as np
from jaxtyping import Float32

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, drawn_in_torch
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs, in_bytes
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.estimation.strength import is_clipped, strength_of, with_strength
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number, Parameters, Uniform, draw, spread

CLIPPED = 1e-4  # grey values nearer to black or white may have been clipped
SINGLE = 1e-7  # rounding of sums of grey values to single precision
TOGETHER = 0.5  # correlation of channels' changes above which they changed together
CHANGES = 600_000  # values that are looked at for it
SEEN = 0.05  # of the pixels that must be neither black nor white in any channel, to look at these alone
STRENGTHS = (0.05, 0.1, 0.2, 0.35, 0.6)  # to begin with, where there are no pairs

Channels = Literal["independent", "together"]


@dataclass(frozen=True)
class Noise(Shift):
    """The base of families of noise: one strength, named in `derivative_free`, and its estimate."""

    group: ClassVar[str] = "noise"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    information: ClassVar[Information] = "reduced"
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

        noise = strength_of(of_strength, pairs, *cls.strengths)
        return [noise] if noise else []


@dataclass(frozen=True)
class _InChannels(Noise):
    """The base of noise that may be the same in all channels of a picture."""

    channels: Channels | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels not in (None, *get_args(Channels)):
            raise BadInput(f"{self.family}: channels are independent or together, not {self.channels}.")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """As of other noise, and of pictures in colour whether their channels changed together."""
        estimates = super().estimate(pairs)
        if pairs.reference.shape[1] == 1:
            return estimates
        channels = "together" if _correlation(pairs, cls.covers) > TOGETHER else "independent"
        return [replace(cast(_InChannels, noise), channels=channels) for noise in estimates]

    @property
    def variant(self) -> tuple[object, ...]:
        return (*super().variant, self.channels == "together")

    @property
    def _drawn_in_torch(self) -> str:
        """A tensor of the shape of the numbers that are drawn, in code."""
        return "images[:, :1]" if self.channels == "together" else "images"

    def _drawn(self, images: Images) -> tuple[int, ...]:
        """The shape of the numbers that are drawn for these images."""
        return (len(images), 1, *images.shape[2:]) if self.channels == "together" else images.shape


@FAMILIES.register("gaussian_noise")
@dataclass(frozen=True)
class GaussianNoise(_InChannels):
    """Add normal noise with mean 0.

    Parameters:
        sd: standard deviation of the noise, 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
        channels: independent, as if it is not said; or together, the same noise in all channels.
    """

    family: ClassVar[str] = "gaussian_noise"
    example: ClassVar[str] = "sd=0.2"
    also_called: ClassVar[tuple[str, ...]] = ("noise", "white_noise")
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

    def training_steps(self) -> Steps:
        noise = f"{drawn_in_torch(self.sd)} * torch.randn_like({self._drawn_in_torch})"
        return Steps(f"images = {cut_in_torch(f'images + {noise}', self.clip)}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = drawn_strengths(self.sd, images, rng)
        return cut(images + sd * noise.standard_normal(self._drawn(images), np.float32), self.clip)


@FAMILIES.register("uniform_noise")
@dataclass(frozen=True)
class UniformNoise(_InChannels):
    """Add noise that is uniform between −half_width and half_width.

    Parameters:
        half_width: 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
        channels: independent, as if it is not said; or together, the same noise in all channels.
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

    def training_steps(self) -> Steps:
        noise = f"{drawn_in_torch(self.half_width)} * (2 * torch.rand_like({self._drawn_in_torch}) - 1)"
        return Steps(f"images = {cut_in_torch(f'images + {noise}', self.clip)}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        half_width, noise = drawn_strengths(self.half_width, images, rng)
        return cut(images + half_width * (2 * noise.random(self._drawn(images), np.float32) - 1), self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.half_width if isinstance(self.half_width, float) else None


@FAMILIES.register("sign_noise")
@dataclass(frozen=True)
class SignNoise(_InChannels):
    """Add or subtract the same amount, with a random sign for each pixel.

    Parameters:
        epsilon: the amount, 0 or more, in units of the grey scale.
        clip: whether the result is clipped to [0, 1].
        channels: independent, as if it is not said; or together, the same noise in all channels.
    """

    family: ClassVar[str] = "sign_noise"
    example: ClassVar[str] = "epsilon=0.1"
    imitates_attack: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("epsilon",)
    strengths: ClassVar[tuple[float, float] | None] = (0.001, 1.5)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"epsilon": v} for v in STRENGTHS)
    why: ClassVar[str] = (
        "Random signs are as good as orthogonal to any one direction: of n pixels' noise, a unit feels about √n, not "
        "n, times epsilon."
    )

    epsilon: Number
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
        if not isinstance(self.epsilon, float):
            return {}
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

    def training_steps(self) -> Steps:
        noise = f"{drawn_in_torch(self.epsilon)} * (2 * torch.randint_like({self._drawn_in_torch}, 2) - 1)"
        return Steps(f"images = {cut_in_torch(f'images + {noise}', self.clip)}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        if isinstance(self.epsilon, int | float):
            epsilon, noise = np.float32(self.epsilon), rng
        else:
            epsilon, noise = drawn_strengths(self.epsilon, images, rng)
        signs = noise.integers(0, 2, self._drawn(images), dtype=np.int8) * 2 - 1
        return cut(images + epsilon * signs, self.clip)

    @property
    def largest_change(self) -> float | None:
        return self.epsilon if isinstance(self.epsilon, float) else None


@FAMILIES.register("impulse_noise")
@dataclass(frozen=True)
class ImpulseNoise(_InChannels):
    """Turn random pixels white or black, each as likely as the other: salt-and-pepper noise.

    Parameters:
        fraction: probability that a pixel changes, 0 to 1.
        channels: independent, as if it is not said; or together, whole pixels white or black.
    """

    family: ClassVar[str] = "impulse_noise"
    example: ClassVar[str] = "fraction=0.1"
    also_called: ClassVar[tuple[str, ...]] = ("salt_and_pepper",)
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

    def training_steps(self) -> Steps:
        return Steps(
            f"fraction = {drawn_in_torch(self.fraction)}\n"
            f"u = torch.rand_like({self._drawn_in_torch})\n"
            "images = torch.where(u < fraction / 2, 1.0, torch.where(u < fraction, 0.0, images))"
        )

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        fraction, noise = drawn_strengths(self.fraction, images, rng)
        u = noise.random(self._drawn(images), np.float32)
        return np.where(u < fraction / 2, np.float32(1), np.where(u < fraction, np.float32(0), images))


@FAMILIES.register("speckle_noise")
@dataclass(frozen=True)
class SpeckleNoise(_InChannels):
    """Add normal noise in proportion to the grey value: x + x · noise. Black stays black.

    Parameters:
        sd: standard deviation of the noise where the picture is white, 0 or more.
        clip: whether the result is clipped to [0, 1].
        channels: independent, as if it is not said; or together, the same noise in all channels.
    """

    family: ClassVar[str] = "speckle_noise"
    example: ClassVar[str] = "sd=0.3"
    also_called: ClassVar[tuple[str, ...]] = ("multiplicative_noise",)
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

    def training_steps(self) -> Steps:
        noise = f"{drawn_in_torch(self.sd)} * torch.randn_like({self._drawn_in_torch})"
        return Steps(f"images = {cut_in_torch(f'images * (1 + {noise})', self.clip)}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        sd, noise = drawn_strengths(self.sd, images, rng)
        return cut(images * (1 + sd * noise.standard_normal(self._drawn(images), np.float32)), self.clip)


def _correlation(pairs: Pairs, covered: bool) -> float:
    """The mean correlation of the first channel's changes with those of the others.

    Where nothing may be clipped. Of noise that covers: of whether they changed.
    """
    some = pairs.first_affordable(len(pairs), CHANGES, 2)
    change = np.moveaxis(some.shifted - some.reference, 1, 0).reshape(some.reference.shape[1], -1)
    inside = np.moveaxis((some.shifted > CLIPPED) & (some.shifted < 1 - CLIPPED), 1, 0).reshape(change.shape)
    seen = change[:, inside.all(0)] if inside.all(0).mean() > SEEN else change
    if covered:
        seen = (np.abs(change) > ROUNDING).astype(np.float32)
    seen = seen - seen.mean(1, keepdims=True)
    size = np.sqrt((seen**2).sum(1))
    return float(np.mean(seen[1:] @ seen[0] / np.maximum(size[1:] * size[0], 1e-12)))


def drawn_strengths(
    value: Number, images: Images, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "n 1 1 1"], np.random.Generator]:
    """Each image's strength, and a generator of its own for the noise.

    Both are drawn in the order of the images.
    """
    strengths, noise = rng.spawn(2)
    return spread(draw(value, len(images), strengths)), noise


def cut(images: Images, clip: bool) -> Images:
    return np.clip(images, 0, 1) if clip else images


def cut_in_torch(expression: str, clip: bool) -> str:
    """The same in code."""
    return f"({expression}).clamp(0, 1)" if clip else expression


def _commonest(values: np.ndarray) -> float:
    """The mean of the values in the fullest of bins half a grey level wide."""
    bins = np.rint(values * 510).astype(np.int64)
    low = int(bins.min())
    fullest = int(np.bincount((bins - low).ravel()).argmax()) + low
    return float(values[bins == fullest].mean())
