"""The plain network, which never saw a variant."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from shiftassay.models.designs.design import DESIGNS, Design
from shiftassay.networks.mlp import Mlp


@DESIGNS.register("clean-only")
@dataclass(frozen=True)
class CleanOnly(Design):
    """The plain network trained on the first variant alone: what there is to gain."""

    learns_all: ClassVar[bool] = False

    def network(self) -> nn.Module:
        return Mlp(self.input_shape, self.classes, self.widths)
