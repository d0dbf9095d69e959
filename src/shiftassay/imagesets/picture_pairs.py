"""Two sets of pictures for a diagnosis: pairs by name, or two samples."""

from dataclasses import replace

import numpy as np

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.layout import size_of
from shiftassay.imagesets.picture_rows import FOR_DIAGNOSIS, FindRule, Limits, ReadPictures, read_rows
from shiftassay.imagesets.picture_sets import to_image_set, unshared
from shiftassay.imagesets.picture_source import PictureSource
from shiftassay.imagesets.shared_names import Places, shared_names
from shiftassay.progress import Watch
from shiftassay.words.text import printable


def read_picture_pair(
    reference: PictureSource,
    shifted: PictureSource,
    *,
    limits: Limits = FOR_DIAGNOSIS,
    seed: int = 0,
    watch: Watch | None = None,
    find_rule: FindRule | None = None,
) -> tuple[ImageSet, ImageSet]:
    """The pictures that share a name, in one order; two samples where none do.

    Pictures of several sizes are brought to one: cropped about their centre, the same in both sets. Where all pictures
    of a set have one size, both keep theirs. Where only the shifted ones have, the reference is brought to it by the
    rule that `find_rule` finds. Raises `BadInput`.
    """
    of_reference, of_shifted = _paired(reference, shifted)
    if len(of_reference):
        places = [of_reference, of_shifted]
        (first, second), rows = read_rows(
            [reference, shifted], places, limits=limits, seed=seed, watch=watch, to_one_size=True, find_rule=find_rule
        )
        names = unshared(len(reference), len(shifted), len(of_reference), printable(reference.path.name))
        return to_image_set(first, of_reference[rows]), to_image_set(second, of_shifted[rows], names)
    # Of as many pictures the same places are drawn: their order may be the same, which the diagnosis finds out.
    (first, rows), (second, others) = (_sample(source, limits, seed, watch) for source in (reference, shifted))
    before, after = to_image_set(first, rows), to_image_set(second, others)
    if first.cropped and second.cropped:
        before, after = _cropped_alike(before, after)
    if reference.named and shifted.named:
        note = f"{after.name}: no file names in common with {before.name}: unpaired, unless their content tells"
        after = replace(after, notes=(*after.notes, note))
    return before, after


def read_sample(
    source: PictureSource, *, limits: Limits = FOR_DIAGNOSIS, seed: int = 0, watch: Watch | None = None
) -> tuple[ImageSet, Places]:
    """The pictures of a source, of one size, and which they are. Raises `BadInput`."""
    pictures, rows = _sample(source, limits, seed, watch)
    return to_image_set(pictures, rows), rows


def _sample(source: PictureSource, limits: Limits, seed: int, watch: Watch | None) -> tuple[ReadPictures, Places]:
    everything = np.arange(len(source))
    [pictures], rows = read_rows([source], [everything], limits=limits, seed=seed, watch=watch, to_one_size=True)
    return pictures, rows


def _paired(reference: PictureSource, shifted: PictureSource) -> tuple[Places, Places]:
    if not (reference.named and shifted.named):
        return np.array([], np.int64), np.array([], np.int64)
    return shared_names(reference.titles, shifted.titles)


def _cropped_alike(before: ImageSet, after: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Both sets cropped about their centre to the smaller height and width of the two."""
    height, width = (min(before.shape[axis], after.shape[axis]) for axis in (1, 2))

    def crop(images: ImageSet) -> ImageSet:
        _, h, w = images.shape
        if (h, w) == (height, width):
            return images
        top, left = (h - height) // 2, (w - width) // 2
        cropped = np.ascontiguousarray(images.images[:, :, top : top + height, left : left + width])
        note = f"{images.name}: cropped to {size_of((1, height, width))}, as the other set"
        return replace(images, images=cropped, notes=(*images.notes, note))

    return crop(before), crop(after)
