"""Storing the picture as a JPEG file."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.parameters import Choice, Parameters, PerImage, Uniform, draw, extremes

FEW, MANY = 8, 32  # images: to rank the qualities, and to choose among the best
COARSE = 5  # steps of quality that are tried first
TRIED = np.r_[3:85:COARSE, 85:101]  # every high quality: the best one's neighbours are not nearly as good
BT601 = np.array([0.299, 0.587, 0.114], np.float32)
NEAR = 1.02  # an error this near to the least is as good: many qualities store a small picture alike


Subsampling = Literal["4:2:0", "4:2:2", "4:4:4"]
SUBSAMPLINGS: tuple[Subsampling, ...] = get_args(Subsampling)


@FAMILIES.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Shift):
    """Store the picture as a JPEG file and read it again, in 8 bits.

    Three channels are stored as one colour picture, any other number of channels as grey pictures.

    Parameters:
        quality: whole number from 1 (smallest file) to 100, on Pillow's scale.
        subsampling: of the colours: 4:4:4 at full resolution, 4:2:2 at half of it across, 4:2:0 at half of it across
            and down, as if it is not said. Grey pictures have none.
    """

    family: ClassVar[str] = "jpeg"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "quality=20"
    also_called: ClassVar[tuple[str, ...]] = ("jpg",)
    tier: ClassVar[int] = 1
    completes: ClassVar[tuple[str, ...]] = ("resolution",)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"quality": v} for v in (*range(4, 40, 4), *range(40, 96, 8)))
    refined: ClassVar[tuple[str, ...] | None] = ("quality",)
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Fine frequencies of each block of 8 × 8 pixels are rounded away: edges ring, and faint ghosts stand around "
        "the strokes."
    )
    information: ClassVar[Information] = "reduced"

    quality: int | Uniform | Choice | PerImage
    subsampling: Subsampling | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "quality", lambda v: 1 <= v <= 100, "between 1 and 100")
        if self.subsampling not in (None, *SUBSAMPLINGS):
            raise BadInput(f"jpeg: subsampling must be {', '.join(SUBSAMPLINGS)}, not {self.subsampling}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, c, h, w = images.shape
        qualities = np.rint(draw(self.quality, n, rng)).astype(int)
        bytes_ = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
        if c == 3:
            pictures = bytes_.transpose(0, 2, 3, 1)
            stored = np.stack([_stored(p, int(q), self.subsampling) for p, q in zip(pictures, qualities, strict=True)])
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
        colored = pairs.reference.shape[1] == 3
        first, few = pairs.first(FEW), pairs.first(MANY)
        view = _luma(first) if colored else first  # which colours at lower resolution leave alone
        errors = _errors(first, TRIED, luma=colored)
        if np.median(errors.min(0) / np.maximum(view.errors(view.reference), 1e-9)) > 0.8:
            return []
        best = np.argsort(errors.mean(1))[:3]
        colors = _subsampling(first, int(TRIED[best[0]])) if colored else None
        near = np.unique(np.clip(TRIED[best] + np.arange(1 - COARSE, COARSE)[:, None], 1, 100))
        near = near[np.argsort(_errors(first, near, colors).mean(1))[:4]]
        errors = _errors(few, near, colors).mean(1)
        shared, least = cls(int(near[errors.argmin()]), colors), errors.min()
        if least < 0.05 * few.errors(few.reference).mean():
            return [shared]
        values = _qualities(few, 1, 100, COARSE, colors)
        each = cls(PerImage(values), colors, scope="per_image")
        errors = few.errors(each.apply(few.reference, np.random.default_rng(0)))
        if least <= 1.1 * errors.mean() + 1e-7:
            return [shared]
        values = values[errors <= 4 * np.median(errors) + 1e-6].astype(float)
        quality = distribution(values, 2.0)
        if isinstance(quality, float):  # nearly all the same: what another part spoils counts less
            return list(dict.fromkeys([shared, cls(round(quality), colors)]))
        if isinstance(quality, Uniform):
            quality = Uniform(float(values.min()), float(values.max()))
        return [shared, cls(quality, colors, scope="per_image")]

    def infer_draws(self, pairs: Pairs) -> Shift | None:
        """With each image's own quality: the one of least squared error that can be drawn."""
        if self.scope == "shared":
            return self
        low, high = (int(np.clip(round(f(extremes(self.quality))), 1, 100)) for f in (min, max))
        if isinstance(self.quality, Choice):
            values = np.clip(np.rint(self.quality.values), 1, 100).astype(int)
            qualities = values[_errors(pairs, values, self.subsampling).argmin(0)]
        else:
            qualities = _qualities(pairs, max(low - 5, 1), min(high + 5, 100), 1, self.subsampling)
        return replace(self, quality=PerImage(qualities))


def _errors(
    pairs: Pairs, qualities: Int64[np.ndarray, "q"], subsampling: Subsampling | None = None, luma: bool = False
) -> Float[np.ndarray, "q n"]:
    """The squared error of each quality on each image; `luma`: of its grey values."""
    rng, view = np.random.default_rng(0), _luma(pairs) if luma else pairs
    stored = (Jpeg(int(q), subsampling).apply(pairs.reference, rng) for q in qualities)
    return np.stack([view.errors(_gray(images) if luma else images) for images in stored])


def _subsampling(pairs: Pairs, quality: int) -> Subsampling:
    """The subsampling of least squared error at about this quality."""
    errors = {one: float(_errors(pairs, np.array([quality]), one).mean()) for one in SUBSAMPLINGS}
    return min(SUBSAMPLINGS, key=lambda one: errors[one])


def _luma(pairs: Pairs) -> Pairs:
    return replace(pairs, reference=_gray(pairs.reference), shifted=_gray(pairs.shifted))


def _gray(images: Float32[np.ndarray, "n 3 h w"]) -> Float32[np.ndarray, "n 1 h w"]:
    """By the weights of BT.601, as JPEG's luma."""
    return np.tensordot(images, BT601, (1, 0))[:, None]


def _qualities(pairs: Pairs, low: int, high: int, step: int, subsampling: Subsampling | None) -> Int64[np.ndarray, "n"]:
    """Each image's quality, between two limits.

    The best of the qualities that are a step apart, then of those around it.
    """
    rng = np.random.default_rng(0)
    coarse = np.arange(low, high + 1, step)
    errors = _errors(pairs, coarse, subsampling)
    around = np.broadcast_to(coarse[:, None], errors.shape)
    if step > 1:
        around = np.clip(coarse[errors.argmin(0)] + np.arange(1 - step, step)[:, None], low, high)
        tried = (Jpeg(PerImage(q), subsampling, scope="per_image") for q in around)
        errors = np.stack([pairs.errors(shift.apply(pairs.reference, rng)) for shift in tried])
    as_good = [np.unique(q[e <= NEAR * e.min() + 1e-9]) for q, e in zip(around.T, errors.T, strict=True)]
    return np.array([q[len(q) // 2] for q in as_good])


def _stored(
    picture: UInt8[np.ndarray, "h w *rgb"], quality: int, subsampling: str | None = None
) -> UInt8[np.ndarray, "h w *rgb"]:
    """A picture in bytes as it is read from a JPEG file."""
    from PIL import Image  # late: few need it

    file = BytesIO()
    options = {} if subsampling is None else {"subsampling": subsampling}
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=quality, **options)
    return np.asarray(Image.open(file))
