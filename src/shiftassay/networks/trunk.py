"""The convolutional network that the spatial studies build on, without any spatial module."""

from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS, Network


@NETWORKS.register("trunk")
class Trunk(Network):
    """Two 5 × 5 convolutions and two linear layers; 21,840 parameters by default.

    As in PyTorch's MNIST example.
    """

    parameter_count: ClassVar[int] = 21_840

    def __init__(self, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10, dropout: float = 0.5):
        super().__init__()
        channels, height, width = input_shape
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(20 * pooled(height) * pooled(width), 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = F.relu(F.max_pool2d(self.conv1(images), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)


def pooled(size: int) -> int:
    """The size after the trunk's convolutions and poolings of `size` pixels.

    Raises `ValueError` if that is 0.
    """
    pooled_size = ((size - 4) // 2 - 4) // 2
    if pooled_size < 1:
        raise ValueError(f"images of {size} pixels are too small for two convolutions and poolings; 16 are enough")
    return pooled_size
