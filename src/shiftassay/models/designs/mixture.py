"""The plain network on all variants, not told which is which."""

from dataclasses import dataclass

from torch import nn

from shiftassay.models.designs.design import DESIGNS, Design
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("mixture")
@dataclass(frozen=True)
class Mixture(Design):
    """The plain network trained on all variants, which must tell them apart by itself."""

    def network(self) -> nn.Module:
        return Mlp(self.input_shape, self.classes, self.widths)
