"""Maps of images as modules of tensor operations, which exported files can hold."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from shiftassay.models.fronts import Front


class FrontModule(nn.Module):
    """A front that is made of tensor operations already."""

    def __init__(self, front: Front):
        super().__init__()
        self.front = front

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return self.front(images)


class ChannelMap(nn.Module):
    """At each pixel, `matrix` @ channels + `offset`: (c, c) and (c,)."""

    matrix: Tensor
    offset: Tensor

    def __init__(self, matrix: np.ndarray, offset: np.ndarray):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix.astype(np.float32)))
        self.register_buffer("offset", torch.from_numpy(offset.astype(np.float32)).view(-1, 1, 1))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        n, c, h, w = images.shape
        return (self.matrix @ images.reshape(n, c, h * w)).reshape(n, c, h, w) + self.offset


class PlaceMap(nn.Module):
    """Each value from a place of the image, its channels included; a constant where that is −1."""

    places: Tensor
    kept: Tensor
    constant: Tensor

    def __init__(self, places: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("places", torch.from_numpy(np.maximum(places, 0)))
        self.register_buffer("kept", torch.from_numpy((places >= 0).astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        moved = images.flatten(1)[:, self.places] * self.kept + self.constant
        return moved.reshape(images.shape)


class NeighbourMap(nn.Module):
    """In each channel, each pixel a weighted sum of a few, plus a constant.

    `places` and `weights` are (p, k), `constant` is (p,), of p pixels.
    """

    places: Tensor
    weights: Tensor
    constant: Tensor

    def __init__(self, places: np.ndarray, weights: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("places", torch.from_numpy(places))
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        sums = (images.flatten(2)[:, :, self.places] * self.weights).sum(-1)
        return (sums + self.constant).reshape(images.shape)


class MatrixMap(nn.Module):
    """In each channel, pixels @ `matrix` + `constant`: (p, p) and (p,)."""

    matrix: Tensor
    constant: Tensor

    def __init__(self, matrix: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix.astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return (images.flatten(2) @ self.matrix + self.constant).reshape(images.shape)


class CurveMap(nn.Module):
    """Each value through a curve of its channel, linear between `knots` (k,) with `values` (c, k).

    Knots are evenly spaced; beyond the first and the last, the curve stays at its ends.
    """

    values: Tensor

    def __init__(self, knots: np.ndarray, values: np.ndarray):
        super().__init__()
        self.first, self.step = float(knots[0]), float(knots[1] - knots[0])
        self.last = len(knots) - 1
        self.register_buffer("values", torch.from_numpy(values.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        n, c, h, w = images.shape
        at = ((images - self.first) / self.step).clamp(0, self.last).permute(1, 0, 2, 3).reshape(c, n * h * w)
        below = at.floor().clamp(0, self.last - 1).long()
        share = at - below
        curve = self.values.gather(1, below) * (1 - share) + self.values.gather(1, below + 1) * share
        return curve.reshape(c, n, h, w).permute(1, 0, 2, 3)


class AffineMap(nn.Module):
    """Each pixel from its place under an affine map, bilinear.

    `fill` (c,) is what lies around the image. `matrix` (2, 3) leads from (x, y, 1) of a pixel to the (x, y) that it is
    taken from.
    """

    grid: Tensor
    fill: Tensor

    def __init__(self, matrix: np.ndarray, fill: np.ndarray, height: int, width: int):
        super().__init__()
        rows, columns = np.mgrid[:height, :width].astype(np.float64)
        x, y = np.tensordot(matrix, np.stack([columns, rows, np.ones_like(rows)]), 1)
        ends = np.array([max(width - 1, 1), max(height - 1, 1)])
        grid = 2 * np.stack([x, y], -1) / ends - 1
        self.register_buffer("grid", torch.from_numpy(grid.astype(np.float32))[None])
        self.register_buffer("fill", torch.from_numpy(fill.astype(np.float32)).view(-1, 1, 1))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        grid = self.grid.expand(len(images), -1, -1, -1)
        around = functional.grid_sample(images - self.fill, grid, mode="bilinear", align_corners=True)
        return around + self.fill
