"""Shifts that put pixels elsewhere and change none of their values."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift


@FAMILIES.register("pixel_permutation")
@dataclass(frozen=True)
class PixelPermutation(Shift):
    """out[i] = in[permutation[i]] over the h · w places of an image, all channels alike.

    `shared`: one permutation, drawn if none is given. `per_image`: a fresh one for each image, which leaves nothing but
    the multiset of its pixel values.
    """

    family: ClassVar[str] = "pixel_permutation"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel meets a weight that was trained for another one: to the first layer the image is noise with MNIST's histogram."
    )

    permutation: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.permutation is not None and (
            self.scope == "per_image" or sorted(self.permutation) != list(range(len(self.permutation)))
        ):
            raise BadInput(
                "pixel_permutation: give each place from 0 once, and none for scope per_image, which draws its own."
            )

    @property
    def information(self) -> Information:
        return "preserved" if self.scope == "shared" else "destroyed"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PixelPermutation":
        if self.scope == "per_image" or self.permutation is not None:
            return self
        return type(self)(tuple(rng.permutation(shape[1] * shape[2]).tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _take(images, self._places(images, rng))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _take(images, np.argsort(self._places(images, rng), axis=1))

    def _places(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        n, _, h, w = images.shape
        if self.scope == "per_image":
            return rng.permuted(np.tile(np.arange(h * w), (n, 1)), axis=1)
        fixed = self.drawn(images.shape[1:], rng).permutation
        assert fixed is not None
        if len(fixed) != h * w:
            raise BadInput(f"pixel_permutation: it has {len(fixed)} places, the images have {h} × {w}.")
        return np.array([fixed])


def _take(images: Images, places: np.ndarray) -> Images:
    n, c, h, w = images.shape
    return np.take_along_axis(images.reshape(n, c, h * w), places[:, None], axis=2).reshape(images.shape)
