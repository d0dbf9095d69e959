"""Shifts that store the picture in fewer pixels or fewer bytes."""

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int64, UInt8

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Choice, Parameters, PerImage, Uniform, draw, extremes

FEW, MANY = 8, 32  # images: to rank the qualities, and to choose among the best
COARSE = 5  # steps of quality that are tried first
TRIED = np.r_[3:85:COARSE, 85:101]  # every high quality: the best one's neighbours are not nearly as good
NEAR = 1.02  # an error this near to the least is as good: many qualities store a small picture alike


@FAMILIES.register("pixelate")
@dataclass(frozen=True)
class Pixelate(Shift):
    """Replace square blocks of pixels by their mean, as a picture of lower resolution has.

    Blocks are counted from the upper left; the last ones may be smaller.

    Parameters:
        factor: side of a block in pixels, 1 or more; 1 changes nothing.
    """

    family: ClassVar[str] = "pixelate"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "factor=4"
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"factor": v} for v in (2, 3, 4, 5, 6, 7, 8, 14))
    refined: ClassVar[tuple[str, ...] | None] = ()
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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The factor of least squared error, of all up to half the picture's longer side."""
        few = pairs.first(64)
        candidates = [cls(factor) for factor in range(2, max(max(few.reference.shape[2:]) // 2, 2) + 1)]
        rng = np.random.default_rng(0)
        errors = [few.errors(shift.apply(few.reference, rng)).mean() for shift in candidates]
        return [candidates[int(np.argmin(errors))]]


@FAMILIES.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Shift):
    """Store the picture as a JPEG file and read it again, in 8 bits.

    Three channels are stored as one colour picture, any other number of channels as grey pictures.

    Parameters:
        quality: whole number from 1 (smallest file) to 100, on Pillow's scale.
    """

    family: ClassVar[str] = "jpeg"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "quality=20"
    tier: ClassVar[int] = 1
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"quality": v} for v in (*range(4, 40, 4), *range(40, 96, 8)))
    refined: ClassVar[tuple[str, ...] | None] = ("quality",)
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Fine frequencies of each block of 8 × 8 pixels are rounded away: edges ring, and faint ghosts stand around "
        "the strokes."
    )
    information: ClassVar[Information] = "reduced"

    quality: int | Uniform | Choice | PerImage

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

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The quality of least squared error, of all 100; and the qualities image by image.

        Several qualities can store a small picture in the same way: of those within 2% of the least error the middle
        one is taken. Nothing is returned if no quality explains a fifth of the change of half of the images.
        """
        if not 0 < pairs.change < np.inf:
            return []
        first, few = pairs.first(FEW), pairs.first(MANY)
        errors = _errors(first, TRIED)
        if np.median(errors.min(0) / np.maximum(first.errors(first.reference), 1e-9)) > 0.8:
            return []
        best = np.argsort(errors.mean(1))[:3]
        near = np.unique(np.clip(TRIED[best] + np.arange(1 - COARSE, COARSE)[:, None], 1, 100))
        near = near[np.argsort(_errors(first, near).mean(1))[:4]]
        errors = _errors(few, near).mean(1)
        shared, least = cls(int(near[errors.argmin()])), errors.min()
        if least < 0.05 * few.errors(few.reference).mean():
            return [shared]
        values = _qualities(few, 1, 100, COARSE)
        errors = few.errors(cls(PerImage(values), scope="per_image").apply(few.reference, np.random.default_rng(0)))
        if least <= 1.1 * errors.mean() + 1e-7:
            return [shared]
        values = values[errors <= 4 * np.median(errors) + 1e-6].astype(float)
        quality = distribution(values, 2.0)
        if isinstance(quality, float):  # nearly all the same: what another part spoils counts less
            return list(dict.fromkeys([shared, cls(round(quality))]))
        if isinstance(quality, Uniform):
            quality = Uniform(float(values.min()), float(values.max()))
        return [shared, cls(quality, scope="per_image")]

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own quality: the one of least squared error that can be drawn."""
        if self.scope == "shared":
            return self
        low, high = (int(np.clip(round(f(extremes(self.quality))), 1, 100)) for f in (min, max))
        if isinstance(self.quality, Choice):
            values = np.clip(np.rint(self.quality.values), 1, 100).astype(int)
            return Jpeg(PerImage(values[_errors(pairs, values).argmin(0)]), scope="per_image")
        return Jpeg(PerImage(_qualities(pairs, max(low - 5, 1), min(high + 5, 100), 1)), scope="per_image")


def _errors(pairs: Pairs, qualities: Int64[np.ndarray, "q"]) -> Float[np.ndarray, "q n"]:
    """The squared error of each quality on each image."""
    rng = np.random.default_rng(0)
    return np.stack([pairs.errors(Jpeg(int(q)).apply(pairs.reference, rng)) for q in qualities])


def _qualities(pairs: Pairs, low: int, high: int, step: int) -> Int64[np.ndarray, "n"]:
    """Each image's quality, between two limits.

    The best of the qualities that are a step apart, then of those around it.
    """
    rng = np.random.default_rng(0)
    coarse = np.arange(low, high + 1, step)
    errors = _errors(pairs, coarse)
    around = np.broadcast_to(coarse[:, None], errors.shape)
    if step > 1:
        around = np.clip(coarse[errors.argmin(0)] + np.arange(1 - step, step)[:, None], low, high)
        stored = [Jpeg(PerImage(q), scope="per_image").apply(pairs.reference, rng) for q in around]
        errors = np.stack([pairs.errors(images) for images in stored])
    as_good = [np.unique(q[e <= NEAR * e.min() + 1e-9]) for q, e in zip(around.T, errors.T, strict=True)]
    return np.array([q[len(q) // 2] for q in as_good])


def _stored(picture: UInt8[np.ndarray, "h w *rgb"], quality: int) -> UInt8[np.ndarray, "h w *rgb"]:
    """A picture in bytes as it is read from a JPEG file."""
    from PIL import Image  # late: few need it

    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
