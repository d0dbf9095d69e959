"""Convolutions with coordinates as inputs (Liu et al. 2018).

"An intriguing failing of convolutional neural networks and the CoordConv solution".
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS, Network
from shiftassay.networks.transformer import Kind, Transformation, localization, regressor, sampled
from shiftassay.networks.trunk import pooled


class CoordConv2d(nn.Module):
    """A convolution over its input and the coordinates x and y from -1 to 1.

    The radius is optional.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, radius: bool = False):
        super().__init__()
        self.coordinates = Coordinates(radius)
        self.conv = nn.Conv2d(in_channels + 2 + radius, out_channels, kernel_size)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d oh ow"]:
        return self.conv(self.coordinates(x))


class Coordinates(nn.Module):
    """Append the pixel's coordinates as channels.

    x (column), y (row) and, optionally, the radius √(x² + y²).
    """

    def __init__(self, radius: bool = False):
        super().__init__()
        self.radius = radius

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        n, _, height, width = x.shape
        across = torch.linspace(-1, 1, width, device=x.device, dtype=x.dtype).expand(height, width)
        down = torch.linspace(-1, 1, height, device=x.device, dtype=x.dtype)[:, None].expand(height, width)
        channels = [across, down]
        if self.radius:
            channels.append((across**2 + down**2).sqrt())
        return torch.cat([x, torch.stack(channels).expand(n, -1, -1, -1)], dim=1)


@NETWORKS.register("coordconv")
class CoordConv(Network):
    """The trunk with CoordConv in place of both convolutions."""

    parameter_count: ClassVar[int] = 23_340

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
        dropout: float = 0.5,
        radius: bool = False,
    ):
        super().__init__()
        channels, height, width = input_shape
        self.conv1 = CoordConv2d(channels, 10, 5, radius)
        self.conv2 = CoordConv2d(10, 20, 5, radius)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(20 * pooled(height) * pooled(width), 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = F.relu(F.max_pool2d(self.conv1(images), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)


@NETWORKS.register("coordconv-stn")
class CoordConvStn(CoordConv):
    """The spatial transformer with CoordConv throughout; 30,144 parameters by default."""

    parameter_count: ClassVar[int] = 30_144

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
        dropout: float = 0.5,
        radius: bool = False,
        transformation: Kind = "affine",
        bound: float = 0.0,
    ):
        super().__init__(input_shape, classes, dropout, radius)
        channels, height, width = input_shape
        self.localization = localization(channels, CoordConv2d, radius=radius)
        self.transformation = Transformation(transformation, bound)
        self.fc_loc = regressor(height, width, self.transformation)

    def theta(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2 3"]:
        return self.transformation(self.fc_loc(self.localization(images).flatten(1)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        return super().forward(sampled(images, self.theta(images)))
