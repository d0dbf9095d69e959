"""A spatial transformer in front of the trunk (Jaderberg et al. 2015)."""

from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS, Network
from shiftassay.networks.transformer import Kind, Transformation, localization, regressor, sampled
from shiftassay.networks.trunk import pooled


@NETWORKS.register("stn")
class Stn(Network):
    """The trunk behind a spatial transformer; 27,360 parameters by default.

    The transformer starts at the identity. Layers are named as in PyTorch's spatial-transformer tutorial, so that its
    users' state dicts load.
    """

    parameter_count: ClassVar[int] = 27_360

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
        dropout: float = 0.5,
        transformation: Kind = "affine",
        bound: float = 0.0,
    ):
        super().__init__()
        channels, height, width = input_shape
        self.localization = localization(channels)
        self.transformation = Transformation(transformation, bound)
        self.fc_loc = regressor(height, width, self.transformation)
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(20 * pooled(height) * pooled(width), 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)

    def theta(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2 3"]:
        return self.transformation(self.fc_loc(self.localization(images).flatten(1)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = sampled(images, self.theta(images))
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)
