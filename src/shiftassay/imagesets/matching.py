"""Labels of images whose content is known, in any order."""

from collections.abc import Iterator
from functools import cache
from hashlib import blake2b

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.image_set import ImageSet

ROUNDING = 0.1  # of a grey level: what is left of 0–255 after a passage through 0–1 in float16 is off by up to 0.07
CHUNK = 1 << 20  # values that are looked at at a time, so that no second copy of a large set is made


def labels_by_content(images: Float32[np.ndarray, "n c h w"]) -> tuple[Int64[np.ndarray, "n"], str] | None:
    """The labels of images that all occur in the embedded MNIST, and the part they occur in.

    The images may be in any order. None if any image is unknown: a match by chance is impossible, and a partial one
    means another set.
    """
    if images.shape[1:] != (1, 28, 28):
        return None
    for part in ("test", "train"):
        labels: list[int] = []
        for some in _chunks(images):
            if (matched := _labels_in(part, some)) is None:
                break
            labels += matched
        else:
            return np.array(labels, np.int64), f"the MNIST {part} set"
    return None


def labels_by_reference(image_set: ImageSet, reference: ImageSet) -> Int64[np.ndarray, "n"] | None:
    """The labels of images that are all, value for value, among the reference's, in whatever order.

    None if the reference has no labels, an image is not among its images, or one stands there under two labels.
    """
    if reference.labels is None or image_set.shape != reference.shape:
        return None
    label_of: dict[bytes, int] = {}
    for image, label in zip(_digests(reference.images), reference.labels, strict=True):
        if label_of.setdefault(image, int(label)) != label:
            return None
    labels = np.empty(len(image_set), np.int64)
    for index, image in enumerate(_digests(image_set.images)):
        if image not in label_of:
            return None
        labels[index] = label_of[image]
    return labels


def _labels_in(part: str, images: np.ndarray) -> list[int] | None:
    """The labels of images, all of them in a part of MNIST; None if one is not."""
    if images.min() < -0.01 or images.max() > 1.01:
        return None
    gray = images * np.float32(255)
    rounded = np.rint(gray)
    if np.abs(gray - rounded).max() > ROUNDING:
        return None
    label_of = _embedded_labels(part)
    labels = [label_of.get(image.tobytes()) for image in rounded.astype(np.uint8)]
    return None if None in labels else [label for label in labels if label is not None]


def _digests(images: np.ndarray) -> Iterator[bytes]:
    """A hash of each image's values, which no two images share by chance, and -0 like 0."""
    for some in _chunks(images):
        for image in some + np.float32(0):
            yield blake2b(image.tobytes(), digest_size=16).digest()


def _chunks(images: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, CHUNK // max(1, images[0].size)) if len(images) else 1
    return (images[start : start + step] for start in range(0, len(images), step))


@cache
def _embedded_labels(part: str) -> dict[bytes, int]:
    images, labels = embedded_mnist(part)
    return {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
