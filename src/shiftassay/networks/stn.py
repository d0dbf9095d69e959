"""A spatial transformer in front of the trunk (Jaderberg et al. 2015)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS
from shiftassay.networks.trunk import pooled


@NETWORKS.register("stn")
class Stn(nn.Module):
    """The trunk preceded by a spatial transformer that starts at the identity; 27,360 parameters by default.

    Layers are named as in PyTorch's spatial-transformer tutorial, so that its users' state dicts load.
    """

    def __init__(self, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10, dropout: float = 0.5):
        super().__init__()
        channels, height, width = input_shape
        self.localization = nn.Sequential(
            nn.Conv2d(channels, 8, 7), nn.MaxPool2d(2, 2), nn.ReLU(), nn.Conv2d(8, 10, 5), nn.MaxPool2d(2, 2), nn.ReLU()
        )
        self.fc_loc = nn.Sequential(
            nn.Linear(10 * localized(height) * localized(width), 32), nn.ReLU(), starting_at_identity(nn.Linear(32, 6))
        )
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(20 * pooled(height) * pooled(width), 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)

    def transform(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        theta = self.fc_loc(self.localization(images).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, images.size(), align_corners=False)  # pyright: ignore[reportArgumentType]
        return F.grid_sample(images, grid, align_corners=False)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = self.transform(images)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)


def localized(size: int) -> int:
    """What is left of `size` pixels after the localisation network's convolutions and poolings."""
    return ((size - 6) // 2 - 4) // 2


def starting_at_identity(layer: nn.Linear) -> nn.Linear:
    """Make the layer that predicts an affine transform predict the identity, whatever it is given."""
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
    return layer
