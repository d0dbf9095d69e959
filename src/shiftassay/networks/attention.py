"""The trunk with self-attention over the positions of each image after each convolution stage."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS, Network
from shiftassay.networks.transformer import Kind, Transformation, localization, regressor, sampled
from shiftassay.networks.trunk import pooled


class PositionAttention(nn.Module):
    """x + MHA(Qx, Kx, Vx) (Vaswani et al. 2017); 7d² + 4d parameters for d channels.

    Tokens are the positions of one image. `across_batch` is PyTorch's default, `batch_first=False`, for which the
    first axis is the sequence: given the same (image, position, channel), it attends from image to image of the
    batch, position by position. `positions`, if any, are learned vectors that are added to the tokens (Dosovitskiy et
    al. 2021).
    """

    def __init__(self, channels: int, heads: int = 2, across_batch: bool = False, positions: int = 0):
        super().__init__()
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.attention = nn.MultiheadAttention(channels, num_heads=heads, batch_first=not across_batch)
        self.positions = nn.Parameter(0.02 * torch.randn(positions, channels)) if positions else None

    def forward(self, x: Float[Tensor, "n d h w"]) -> Float[Tensor, "n d h w"]:
        tokens = x.flatten(2).transpose(1, 2)
        if self.positions is not None:
            tokens = tokens + self.positions
        attended, _ = self.attention(self.query(tokens), self.key(tokens), self.value(tokens), need_weights=False)
        return (tokens + attended).transpose(1, 2).reshape(x.shape)


@NETWORKS.register("attention")
class Attention(Network):
    """The trunk with `PositionAttention` after each convolution; 25,460 parameters by default.

    Optionally with a learned positional encoding, and behind a spatial transformer.
    """

    parameter_count: ClassVar[int] = 25_460

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
        dropout: float = 0.5,
        heads: int = 2,
        positional_encoding: bool = False,
        transformation: Kind | None = None,
        bound: float = 0.0,
    ):
        super().__init__()
        if heads < 1 or 10 % heads:
            raise ValueError(f"expected heads that divide the 10 channels of the first layer, got {heads}")
        if bound and transformation is None:
            raise ValueError("bound is for a transformation; give that too")
        channels, height, width = input_shape
        final = pooled(height) * pooled(width)
        after_first = (height - 4) // 2 * ((width - 4) // 2)
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.attention1 = PositionAttention(10, heads, self.mixes_batch, after_first * positional_encoding)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.attention2 = PositionAttention(20, heads, self.mixes_batch, final * positional_encoding)
        self.fc1 = nn.Linear(20 * final, 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)
        self.transforms = transformation is not None
        if transformation is not None:
            self.localization = localization(channels)
            self.transformation = Transformation(transformation, bound)
            self.fc_loc = regressor(height, width, self.transformation)

    def theta(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2 3"]:
        return self.transformation(self.fc_loc(self.localization(images).flatten(1)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = sampled(images, self.theta(images)) if self.transforms else images
        x = self.attention1(F.relu(F.max_pool2d(self.conv1(x), 2)))
        x = self.attention2(F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2)))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)
