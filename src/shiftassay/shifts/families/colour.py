"""Shifts of colours: what happens to a pixel's channels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift

LEVELS = np.linspace(0.01, 0.99, 50)  # quantiles that channels are compared by, where there are no pairs


@FAMILIES.register("channel_order")
@dataclass(frozen=True)
class ChannelOrder(Shift):
    """out[c] = in[order[c]]: BGR for RGB is (2, 1, 0), as where OpenCV reads a picture and another library takes it."""

    family: ClassVar[str] = "channel_order"
    group: ClassVar[str] = "colour"
    why: ClassVar[str] = (
        "Red meets the weights that were trained for blue: skies turn brown and skin blue, and whatever is told by its colour is taken for something else."
    )
    example: ClassVar[str] = "order=[2,1,0]"
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

    def _ordered(self, images: Images, order: tuple[int, ...]) -> Images:
        if images.shape[1] != len(order):
            raise BadInput(f"channel_order: it orders {len(order)} channels, the images have {images.shape[1]}.")
        return np.ascontiguousarray(images[:, order])

    @property
    def degrees_of_freedom(self) -> int:
        """Of three channels there are six orders: as good as one number."""
        return 1

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Each channel of the result is the one that it correlates with most, over all pixels of all images."""
        before, after = (_by_channel(side) for side in (pairs.reference, pairs.shifted))
        count = len(before)
        agreement = np.nan_to_num(np.corrcoef(after, before)[:count, count:]) if count > 1 else np.ones((1, 1))
        return cls._unless_same(np.abs(agreement) if pairs.contrast else agreement)

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> list[Shift]:
        """By how far each channel's mean is from its image's: no move, and no gain for all channels, changes which is above which."""
        before, after = (_casts(side) for side in (pairs.reference, pairs.shifted))
        return cls._unless_same(after.T @ before)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """Each channel of the result is the one whose grey values are most alike."""
        before, after = (np.quantile(_by_channel(side), LEVELS, axis=1).T for side in (samples.few, samples.seen))
        return cls._unless_same(-np.abs(after[:, None] - before[None]).sum(2))

    @classmethod
    def _unless_same(cls, agreement: Float64[np.ndarray, "c c"]) -> list[Shift]:
        """The order of most agreement between each channel after (rows) and before, unless it is the one there was."""
        order = tuple(linear_sum_assignment(agreement, maximize=True)[1].tolist())
        return [] if order == tuple(range(len(order))) else [cls(order)]


def _casts(images: Images) -> Float64[np.ndarray, "n c"]:
    """The mean of each channel, less that of the image."""
    means = images.mean((2, 3), dtype=np.float64)
    return means - means.mean(1, keepdims=True)


def _by_channel(images: Images) -> Float64[np.ndarray, "c m"]:
    return np.moveaxis(images, 1, 0).reshape(images.shape[1], -1).astype(np.float64)
