"""Fewer images of a set, where all would take too long."""

from dataclasses import replace

import numpy as np

from shiftassay.imagesets.image_set import ImageSet


def evenly_spaced(images: ImageSet, most: int | None) -> ImageSet:
    """Up to `most` images (None: all) at equal distances.

    MNIST's first thousands are not like its last.
    """
    every = 1 if most is None else -(-len(images) // most)
    some = images.subset(slice(None, None, every))
    return replace(some, images=np.ascontiguousarray(some.images), notes=())
