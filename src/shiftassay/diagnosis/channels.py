"""Sets of different numbers of channels brought to one: grey beside colour, transparency."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.estimation.pairs import LEVEL, in_bytes

BT601 = (0.299, 0.587, 0.114)
WITH_ALPHA = (2, 4)


class SameChannels(NamedTuple):
    """Both sets, with one number of channels where that is possible, and what was done."""

    reference: ImageSet
    shifted: ImageSet
    notes: tuple[str, ...]


def with_same_channels(reference: ImageSet, shifted: ImageSet) -> SameChannels:
    """Grey and colour brought together; sets of the same number of channels as they are.

    Transparency is laid on white, as in pictures that are read from files. Of a shifted set whose three channels are
    equal one is taken; else a grey reference is repeated. A colour reference becomes grey beside a grey shifted set.
    """
    if reference.shape[0] == shifted.shape[0]:
        return SameChannels(reference, shifted, ())
    (before, first), (after, second) = (_opaque(images) for images in (reference, shifted))
    notes = [note for note in (first, second) if note]
    match before.shape[0], after.shape[0]:
        case 1, 3 if _is_gray(after):
            after = replace(after, images=np.ascontiguousarray(after.images[:, :1]))
            notes.append(f"{after.name}: its three channels are equal, so one is compared with the grey {before.name}.")
        case 1, 3:
            before = replace(before, images=np.repeat(before.images, 3, 1))
            notes.append(
                f"{before.name}: grey beside the colour of {after.name}; its channel was repeated three times."
            )
        case 3, 1:
            before = replace(before, images=_luma(before.images))
            notes.append(f"{before.name}: colour beside the grey of {after.name}; its luma (BT.601) is compared.")
    return SameChannels(before, after, tuple(notes))


def _opaque(images: ImageSet) -> tuple[ImageSet, str | None]:
    """The images without their last channel, if it is alpha."""
    if images.shape[0] not in WITH_ALPHA:
        return images, None
    color, alpha = images.images[:, :-1], images.images[:, -1:]
    if alpha.min() >= 1:
        opaque, note = color, f"{images.name}: its last channel, alpha, is opaque everywhere and was left out."
    else:
        opaque, note = color * alpha + (1 - alpha), f"{images.name}: transparent, laid on white."
        if in_bytes(images.images):
            opaque = np.rint(opaque * 255) / 255
    return replace(images, images=np.ascontiguousarray(opaque, np.float32)), note


def _is_gray(images: ImageSet) -> bool:
    red = images.images[:, :1]
    return all(np.abs(other - red).max() < LEVEL / 2 for other in _planes(images.images[:, 1:]))


def _planes(images: np.ndarray) -> Sequence[np.ndarray]:
    return [images[:, place : place + 1] for place in range(images.shape[1])]


def _luma(images: Float32[np.ndarray, "n 3 h w"]) -> Float32[np.ndarray, "n 1 h w"]:
    gray = np.tensordot(images, np.array(BT601, np.float32), (1, 0))[:, None]
    return (np.rint(gray * 255) / 255 if in_bytes(images) else gray).astype(np.float32)
