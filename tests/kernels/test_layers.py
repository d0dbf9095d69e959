"""Each lowered layer against PyTorch in float64 over random shapes.

Compared are outputs, and the gradients of what lies before and in it.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.side_by_side import (
    assert_close,
    assert_same_gradients,
    native_gradient,
    native_logits,
    plain_gradient,
    plain_logits,
)
from torch import nn

from shiftassay.kernels import native
from shiftassay.networks.attention import PositionAttention
from shiftassay.networks.coordconv import CoordConv2d

# A sum of n products of float32 is off by about √n · 6e-8 of its largest term; the longest here have some thousands.
TOLERANCE = 2e-5
BUILDS = native.builds()
thorough = settings(max_examples=12, deadline=None, derandomize=True)
sizes = st.integers(1, 5)
seeds = st.integers(0, 2**31)
batches = st.sampled_from([1, 3, 16, 17, 32, 33, 64])


def check(network: nn.Module, images: torch.Tensor, build: str, tolerance: float = TOLERANCE, **options) -> None:
    labels = torch.arange(len(images)) % plain_logits(network, images[:1]).shape[1]
    assert_close(native_logits(network, images, build, threads=2), plain_logits(network, images), tolerance, "logits")
    ours, gradients = native_gradient(network, images, labels, build, **options)
    theirs, expected = plain_gradient(network, images, labels)
    assert ours == pytest.approx(theirs, rel=tolerance)
    assert_same_gradients(gradients, expected, tolerance)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randn(*shape)


@pytest.mark.parametrize("build", BUILDS)
@thorough
@given(
    seeds,
    batches,
    sizes,
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(0, 17),
    st.integers(0, 3),
)
def test_convolution_stage(build, seed, n, channels, kernel, outputs, window, more, padding):
    size = kernel + window - 1 + more
    images = drawn(seed, n, channels, size, size + 3)
    layers = [nn.Conv2d(channels, 3, 1), nn.Conv2d(3, outputs, kernel, padding=min(padding, 1))]
    layers += [nn.Dropout2d(0.3)] if padding > 1 else []
    layers += [nn.MaxPool2d(window)] if window > 1 else []
    layers += [nn.ReLU()] if padding != 3 else []
    with torch.no_grad():
        units = nn.Sequential(*layers)(images[:1]).numel()
    check(nn.Sequential(*layers, nn.Flatten(), nn.Linear(units, 4)), images, build)


@pytest.mark.parametrize("build", BUILDS)
@thorough
@given(seeds, batches, st.lists(st.integers(1, 150), max_size=3), st.sampled_from([0.0, 0.2, 0.5]))
def test_linear_layers_of_a_whole_batch(build, seed, n, widths, dropout):
    images = drawn(seed, n, 1, 5, 7)
    layers, units = [nn.Flatten()], 35
    for width in widths:
        layers += [nn.Linear(units, width), nn.ReLU(), nn.Dropout(dropout)]
        units = width
    check(nn.Sequential(*layers, nn.Linear(units, 5)), images, build)


@pytest.mark.parametrize("build", BUILDS)
@thorough
@given(seeds, batches, st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_linear_layers_after_a_convolution(build, seed, n, middle, classes, bias):
    layers = [
        nn.Conv2d(2, 3, 2, bias=bias),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(24, middle, bias=bias),
        nn.ReLU(),
    ]
    check(nn.Sequential(*layers, nn.Dropout(0.5), nn.Linear(middle, classes)), drawn(seed, n, 2, 5, 3), build)


@pytest.mark.parametrize("build", BUILDS)
@thorough
@given(seeds, batches, st.integers(1, 3))
def test_layers_that_nothing_fuses_with(build, seed, n, window):
    layers = [
        nn.ReLU(),
        nn.MaxPool2d(window),
        nn.Conv2d(2, 3, 3),
        nn.Dropout(0.4),
        nn.ReLU(),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
    ]
    images = drawn(seed, n, 2, 5 * window + 1, 6 * window)
    with torch.no_grad():
        units = nn.Sequential(*layers)(images[:1]).numel()
    check(nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(units, 4)), images, build)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seeds, batches, st.integers(1, 2), st.sampled_from([1, 2, 5, 6, 10, 13]), st.integers(1, 9), st.integers(1, 6))
def test_attention(build, seed, n, heads, head_width, height, width):
    d = heads * head_width
    images = drawn(seed, n, 2, height, width)
    network = nn.Sequential(
        nn.Conv2d(2, d, 1), PositionAttention(d, heads), nn.Flatten(), nn.Linear(d * height * width, 4)
    )
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5 / parameter.shape[-1] ** 0.5)
    # Softmax's gradient subtracts nearly equal numbers where it is nearly flat.
    check(network, images, build, 1e-4)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("n", [7, 48])
def test_positional_encoding(build, across, n):
    torch.manual_seed(0)
    attention = PositionAttention(6, 2, across_batch=across, positions=20)
    network = nn.Sequential(nn.Conv2d(2, 6, 1), attention, nn.Flatten(), nn.Linear(120, 4))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5 / parameter.shape[-1] ** 0.5)
    check(network, torch.randn(n, 2, 5, 4), build, 1e-4)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seeds, batches, st.booleans(), st.integers(3, 7), st.integers(3, 7))
def test_coordinates(build, seed, n, radius, height, width):
    layers = [nn.Conv2d(2, 3, 1), CoordConv2d(3, 4, 3, radius), nn.ReLU(), nn.Flatten()]
    units = 4 * (height - 2) * (width - 2)
    check(nn.Sequential(*layers, nn.Linear(units, 4)), drawn(seed, n, 2, height, width), build)


@pytest.mark.parametrize("build", BUILDS)
def test_first_of_equal_values_wins_the_pooling(build):
    # Small whole numbers: every sum is exact, so that ties in float64 are ties here.
    torch.manual_seed(0)
    images = torch.randint(-1, 2, (64, 1, 9, 9)).float()
    network = nn.Sequential(nn.Conv2d(1, 4, 2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    with torch.no_grad():
        network[0].weight.copy_(torch.randint(-1, 2, network[0].weight.shape))
        network[0].bias.zero_()
    check(network, images, build)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e-41, 3e38])
def test_extreme_values_pass_as_in_pytorch(build, value):
    torch.manual_seed(1)
    images = torch.randn(20, 1, 12, 12)
    images[3, 0, 4, 5] = images[17, 0, 0, 0] = float(value)
    layers = [nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(3, 4, 2), nn.ReLU(), nn.Flatten()]
    network = nn.Sequential(*layers, nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))
    labels = torch.arange(20) % 3
    ours, theirs = native_logits(network, images, build), plain_logits(network, images, torch.float32)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    _, gradients = native_gradient(network, images, labels, build, flush_denormals=False)
    _, expected = plain_gradient(network, images, labels, torch.float32)
    for name in expected:
        scale = np.nan_to_num(np.abs(expected[name]), posinf=0).max()
        np.testing.assert_allclose(gradients[name], expected[name], rtol=1e-3, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("build", BUILDS)
def test_denormal_weights_are_numbers_unless_flushed(build):
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    nn.init.constant_(network[1].weight, 1e-40)
    images = torch.ones(1, 1, 2, 2)
    np.testing.assert_allclose(native_logits(network, images, build, flush_denormals=False), 4e-40, rtol=1e-3)
    assert (native_logits(network, images, build, flush_denormals=True) == 0).all()


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_denormals_are_still_numbers_after_a_call(build, threads):
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    native_gradient(network, torch.ones(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64), build, threads)
    assert np.float32(1e-40) * np.float32(0.5) != 0
