"""The id as one more input."""

import math
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.models.designs.design import DESIGNS, Design, with_id
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("id-as-input")
@dataclass(frozen=True)
class IdAsInput(Design):
    """The variant's id as extra inputs beside the pixels.

    To the first layer these are biases of its own for each variant.
    """

    def network(self) -> nn.Module:
        return Mlp((1, 1, math.prod(self.input_shape) + len(self.shifts)), self.classes, self.widths)

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        return with_id(images, ids, len(self.shifts))
