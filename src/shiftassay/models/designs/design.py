"""Designs of one model for several variants: the encoding of images, and the network behind."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from shiftassay.registry import Registry
from shiftassay.shifts.family import Shift

DESIGNS: Registry[type["Design"]] = Registry("design", "shiftassay.models.designs")


@dataclass(frozen=True)
class Design(ABC):
    """A way to serve the variants whose shifts are given; a variant's id is its place among them.

    All that is learned is in `network()`, so that any path that trains a network trains a design: it sees what `encode`
    made of the images, as if that were the images.
    """

    learns_all: ClassVar[bool] = True
    """Whether it is trained on every variant, or on the first alone."""

    shifts: tuple[Shift, ...]
    input_shape: tuple[int, int, int]
    classes: int
    widths: tuple[int, ...]

    @abstractmethod
    def network(self) -> nn.Module:
        """The untrained network, from encoded images to logits."""

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        """The network's input for images of known variants.

        `straight` passes gradients as the identity does.
        """
        return images


def with_id(
    images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], variants: int
) -> Float[Tensor, "n 1 1 pixels+variants"]:
    """Pixels and a one for the variant, in a row."""
    return torch.cat([images.flatten(1), F.one_hot(ids, variants).to(images.dtype)], dim=1)[:, None, None]


def told_apart(row: Float[Tensor, "n 1 1 units"], variants: int) -> tuple[Tensor, Tensor]:
    """Pixels, and the one for the variant, which stays a one whatever normalisation did to it."""
    flat = row.flatten(1)
    return flat[:, :-variants], (flat[:, -variants:] > 0).to(flat.dtype)
