"""The shift is undone first, and the network is told what was undone."""

import math
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.networks.designs.design import DESIGNS, with_id
from shiftassay.networks.designs.undo import UndoById
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("undo-and-id")
@dataclass(frozen=True)
class UndoAndId(UndoById):
    """Each image goes through its variant's front, and a one for the variant stands beside its pixels."""

    def network(self) -> nn.Module:
        return Mlp((1, 1, math.prod(self.input_shape) + len(self.shifts)), self.classes, self.widths)

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        return with_id(super().encode(images, ids, straight), ids, len(self.shifts))
