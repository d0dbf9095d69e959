"""Shifts of colours: what happens to a pixel's channels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.parameters import Parameters

LEVELS = np.linspace(0.01, 0.99, 50)  # quantiles that channels are compared by, where there are no pairs


@FAMILIES.register("channel_order")
@dataclass(frozen=True)
class ChannelOrder(Shift):
    """Put the colour channels in another order, as where OpenCV's BGR is taken for RGB.

    out[c] = in[order[c]]

    Parameters:
        order: each channel number from 0 once; (2, 1, 0) turns RGB into BGR.
    """

    family: ClassVar[str] = "channel_order"
    group: ClassVar[str] = "colour"
    why: ClassVar[str] = (
        "Red meets the weights that were trained for blue: skies turn brown and skin blue, and whatever is told by "
        "its colour is taken for something else."
    )
    example: ClassVar[str] = "order=[2,1,0]"
    also_called: ClassVar[tuple[str, ...]] = ("bgr", "bgr2rgb", "swap_channels")
    information: ClassVar[Information] = "preserved"
    completed_by: ClassVar[tuple[str, ...]] = ("geometry", "intensity", "noise", "blur", "overlay")
    completes: ClassVar[tuple[str, ...]] = ("geometry", "intensity", "blur", "overlay", "rearrangement")
    found_as_first_part: ClassVar[bool] = True
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = True

    order: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if sorted(self.order) != list(range(len(self.order))):
            raise BadInput(f"channel_order: order must name each channel from 0 once, not {list(self.order)}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._ordered(images, self.order)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._ordered(images, tuple(np.argsort(self.order).tolist()))

    def undo_steps(self) -> Steps:
        return Steps(f"images = images[..., {literal(np.argsort(self.order))}]")

    @classmethod
    def known_as(cls, parameters: Parameters) -> str | None:
        return "BGR for RGB" if list(parameters["order"]) == [2, 1, 0] else None

    def _ordered(self, images: Images, order: tuple[int, ...]) -> Images:
        if images.shape[1] != len(order):
            raise BadInput(f"channel_order: it orders {len(order)} channels, the images have {images.shape[1]}.")
        return np.ascontiguousarray(images[:, order])

    @property
    def is_identity(self) -> bool:
        return self.order == tuple(range(len(self.order)))

    @property
    def degrees_of_freedom(self) -> int:
        """One: the six orders of three channels carry as much information as one number."""
        return 1

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The order in which channels before and after correlate most over all pixels."""
        before, after = (_by_channel(side) for side in (pairs.reference, pairs.shifted))
        count = len(before)
        agreement = np.nan_to_num(np.corrcoef(after, before)[:count, count:]) if count > 1 else np.ones((1, 1))
        return cls._best_order(np.abs(agreement) if pairs.contrast else agreement)

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> list[Shift]:
        """The order that matches each channel's colour cast.

        A cast is how far a channel's mean is from its image's mean. No geometric shift, and no gain that all channels
        share, changes which channels lie above the others.
        """
        before, after = (_color_casts(side) for side in (pairs.reference, pairs.shifted))
        return cls._best_order(after.T @ before)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The order in which the channels' quantiles are most alike."""
        before, after = (
            np.quantile(_by_channel(side), LEVELS, axis=1).T for side in (samples.some_reference, samples.some_shifted)
        )
        return cls._best_order(-np.abs(after[:, None] - before[None]).sum(2))

    @classmethod
    def _best_order(cls, agreement: Float64[np.ndarray, "c c"]) -> list[Shift]:
        """The order in which channels after (rows) and before (columns) agree most.

        Empty if it changes nothing.
        """
        order = tuple(linear_sum_assignment(agreement, maximize=True)[1].tolist())
        return [] if order == tuple(range(len(order))) else [cls(order)]


def _color_casts(images: Images) -> Float64[np.ndarray, "n c"]:
    """How far the mean of each channel is from the mean of its image."""
    means = images.mean((2, 3), dtype=np.float64)
    return means - means.mean(1, keepdims=True)


def _by_channel(images: Images) -> Float64[np.ndarray, "c m"]:
    return np.moveaxis(images, 1, 0).reshape(images.shape[1], -1).astype(np.float64)
