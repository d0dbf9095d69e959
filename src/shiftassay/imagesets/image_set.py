"""An image set: images, labels or none, and how they came to be."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int64

from shiftassay.errors import BadInput

Images = Float32[np.ndarray, "n c h w"]


def class_name(label: int, classes: Sequence[str] | None) -> str:
    """What a class is called: its name, or its number where it has none."""
    return classes[label] if classes is not None and label < len(classes) else str(label)


@dataclass(frozen=True)
class ImageSet:
    """Images `(n, c, h, w)`, black 0, white 1; values outside that range are kept.

    `unit` is what the values were divided by when they were read, `integer` whether their type was an integer: both are
    needed to read another file in the same unit. `notes` are sentences on what was found and assumed. `names` are the
    file names of pictures, relative to their folder; `classes` the names of the classes, in the order of their labels.
    `left_out` are the pixels that do not count (see `left_out.leaving_out`): all images have one grey value there.
    """

    images: Float32[np.ndarray, "n c h w"]
    labels: Int64[np.ndarray, "n"] | None = None
    name: str = "images"
    unit: float = 1.0
    integer: bool = False
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    left_out: Bool[np.ndarray, "h w"] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.float32:
            raise BadInput(
                f"{self.name}: images are float32 (n, c, h, w) from black 0 to white 1, found {self.images.dtype} "
                f"{self.images.shape}. Convert them, or read them from a file with read_image_set, which does."
            )
        if self.labels is not None and self.labels.shape != (len(self.images),):
            raise BadInput(f"{self.name}: {len(self.images)} images need as many labels, found {self.labels.shape}.")
        if self.labels is not None and self.labels.dtype.kind not in "iu":
            raise BadInput(f"{self.name}: labels are whole numbers from 0, found {self.labels.dtype}. Convert them.")
        if self.labels is not None and len(self.labels) and self.labels.min() < 0:
            at = int(self.labels.argmin())
            raise BadInput(
                f"{self.name}: label {self.labels[at]} at place {at}. Labels are whole numbers from 0: "
                "number the classes."
            )
        if self.names is not None and len(self.names) != len(self.images):
            raise BadInput(f"{self.name}: {len(self.images)} images need as many names, found {len(self.names)}.")
        if self.classes is not None and self.labels is not None and len(self.labels):
            largest = int(self.labels.max())
            if largest >= len(self.classes):
                raise BadInput(
                    f"{self.name}: label {largest}, but there are names for {len(self.classes)} classes. "
                    "Give a name for each class, in the order of the labels."
                )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def required_labels(self) -> Int64[np.ndarray, "n"]:
        """The labels. Raises `BadInput` if there are none."""
        if self.labels is None:
            raise BadInput(f"{self.name}: no labels. Give one for each image.")
        return self.labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        _, c, h, w = self.images.shape
        return c, h, w

    def first(self, n: int | None) -> "ImageSet":
        """The first n images with their labels; all of them for None."""
        if n is None or n >= len(self):
            return self
        return self.subset(slice(n))

    def subset(self, places: Int64[np.ndarray, "k"] | slice) -> "ImageSet":
        """The images at these places, in their order, with their labels and names.

        >>> two = ImageSet(np.zeros((2, 1, 4, 4), np.float32), np.array([3, 5]), names=("a.png", "b.png"))
        >>> two.subset(np.array([1])).labels.tolist(), two.subset(np.array([1])).names
        ([5], ('b.png',))
        """
        names = self.names
        if names is not None:
            names = names[places] if isinstance(places, slice) else tuple(names[place] for place in places)
        labels = None if self.labels is None else self.labels[places]
        return replace(self, images=self.images[places], labels=labels, names=names)

    @property
    def digest(self) -> str:
        """The content hash of images and labels: what a trial means by "this data"."""
        return digest_of(self.images, self.labels)


def digest_of(*arrays: np.ndarray | None) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the arrays' shapes, types and values.

    >>> digest_of(np.zeros(2)) == digest_of(np.zeros(2)) != digest_of(np.zeros((2, 1)))
    True
    """
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{None if array is None else (array.shape, array.dtype.str)}".encode())
        if array is not None:
            sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:16]
