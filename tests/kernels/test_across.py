"""Attention from image to image of a batch, against PyTorch in float64.

Batches fill their blocks, or do not.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.side_by_side import (
    assert_close,
    assert_same_gradients,
    lowered,
    native_gradient,
    native_logits,
    plain_gradient,
    plain_logits,
)
from torch import nn

from shiftassay.kernels import native
from shiftassay.networks.attention import PositionAttention

BUILDS = native.builds()
# Softmax's gradient subtracts nearly equal numbers where it is nearly flat.
TOLERANCE = 1e-4


def mixing(seed: int, channels: int = 10, heads: int = 2, height: int = 5, width: int = 4) -> nn.Module:
    """Two attentions across the batch, between layers of an image's own."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(2, channels, 1),
        PositionAttention(channels, heads, across_batch=True),
        nn.Conv2d(channels, 6, 1),
        nn.ReLU(),
        nn.Dropout2d(0.3),
        PositionAttention(6, 1, across_batch=True),
        nn.Flatten(),
        nn.Linear(6 * height * width, 4),
    )
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5 / parameter.shape[-1] ** 0.5)
    return network


def images_of(n: int, height: int = 5, width: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(n, 2, height, width), torch.arange(n) % 4


def check(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, build: str) -> None:
    assert_close(native_logits(network, images, build, threads=2), plain_logits(network, images), TOLERANCE)
    ours, gradients = native_gradient(network, images, labels, build, threads=2)
    theirs, expected = plain_gradient(network, images, labels)
    assert ours == pytest.approx(theirs, rel=TOLERANCE)
    assert_same_gradients(gradients, expected, TOLERANCE)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("n", [64, 32, 20, 7, 130])
def test_batches_of_any_size(build, n):
    check(mixing(n), *images_of(n), build)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**31),
    st.sampled_from([11, 17, 48]),
    st.integers(1, 3),
    st.sampled_from([2, 5, 7]),
    st.integers(2, 9),
    st.integers(1, 4),
)
def test_any_shape(build, seed, n, heads, head_width, height, width):
    network = mixing(seed, heads * head_width, heads, height, width)
    check(network, *images_of(n, height, width), build)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("n", [64, 20, 300])
def test_threads_change_no_bit(build, n):
    network = mixing(0)
    images, labels = images_of(n)

    def bits(threads: int) -> bytes:
        _, gradients = native_gradient(network, images, labels, build, threads)
        logits = native_logits(network, images, build, batch=64, threads=threads)
        return b"".join(part.tobytes() for part in gradients.values()) + logits.tobytes()

    assert bits(2) == bits(1)
    assert bits(3) == bits(1)


@pytest.mark.parametrize("build", BUILDS)
def test_images_are_answered_in_batches_of_their_order(build):
    network = mixing(0)
    images, _ = images_of(50)
    expected = np.concatenate([plain_logits(network, part) for part in images.split(20)])
    assert_close(native_logits(network, images, build, batch=20), expected, TOLERANCE)
    assert np.abs(native_logits(network, images, build) - expected).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("build", BUILDS)
def test_what_a_batch_left_behind_does_not_reach_the_next_one(build):
    """Batches of 64, full of NaN, then one of 23, whose last block has nine lanes without an image."""
    network = mixing(0)
    images, labels = images_of(64 + 23)
    images[:64] = np.nan
    expected = plain_logits(network, images[64:])
    assert_close(native_logits(network, images, build, batch=64)[64:], expected, TOLERANCE)
    program = lowered(network, images)
    flat = program.pack(network.state_dict())
    gradient = np.empty_like(flat)
    arrays = (native.Pixels(images.numpy()), labels.numpy(), np.arange(64 + 23), flat, native.Optimizer())
    keys = program.keys(0, 0)
    program.compile(build).train(*arrays, np.zeros(2, np.float32), keys, batch=64, gradient=gradient)
    alone = np.empty_like(flat)
    program.compile(build).train(*arrays, np.zeros(1, np.float32), keys, batch=64, first_step=1, gradient=alone)
    assert np.isfinite(gradient).all()
    assert gradient.tobytes() == alone.tobytes()
