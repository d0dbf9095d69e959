"""Shifts that store the picture with less: fewer pixels, fewer bits."""

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np

from shiftassay.shifts.family import FAMILIES, Choice, Context, Images, Information, Scope, Shift, Uniform, check, draw


@FAMILIES.register("pixelate")
@dataclass(frozen=True)
class Pixelate(Shift):
    """Blocks of `factor` × `factor` pixels, counted from the upper left, take their mean; the last ones may be smaller."""

    family: ClassVar[str] = "pixelate"
    group: ClassVar[str] = "blur"
    why: ClassVar[str] = (
        "Detail within a block is gone, and the blocks' own borders are straight edges that no handwriting has."
    )
    information: ClassVar[Information] = "reduced"

    factor: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: v >= 1, "1 or more")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        small = images
        for axis in (2, 3):
            starts = np.arange(0, images.shape[axis], self.factor)
            lengths = np.minimum(self.factor, images.shape[axis] - starts)
            shape = [1, 1, 1, 1]
            shape[axis] = -1
            means = np.add.reduceat(small, starts, axis) / lengths.astype(np.float32).reshape(shape)
            small = np.repeat(means, lengths, axis)
        return np.clip(small, 0, 1)


@FAMILIES.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Shift):
    """Stored as JPEG of a `quality` from 1 to 100 (Pillow's scale) and read again, in 8 bits; three channels are a colour picture."""

    family: ClassVar[str] = "jpeg"
    group: ClassVar[str] = "blur"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Fine frequencies of each block of 8 × 8 pixels are rounded away: edges ring, and faint ghosts stand around the strokes."
    )
    information: ClassVar[Information] = "reduced"

    quality: int | Uniform | Choice

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "quality", lambda v: 1 <= v <= 100, "between 1 and 100")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, c, h, w = images.shape
        qualities = np.rint(draw(self.quality, n, rng)).astype(int)
        bytes_ = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
        if c == 3:
            pictures = bytes_.transpose(0, 2, 3, 1)
            stored = np.stack([_stored(p, int(q)) for p, q in zip(pictures, qualities, strict=True)])
            stored = stored.transpose(0, 3, 1, 2)
        else:
            pictures = bytes_.reshape(n * c, h, w)
            stored = np.stack([_stored(p, int(q)) for p, q in zip(pictures, np.repeat(qualities, c), strict=True)])
        return stored.reshape(images.shape).astype(np.float32) / 255


def _stored(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image  # late: few need it

    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
