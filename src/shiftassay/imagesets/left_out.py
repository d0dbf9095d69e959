"""Pixels that are left out of every picture: a time stamp, a border, a logo."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.picture import Unreadable, read_picture
from shiftassay.words.numbers import percent
from shiftassay.words.text import short

Pixels = Bool[np.ndarray, "h w"]
Region = tuple[int, ...] | str | Path | Bool[np.ndarray, "h w"]
"""Left, top, right and bottom in pixels, as numbers or as text, right and bottom the first column and row outside;
or a mask of the pictures' size, true or white where pixels are left out, as an array or a picture's file."""
LEVELS = 255  # the grey that stands there is one of a byte's values


def leaving_out(images: ImageSet, regions: Sequence[Region], like: ImageSet | None = None) -> ImageSet:
    """The images with one grey value in the regions: the mean of `like`, or of their own rest.

    A model is shown that grey; a diagnosis compares the other pixels. Raises `BadInput` for a region that is none, that
    reaches beyond the pictures, or that leaves nothing.

    >>> two = ImageSet(np.full((2, 1, 4, 4), 1, np.float32))
    >>> [int(leaving_out(two, regions).left_out.sum()) for regions in (["0,0,4,1"], [(0, 0, 4, 1), (0, 0, 1, 4)])]
    [4, 7]
    """
    if not len(regions):
        return images
    where = pixels_of(regions, images.shape[1:], images.name)
    gray = mean_gray(images if like is None else like, where)
    share = percent(float(where.mean()), 1)
    note = f"{images.name}: {share} of each picture left out; a model is shown the mean grey there, {gray:.3g}."
    return filled(replace(images, notes=(*images.notes, note)), where, gray)


def left_out_of_both(reference: ImageSet, shifted: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Two sets of one size, the reference's mean grey in both where either leaves pixels out."""
    marked = [images.left_out for images in (reference, shifted) if images.left_out is not None]
    if not marked or reference.shape[1:] != shifted.shape[1:]:
        return reference, shifted
    where = np.logical_or.reduce(marked)
    gray = mean_gray(reference, where)
    return filled(reference, where, gray), filled(shifted, where, gray)


def filled(images: ImageSet, where: Pixels, gray: float) -> ImageSet:
    """The images with a grey value at these pixels, and at those that were left out before."""
    where = where if images.left_out is None else where | images.left_out
    return replace(images, images=np.where(where, np.float32(gray), images.images), left_out=where)


def mean_gray(images: ImageSet, where: Pixels) -> float:
    """The images' mean without these pixels if they have their size, rounded to a byte's value."""
    kept = images.images[:, :, ~where] if images.shape[1:] == where.shape else images.images
    return round(float(kept.mean(dtype=np.float64)) * LEVELS) / LEVELS


def pixels_of(regions: Sequence[Region], size: tuple[int, int], of: str) -> Pixels:
    """Which pixels of this height and width lie in one of the regions. Raises `BadInput`."""
    where = np.zeros(size, bool)
    for region in regions:
        box = _box(region)
        if box is not None:
            left, top, right, bottom = box
            where[top:bottom, left:right] = True
            wrong = not (0 <= left < right <= size[1] and 0 <= top < bottom <= size[0])
        else:
            mask = region if isinstance(region, np.ndarray) else _mask(Path(str(region)))
            wrong = mask.shape != size or mask.dtype != bool
            where |= False if wrong else mask
        if wrong:
            what = f"the box {list(box)}" if box is not None else _named(region)
            raise BadInput(
                f"{what}: no region of {of}, whose pictures are {size[0]} × {size[1]}. Give left, top, right and "
                "bottom in pixels, within the picture, or a mask of its size that is white where it is left out."
            )
    if where.all():
        raise BadInput(f"{of}: all pixels are left out. Leave out what does not belong to the picture.")
    return where


def _box(region: Region) -> tuple[int, int, int, int] | None:
    """The region as a box; None if it is a mask."""
    if isinstance(region, np.ndarray | Path):
        return None
    try:
        left, top, right, bottom = map(int, region.split(",") if isinstance(region, str) else region)
    except (ValueError, TypeError):
        if isinstance(region, str):
            return None
        raise BadInput(
            f"{short(region)}: no region. Give a list of boxes, each (left, top, right, bottom) in pixels, or of masks."
        ) from None
    return left, top, right, bottom


def _mask(path: Path) -> Pixels:
    """A picture's pixels that are white: brighter than the middle grey."""
    try:
        with path.open("rb") as file:
            pixels = read_picture(file).pixels
    except (OSError, ValueError, Unreadable) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"{short(path)}: neither a box (left,top,right,bottom) nor a mask picture that can be read ({reason})."
        ) from None
    gray = pixels if pixels.ndim == 2 else pixels.mean(2)
    return gray > np.iinfo(pixels.dtype).max / 2


def _named(region: Region) -> str:
    return f"a mask of shape {region.shape}" if isinstance(region, np.ndarray) else short(region)
