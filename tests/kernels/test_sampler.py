"""Sampling on an affine grid.

The float32 coordinates and floors are PyTorch's, and the rest is exact up to rounding.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.side_by_side import assert_close, assert_same_gradients, native_gradient, native_logits, plain_gradient
from torch import nn

from shiftassay.kernels import native

# The portable build has no fused multiply-add on x86, and neither has PyTorch's own, but the PyTorch under test does.
BUILDS = [build for build in native.builds() if build != "portable"]


class Sampling(nn.Module):
    """Each image is sampled with a transform that depends on its first pixel only, by products that are exact."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__()
        self.shape = (channels, height, width)
        self.theta = nn.Linear(channels * height * width, 6)
        self.out = nn.Linear(channels * height * width, 4)
        nn.init.zeros_(self.theta.weight)

    def forward(self, images):
        theta = self.theta(images.flatten(1)).view(-1, 2, 3)
        sampled = F.grid_sample(images, F.affine_grid(theta, images.size(), align_corners=False), align_corners=False)
        return self.out(sampled.flatten(1))


class Float32Places(torch.autograd.Function):
    """Places in pixels as float32 arithmetic gives them, with the derivative of the exact expression."""

    @staticmethod
    def forward(ctx, theta, shape):
        height, width = shape[2:]
        grid = F.affine_grid(theta.float(), shape, align_corners=False)
        ctx.shape = shape
        x, y = ((grid[..., i] + 1).double() * (size / 2) - 0.5 for i, size in ((0, width), (1, height)))
        return torch.stack([x.float().double(), y.float().double()], -1)

    @staticmethod
    def backward(ctx, slope):
        height, width = ctx.shape[2:]
        base = F.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)[0].double()
        base = torch.cat([base, torch.ones_like(base[..., :1])], -1)
        return torch.einsum("nhwk,hwj->nkj", slope * torch.tensor([width / 2, height / 2]).double(), base), None


class Reference(Sampling):
    """`Sampling` in float64 but for the places."""

    def forward(self, images):
        n, _, height, width = images.shape
        places = Float32Places.apply(self.theta(images.flatten(1)).view(-1, 2, 3), images.shape)
        floors = places.detach().floor()
        share = (places - floors)[:, None]
        x, y = floors[..., 0].clamp(-2, width).long() + 2, floors[..., 1].clamp(-2, height).long() + 2
        framed, image = F.pad(images, (2, 2, 2, 2)), torch.arange(n)[:, None, None]
        pixel = [framed[image, :, y + i, x + j].permute(0, 3, 1, 2) for i in (0, 1) for j in (0, 1)]
        right, low = share[..., 0], share[..., 1]
        upper, lower = pixel[0] * (1 - right) + pixel[1] * right, pixel[2] * (1 - right) + pixel[3] * right
        return self.out((upper * (1 - low) + lower * low).flatten(1))


def compare(network: Sampling, images: torch.Tensor, build: str) -> None:
    reference = Reference(*network.shape)
    reference.load_state_dict(network.state_dict())
    labels = torch.arange(len(images)) % 4
    with torch.no_grad():
        theirs = reference.double()(images.double()).numpy()
    reference.float()
    assert_close(native_logits(network, images, build), theirs, 1e-5)
    # A floor on the wrong side moves a pixel's slope by the image's contrast: some 1e-3 of the whole, not 1e-5.
    ours, expected = native_gradient(network, images, labels, build)[1], plain_gradient(reference, images, labels)[1]
    assert_same_gradients(ours, expected, 3e-5)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("size", [28, 13, 42, 60])
def test_at_the_identity_every_floor_is_pytorchs(build, size):
    torch.manual_seed(0)
    network = Sampling(1, size, size)
    with torch.no_grad():
        network.theta.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
    compare(network, torch.randn(17, 1, size, size), build)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**31),
    st.integers(1, 3),
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from([1e-7, 1e-3, 0.3, 3.0]),
)
def test_transforms_that_differ_between_images(build, seed, channels, height, width, spread):
    torch.manual_seed(seed)
    network = Sampling(channels, height, width)
    images = torch.randn(19, channels, height, width)
    with torch.no_grad():
        network.theta.weight[:, 0] = 0.125 * spread * torch.randint(-1, 2, (6,))
        network.theta.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]) + spread * torch.randn(6))
    images[:, 0, 0, 0] = torch.randint(-8, 9, (19,)) / 8.0
    compare(network, images, build)
