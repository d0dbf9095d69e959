"""The shift is undone first, by its id; the network behind is the plain one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.models.designs.design import DESIGNS, Design
from shiftassay.models.fronts import Front, front_of, straight_through
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("undo")
@dataclass(frozen=True)
class UndoById(Design):
    """Each image goes through its variant's front, then through the plain network.

    Fronts have no parameters.
    """

    def network(self) -> nn.Module:
        return Mlp(self.input_shape, self.classes, self.widths)

    @cached_property
    def fronts(self) -> tuple[Front, ...]:
        """What is done to the images of each variant."""
        return tuple(front_of(shift, self.input_shape) for shift in self.shifts)

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        return through(self.fronts, images, ids, straight)


def through(
    fronts: Sequence[Front], images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool
) -> Float[Tensor, "n c h w"]:
    """Each image behind its own variant's front."""
    shown = torch.empty_like(images)
    for number in ids.unique().tolist():
        front = straight_through(fronts[number]) if straight else fronts[number]
        shown[ids == number] = front(images[ids == number])
    return shown
