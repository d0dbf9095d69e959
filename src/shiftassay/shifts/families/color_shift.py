"""What shifts of colours have in common."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.family import Shift

LUMA = (0.299, 0.587, 0.114)  # BT.601
CLOSE = 2e-3  # within which an estimated number equals a nominal one
Plane = Float32[np.ndarray, "n 1 h w"]
"""One channel of images."""


class ColorShift(Shift):
    """A shift that maps the colour of each pixel by itself."""

    group: ClassVar[str] = "colour"
    completed_by: ClassVar[tuple[str, ...]] = ("noise", "blur")
    completes: ClassVar[tuple[str, ...]] = ("geometry", "blur", "colour")
    found_as_first_part: ClassVar[bool] = False
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = True


class SharedColorShift(ColorShift):
    """A shift of colours whose parameters are lists of numbers, the same for all images.

    The numbers that a fit looks for are those of the lists in a row: `search` has one for each.
    """

    lists: ClassVar[tuple[str, ...]]
    """The parameters that are lists of numbers."""

    def candidate_draws(self) -> Float64[np.ndarray, "1 k"]:
        return np.concatenate([np.ravel(getattr(self, name)) for name in self.lists])[None].astype(np.float64)

    @property
    def differentiable(self) -> tuple[str, ...]:
        return self.lists

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> Any:
        raise BadInput(f"{cls.family}: it is the same for all images.")


def need_channels(family: str, images: Images, count: int) -> None:
    """Raise `BadInput` unless the images have so many channels."""
    if images.shape[1] != count:
        raise BadInput(f"{family}: it is for {count} channels, the images have {images.shape[1]}.")


def luma(images: Images) -> Plane:
    """The BT.601 luma of colour pictures, as one channel."""
    return weighted(images, LUMA)


def whole_luma(images: Images) -> Plane:
    """The luma in whole bytes, as Pillow makes it with weights of 16 bits."""
    red, green, blue = (np.rint(255 * np.clip(images[:, c : c + 1], 0, 1)).astype(np.int64) for c in range(3))
    whole = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return whole.astype(np.float32) / np.float32(255)


def weighted(images: Images, weights: tuple[float, ...]) -> Plane:
    """The sum of the channels times their weights, as one channel."""
    return np.tensordot(images, np.array(weights, np.float32), (1, 0))[:, None]
