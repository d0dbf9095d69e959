"""The trunk with self-attention over the positions of each image after each convolution stage."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import NETWORKS
from shiftassay.networks.trunk import pooled


class PositionAttention(nn.Module):
    """x + MHA(Qx, Kx, Vx) over the positions of one image (Vaswani et al. 2017); 7d² + 4d parameters for d channels."""

    def __init__(self, channels: int, heads: int = 2):
        super().__init__()
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.attention = nn.MultiheadAttention(channels, num_heads=heads, batch_first=True, bias=True)

    def forward(self, x: Float[Tensor, "n d h w"]) -> Float[Tensor, "n d h w"]:
        tokens = x.flatten(2).transpose(1, 2)
        attended, _ = self.attention(self.query(tokens), self.key(tokens), self.value(tokens), need_weights=False)
        return (tokens + attended).transpose(1, 2).reshape(x.shape)


@NETWORKS.register("attention")
class Attention(nn.Module):
    """The trunk with `PositionAttention` after each activated convolution stage; 25,460 parameters by default."""

    def __init__(
        self, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10, dropout: float = 0.5, heads: int = 2
    ):
        super().__init__()
        channels, height, width = input_shape
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.attention1 = PositionAttention(10, heads)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(dropout)
        self.attention2 = PositionAttention(20, heads)
        self.fc1 = nn.Linear(20 * pooled(height) * pooled(width), 50)
        self.fc1_drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        x = self.attention1(F.relu(F.max_pool2d(self.conv1(images), 2)))
        x = self.attention2(F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2)))
        x = self.fc1_drop(F.relu(self.fc1(x.flatten(1))))
        return F.log_softmax(self.fc2(x), dim=1)
