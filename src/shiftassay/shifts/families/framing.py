"""Shifts that give pictures another size: a resize, a crop, a frame around them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, in_a_row, literal
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.framing import Box, Framing
from shiftassay.shifts.resizing import Kernel, Resized, Size, check_kernel, resize
from shiftassay.shifts.resizing_code import resizing
from shiftassay.shifts.warp import as_colour


@FAMILIES.register("stretch")
@dataclass(frozen=True)
class Stretch(Shift):
    """Resize the picture: its height and width are multiplied by a factor each, and rounded.

    Parameters:
        factors: of width and height, above 0; below 1 the picture becomes smaller.
        kernel: nearest, nearest_floor, box, bilinear, hamming, bicubic, lanczos, area or gaussian.
        antialias: whether the kernel widens where the picture becomes smaller, as Pillow's does and OpenCV's does not.
    """

    family: ClassVar[str] = "stretch"
    group: ClassVar[str] = "framing"
    why: ClassVar[str] = (
        "Things have another size or another shape than those that the network was trained on, and without "
        "antialiasing fine texture turns into patterns that are not there."
    )
    example: ClassVar[str] = "factors=[0.5,0.5]"
    also_called: ClassVar[tuple[str, ...]] = ("squash", "aspect_ratio")
    information: ClassVar[Information] = "reduced"

    factors: tuple[float, float]
    kernel: Kernel = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.factors) <= 0:
            raise BadInput(f"stretch: factors must be above 0, not {self.factors[0]:g} and {self.factors[1]:g}.")
        check_kernel(self.family, self.kernel, self.antialias)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Resized:
        return resize(images, self._size(images), self.kernel, self.antialias)

    def undo(self, images: Images, rng: np.random.Generator) -> Resized:
        """Stretched back, with the same kernel."""
        back = replace(self, factors=(1 / self.factors[0], 1 / self.factors[1]))
        return resize(images, back._size(images), self.kernel, self.antialias)

    def undo_steps(self) -> Steps | None:
        x, y = (literal(1 / factor) for factor in self.factors)
        size = f"size = round({y} * images.shape[1]), round({x} * images.shape[2])"
        return in_a_row([Steps(size), resizing(self.kernel, self.antialias)])

    def alternatives(self) -> Mapping[str, Shift]:
        """With and without antialiasing."""
        try:
            return {
                "with antialiasing" if not self.antialias else "without": replace(self, antialias=not self.antialias)
            }
        except BadInput:
            return {}

    @property
    def is_identity(self) -> bool:
        return self.factors == (1, 1)

    @property
    def shrinks(self) -> bool:
        return min(self.factors) < 1

    @classmethod
    def of_framing(cls, framing: Framing) -> Shift | None:
        if framing.is_cut or framing.is_cropped or framing.is_padded:
            return None
        (height, width), (h, w) = framing.source, framing.resized
        return cls((w / width, h / height), framing.kernel, framing.antialias)

    def _size(self, images: Images) -> Size:
        (_, _, height, width), (x, y) = images.shape, self.factors
        size = round(height * y), round(width * x)
        if min(size) < 1:
            raise BadInput(f"stretch: by {x:g} and {y:g}, nothing is left of {height} × {width} pixels.")
        return size


@FAMILIES.register("crop")
@dataclass(frozen=True)
class Crop(Shift):
    """Keep a part of the picture.

    Parameters:
        box: left, top, right and bottom in pixels; right and bottom are the first column and row left out.
    """

    family: ClassVar[str] = "crop"
    group: ClassVar[str] = "framing"
    why: ClassVar[str] = "What tells the class may lie outside of the box, and what is left fills more of the frame."
    instead: ClassVar[str] = (
        "What was cut off is lost: cut where the model's training did, or not at all, in the code that makes these "
        "pictures; else train with the same cut"
    )
    example: ClassVar[str] = "box=[2,1,18,11]"
    information: ClassVar[Information] = "reduced"
    exact: ClassVar[bool] = True

    box: Box

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_box(self.family, self.box)
        if min(self.box) < 0:
            raise BadInput(f"crop: the box {list(self.box)} begins outside of the picture. Its corners count from 0.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Resized:
        left, top, right, bottom = self.box
        height, width = images.shape[2:]
        if right > width or bottom > height:
            raise BadInput(f"crop: the box {list(self.box)} reaches beyond the picture of {height} × {width} pixels.")
        return np.ascontiguousarray(images[:, :, top:bottom, left:right])

    @classmethod
    def of_framing(cls, framing: Framing) -> Shift | None:
        if framing.is_resized or framing.is_padded:
            return None
        (x, y, *_), (left, top, right, bottom) = framing.cut, framing.seen
        return cls((x + left, y + top, x + right, y + bottom))


@FAMILIES.register("letterbox")
@dataclass(frozen=True)
class Letterbox(Shift):
    """Resize the picture into a box of a larger frame, and fill the rest with one colour.

    A box of the picture's own size is padding.

    Parameters:
        box: where the picture lies in the frame: left, top, right and bottom in pixels.
        size: height and width of the frame.
        fill: what stands around the picture: a grey value, or one for each channel.
        kernel: nearest, nearest_floor, box, bilinear, hamming, bicubic, lanczos, area or gaussian.
        antialias: whether the kernel widens where the picture becomes smaller.
    """

    family: ClassVar[str] = "letterbox"
    group: ClassVar[str] = "framing"
    why: ClassVar[str] = (
        "The picture is smaller than those that the network was trained on, and the bars around it have straight edges "
        "that excite it where nothing is."
    )
    example: ClassVar[str] = "box=[0,4,28,24],size=[28,28]"
    also_called: ClassVar[tuple[str, ...]] = ("pad", "padding")
    information: ClassVar[Information] = "reduced"

    box: Box
    size: Size
    fill: float | tuple[float, ...] = 0.0
    kernel: Kernel = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_box(self.family, self.box)
        left, top, right, bottom = self.box
        if min(left, top) < 0 or right > self.size[1] or bottom > self.size[0]:
            raise BadInput(
                f"letterbox: the box {list(self.box)} reaches beyond the frame of {self.size[0]} × {self.size[1]} "
                "pixels."
            )
        check_kernel(self.family, self.kernel, self.antialias)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Resized:
        left, top, right, bottom = self.box
        n, c = images.shape[:2]
        framed = np.empty((n, c, *self.size), np.float32)
        framed[:] = as_colour(self.fill, images, "letterbox: fill")
        framed[:, :, top:bottom, left:right] = resize(images, (bottom - top, right - left), self.kernel, self.antialias)
        return framed

    def undo(self, images: Images, rng: np.random.Generator) -> Resized:
        """The picture without the frame, in the size that it has there."""
        left, top, right, bottom = self.box
        return np.ascontiguousarray(images[:, :, top:bottom, left:right])

    def undo_steps(self) -> Steps:
        left, top, right, bottom = self.box
        return Steps(f"images = images[:, {top}:{bottom}, {left}:{right}]")

    @property
    def degrees_of_freedom(self) -> int:
        """Of the frame's size nothing is free: it is that of the images."""
        return super().degrees_of_freedom - 2

    @classmethod
    def of_framing(cls, framing: Framing) -> Shift | None:
        if framing.is_cut or framing.is_cropped or not framing.is_padded:
            return None
        kernel: dict[str, Any] = (
            {"kernel": framing.kernel, "antialias": framing.antialias} if framing.is_resized else {}
        )
        return cls(framing.box, framing.output, framing.fill, **kernel)


def _check_box(family: str, box: Box) -> None:
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        raise BadInput(f"{family}: the box {list(box)} is empty. Give left, top, right and bottom in pixels.")
