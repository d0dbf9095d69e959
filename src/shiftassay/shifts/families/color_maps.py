"""Shifts of colours channel by channel, and to grey: normalization, white balance, weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.color_fit import (
    CUT_OFF,
    EXPLAINS,
    ColorPairs,
    channel_maps,
    color_pairs,
    from_image,
    gray_weights,
    shared_error,
)
from shiftassay.shifts.estimation.pairs import LEVEL, Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.color_shift import CLOSE, SharedColorShift, need_channels, weighted
from shiftassay.shifts.families.intensity import Gain, Rescale
from shiftassay.shifts.families.normalizations import known_change
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.parameters import Parameters, SearchRange

STEP = 0.02
GRAYS = {
    "BT.601": (0.299, 0.587, 0.114),
    "BT.709": (0.2126, 0.7152, 0.0722),
    "the mean": (1 / 3, 1 / 3, 1 / 3),
    "BT.601 with red and blue exchanged": (0.114, 0.587, 0.299),
    "BT.709 with red and blue exchanged": (0.0722, 0.7152, 0.2126),
    "the red channel": (1.0, 0.0, 0.0),
    "the green channel": (0.0, 1.0, 0.0),
    "the blue channel": (0.0, 0.0, 1.0),
}


@FAMILIES.register("channel_rescale")
@dataclass(frozen=True)
class ChannelRescale(SharedColorShift):
    """Express each colour channel in other units: scale · x + offset.

    Normalization and white balance do that.

    Parameters:
        scale: one number for each channel, anything but 0.
        offset: one for each channel, in the new units.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "channel_rescale"
    example: ClassVar[str] = "scale=[4.3668,4.4643,4.4444],offset=[-2.1179,-2.0357,-1.8044]"
    also_called: ClassVar[tuple[str, ...]] = ("normalize", "normalise", "standardize")
    lists: ClassVar[tuple[str, ...]] = ("scale", "offset")
    why: ClassVar[str] = (
        "Each channel's numbers are others than those the weights were trained for: a normalization is missing, "
        "doubled, or of other constants, and colours lose their balance."
    )
    search: ClassVar[dict[str, SearchRange]] = {
        **{f"{color} scale": SearchRange((1.0,), STEP) for color in ("red", "green", "blue")},
        **{f"{color} offset": SearchRange((0.0,), STEP) for color in ("red", "green", "blue")},
    }
    refined: ClassVar[tuple[str, ...] | None] = ()

    scale: tuple[float, ...]
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    clip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.scale) != len(self.offset):
            raise BadInput(
                f"channel_rescale: it has {len(self.scale)} scales and {len(self.offset)} offsets. "
                "Give one of each for each channel."
            )
        if not all(self.scale):
            raise BadInput("channel_rescale: scale must be anything but 0, in each channel.")

    @property
    def information(self) -> Information:
        return "reduced" if self.clip and not self._stays_in_range else "preserved"

    @property
    def _stays_in_range(self) -> bool:
        ends = np.array([self.offset, np.add(self.scale, self.offset)])
        return bool(ends.min() >= 0 and ends.max() <= 1)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        need_channels(self.family, images, len(self.scale))
        scale, offset = self._numbers()
        return self._clipped(images * scale + offset)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        need_channels(self.family, images, len(self.scale))
        scale, offset = self._numbers()
        return self._clipped((images - offset) / scale)

    def undo_steps(self) -> Steps:
        undone = f"(images - np.array({literal(self.offset)})) / {literal(self.scale)}"
        return Steps(f"images = np.clip({undone}, 0, 1)" if self.clip else f"images = {undone}")

    def _numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale and offset in a shape that broadcasts over images (n, c, h, w)."""
        scale, offset = (np.array(numbers, np.float32)[:, None, None] for numbers in (self.scale, self.offset))
        return scale, offset

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Any:
        scale, offset = numbers.reshape(2, -1).tolist()
        return cls(tuple(scale), tuple(offset))

    @property
    def degrees_of_freedom(self) -> int:
        """The numbers that are not those of no change; one where all are known constants."""
        if known_change(self.scale, self.offset):
            return 1
        return sum(scale != 1 for scale in self.scale) + sum(map(bool, self.offset))

    @classmethod
    def known_as(cls, parameters: Parameters) -> str | None:
        """The normalizations that it puts in place of each other."""
        scale = parameters["scale"]
        return known_change(scale, parameters.get("offset", [0.0] * len(scale)))

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares in each channel, on values that nothing cut off."""
        colors = color_pairs(pairs)
        shift = None if colors is None else channel_rescale(colors)
        return [] if colors is None or not isinstance(shift, cls) or not explains(shift, colors) else [shift]

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The maps that match the channels' means and sds, where values leave [0, 1].

        White balance can't be told from other scenes.
        """
        sides = samples.some_reference, samples.some_shifted
        if sides[0].shape[1] != 3 or all(side.min() >= 0 and side.max() <= 1 for side in sides):
            return []
        means, sds = ([of(side, axis=(0, 2, 3)) for side in sides] for of in (np.mean, np.std))
        if sds[0].min() <= 0 or sds[1].min() <= 0:
            return []
        scale = sds[1] / sds[0]
        shift = cls(tuple(scale.tolist()), tuple((means[1] - scale * means[0]).tolist()))
        return [shift] if isinstance(shift.normal_form(), cls) else []

    def normal_form(self) -> Shift:
        """A rescaling or a gain, if all channels are alike; without numbers that are none."""
        alike = np.ptp(self.scale) <= CLOSE * max(map(abs, self.scale))
        size = max(map(abs, self.scale))
        if alike and np.ptp(self.offset) <= CLOSE * size:
            scale, offset = float(np.mean(self.scale)), float(np.mean(self.offset))
            if not self.clip:
                return Rescale(scale, offset).normal_form()
            if scale > 0 and abs(offset) <= CLOSE * size:
                return Gain(scale, clip=True)
        scale = tuple(1.0 if abs(value - 1) <= CLOSE else value for value in self.scale)
        offset = self.offset if any(abs(value) > CLOSE * size for value in self.offset) else (0.0,) * len(scale)
        return replace(self, scale=scale, offset=offset)


def channel_rescale(colors: ColorPairs) -> Shift | None:
    """The channel-wise map of these colours, in normal form; None where they leave it open."""
    numbers = channel_maps(colors)
    if numbers is None or not all(numbers[0]):
        return None
    scale, offset = numbers
    made = colors.before * scale + offset
    leaves = bool(made.min() < -CUT_OFF or made.max() > 1 + CUT_OFF)
    return ChannelRescale(
        tuple(scale.tolist()), tuple(offset.tolist()), clip=colors.within_range and leaves
    ).normal_form()


def explains(shift: Shift, colors: ColorPairs) -> bool:
    """Whether a shift of colours leaves clearly less than the best map that all channels share."""
    made = from_image(shift.apply(colors.by_image(), np.random.default_rng(0)))
    return colors.error(made) < EXPLAINS * shared_error(colors)


@FAMILIES.register("grayscale")
@dataclass(frozen=True)
class Grayscale(SharedColorShift):
    """Make pictures grey: the sum of weight · channel, clipped to [0, 1].

    Parameters:
        weights: one for each channel; (0.299, 0.587, 0.114) is BT.601, as in Pillow and OpenCV.
        channels: how many equal channels are left, 1 or 3.
    """

    family: ClassVar[str] = "grayscale"
    example: ClassVar[str] = "weights=[0.299,0.587,0.114]"
    also_called: ClassVar[tuple[str, ...]] = ("greyscale", "to_gray", "black_and_white")
    lists: ClassVar[tuple[str, ...]] = ("weights",)
    why: ClassVar[str] = (
        "What is told by its colour, ripe from unripe or one bird from another, is no longer told, and weights that "
        "were trained for differences between channels meet none."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        f"weight of {color}": SearchRange((weight,), STEP)
        for color, weight in zip(("red", "green", "blue"), GRAYS["BT.601"], strict=True)
    }
    refined: ClassVar[tuple[str, ...] | None] = ()

    weights: tuple[float, ...]
    channels: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels not in (1, 3):
            raise BadInput(f"grayscale: channels must be 1 or 3, not {self.channels}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        need_channels(self.family, images, len(self.weights))
        gray = np.clip(weighted(images, self.weights), 0, 1)
        return np.repeat(gray, self.channels, 1)

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Any:
        return cls(tuple(numbers.tolist()))

    @property
    def degrees_of_freedom(self) -> int:
        """One of weights with a name, else three."""
        return 1 if _name_of(self.weights) else len(self.weights)

    @classmethod
    def known_as(cls, parameters: Parameters) -> str | None:
        """The name of the weights."""
        return _name_of(parameters["weights"])

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares of the channels' mean, where these differ less than before."""
        colors = color_pairs(pairs)
        if colors is None or float(np.ptp(colors.after, axis=1).mean()) > float(np.ptp(colors.before, axis=1).mean()):
            return []
        weights = gray_weights(colors)
        if weights is None:
            return []
        shift = cls(tuple(weights.tolist())).normal_form()
        return [shift] if explains(shift, colors) else []

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The usual weights, where all pictures are grey and were not."""
        if samples.some_reference.shape[1] != 3:
            return []
        differ = [float(np.ptp(side, axis=1).max()) for side in (samples.some_reference, samples.some_shifted)]
        return [cls(weights) for weights in GRAYS.values()] if differ[0] > 2 * LEVEL > 2 * differ[1] else []

    def normal_form(self) -> Shift:
        """With the exact weights of a name."""
        name = _name_of(self.weights)
        return replace(self, weights=GRAYS[name]) if name else self


def _name_of(weights: Sequence[float]) -> str | None:
    """The name of these weights, if they have one."""
    for name, known in GRAYS.items():
        if len(weights) == len(known) and np.abs(np.subtract(weights, known)).max() <= CLOSE:
            return name
    return None
