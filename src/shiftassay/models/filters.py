"""Fronts that need to know only the kind of a shift: filters, and standardisation of each image."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Median:
    """The median of the `size` × `size` pixels around each; border pixels are repeated."""

    size: int

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        around = F.pad(images, (self.size // 2,) * 4, mode="replicate")
        return around.unfold(2, self.size, 1).unfold(3, self.size, 1).flatten(4).median(4).values

    def __str__(self) -> str:
        return f"median of {self.size} × {self.size} pixels"


@dataclass(frozen=True)
class LinearFilter:
    """A weighted sum of the pixels around each, plus a constant, clipped to [0, 1].

    Border pixels are repeated.
    """

    weights: tuple[tuple[float, ...], ...]
    constant: float

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        kernel = images.new_tensor(self.weights)
        around = F.pad(images, (len(kernel) // 2,) * 4, mode="replicate")
        summed = F.conv2d(around.flatten(0, 1)[:, None], kernel[None, None])
        return (summed + self.constant).clamp(0, 1).view(images.shape)

    def __str__(self) -> str:
        return f"a linear filter of {len(self.weights)} × {len(self.weights)} pixels, fitted to shifted training images"


@dataclass(frozen=True)
class Standardize:
    """Each image scaled to one mean and sd.

    This removes any gain and offset, and the image's own contrast.
    """

    mean: float
    sd: float

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        own = images.flatten(1)
        mean, sd = own.mean(1)[:, None, None, None], own.std(1).clamp_min(1e-6)[:, None, None, None]
        return (images - mean) / sd * self.sd + self.mean

    def __str__(self) -> str:
        return "each image brought to the mean and sd of a training image"


def fitted_filter(
    shifted: Float[Tensor, "n c h w"], clean: Float[Tensor, "n c h w"], size: int, ridge: float = 1e-4
) -> LinearFilter:
    """The least-squares filter from `shifted` to `clean`: a learned Wiener filter.

    It has `size` × `size` pixels. `ridge` is added to the diagonal of the Gram matrix, as a share of its mean, so that
    no blur is inverted at frequencies that it removed.

    >>> shifted = torch.rand(50, 1, 6, 6, generator=torch.manual_seed(0))
    >>> bool((fitted_filter(shifted, 0.5 * shifted, 3)(shifted) - 0.5 * shifted).abs().max() < 1e-3)
    True
    """
    around = F.pad(shifted, (size // 2,) * 4, mode="replicate")
    n, c, h, w = shifted.shape
    patches = around.unfold(2, size, 1).unfold(3, size, 1).reshape(n * c * h * w, size * size).double()
    inputs = torch.cat([patches, torch.ones(len(patches), 1, dtype=torch.float64)], 1)
    gram = inputs.T @ inputs
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    solved = torch.linalg.solve(gram, inputs.T @ clean.reshape(-1).double())
    rows = solved[:-1].view(size, size).tolist()
    return LinearFilter(tuple(map(tuple, rows)), float(solved[-1]))
