"""The eight-layer perceptron of the shifted test sets."""

import math
from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS, Network


@NETWORKS.register("mlp")
class Mlp(Network):
    """Linear layers with ReLU (and dropout) between them; 1,059,560 parameters by default."""

    parameter_count: ClassVar[int] = 1_059_560
    recipe: ClassVar[str] = "mlp"

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
        widths: Sequence[int] = (500, 500, 500, 200, 200, 100, 50),
        dropout: float = 0.0,
    ):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        units = math.prod(input_shape)
        for width in widths:
            layers += [nn.Linear(units, width), nn.ReLU()]
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
            units = width
        self.layers = nn.Sequential(*layers, nn.Linear(units, classes))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        return self.layers(images)
