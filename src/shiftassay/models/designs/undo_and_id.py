"""The shift is undone first, and the network is told what was undone."""

import math
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.models.designs.design import DESIGNS, Design, with_id
from shiftassay.models.designs.undo import through
from shiftassay.models.fronts import Front, front_of
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("undo-and-id")
@dataclass(frozen=True)
class UndoAndId(Design):
    """Each image goes through its variant's front; the variant's id stands beside its pixels."""

    def network(self) -> nn.Module:
        return Mlp((1, 1, math.prod(self.input_shape) + len(self.shifts)), self.classes, self.widths)

    @cached_property
    def fronts(self) -> tuple[Front, ...]:
        """What is done to the images of each variant."""
        return tuple(front_of(shift, self.input_shape) for shift in self.shifts)

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        return with_id(through(self.fronts, images, ids, straight), ids, len(self.shifts))
