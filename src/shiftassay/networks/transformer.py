"""The spatial transformer (Jaderberg et al. 2015).

A small network computes where to sample each image.
"""

from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Kind = Literal["affine", "similarity", "translation"]
IDENTITY: dict[Kind, tuple[float, ...]] = {
    "affine": (1, 0, 0, 0, 1, 0),
    "similarity": (1, 0, 0, 0),
    "translation": (0, 0),
}


class Transformation(nn.Module):
    """From a localisation network's output to θ.

    θ is the map from output to input coordinates, both in [−1, 1]. `affine`: θ itself, row by row. `similarity`: (a, b,
    x, y) for [[a, −b, x], [b, a, y]]. `translation`: (x, y). With a `bound` above 0 no number strays further than that
    from the identity: it is squashed with bound · tanh(· / bound).
    """

    def __init__(self, kind: Kind = "affine", bound: float = 0.0):
        super().__init__()
        if kind not in get_args(Kind) or bound < 0:
            raise ValueError(f"expected {', '.join(get_args(Kind))} and a bound of at least 0, got {kind} and {bound}")
        self.kind: Kind = kind
        self.bound = bound

    @property
    def identity(self) -> tuple[float, ...]:
        """The numbers that leave an image as it is."""
        return IDENTITY[self.kind]

    def forward(self, numbers: Float[Tensor, "n k"]) -> Float[Tensor, "n 2 3"]:
        if self.bound:
            identity = numbers.new_tensor(self.identity)
            numbers = identity + self.bound * torch.tanh((numbers - identity) / self.bound)
        if self.kind == "affine":
            return numbers.view(-1, 2, 3)
        if self.kind == "similarity":
            a, b, x, y = numbers.unbind(1)
            return torch.stack([a, -b, x, b, a, y], dim=1).view(-1, 2, 3)
        x, y = numbers.unbind(1)
        one, none = torch.ones_like(x), torch.zeros_like(x)
        return torch.stack([one, none, x, none, one, y], dim=1).view(-1, 2, 3)


def localization(channels: int, convolution: type[nn.Module] = nn.Conv2d, **options: bool) -> nn.Sequential:
    """The convolutions of the localisation network."""
    return nn.Sequential(
        convolution(channels, 8, 7, **options),
        nn.MaxPool2d(2, 2),
        nn.ReLU(),
        convolution(8, 10, 5, **options),
        nn.MaxPool2d(2, 2),
        nn.ReLU(),
    )


def regressor(height: int, width: int, transformation: Transformation) -> nn.Sequential:
    """From the localisation's features to the numbers of a transformation.

    It starts at the identity.
    """
    last = nn.Linear(32, len(transformation.identity))
    regressor = nn.Sequential(nn.Linear(10 * localized(height) * localized(width), 32), nn.ReLU(), last)
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor(transformation.identity))
    return regressor


def sampled(images: Float[Tensor, "n c h w"], theta: Float[Tensor, "n 2 3"]) -> Float[Tensor, "n c h w"]:
    """Each image sampled at its θ: bilinear, black outside."""
    size: Any = images.size()  # torch.fx traces it
    grid = F.affine_grid(theta, size, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def localized(size: int) -> int:
    """The size of the localisation's output for images of `size` pixels.

    Raises `ValueError` if that is 0.
    """
    pooled_size = ((size - 6) // 2 - 4) // 2
    if pooled_size < 1:
        raise ValueError(f"images of {size} pixels are too small for a transformer's localisation; 18 are enough")
    return pooled_size
