"""Filters on images for which the answer is known."""

import pytest
import torch

from shiftassay.models.filters import LinearFilter, Median, Standardize, fitted_filter


@pytest.fixture
def images():
    return torch.rand(60, 1, 8, 8, generator=torch.manual_seed(0))


def test_a_linear_filter_is_recovered_from_its_results(images):
    true = LinearFilter(((0.0, 0.1, 0.0), (0.2, 0.3, 0.1), (0.0, 0.1, 0.0)), 0.05)
    result = fitted_filter(images, true(images), 3, ridge=1e-9)
    assert torch.allclose(torch.tensor(result.weights), torch.tensor(true.weights), atol=1e-4)
    assert result.constant == pytest.approx(true.constant, abs=1e-4)


def test_a_filter_averages_noise_out(images):
    flat = images.mean((2, 3), keepdim=True).expand_as(images)
    noisy = flat + 0.1 * torch.randn(flat.shape, generator=torch.manual_seed(1))
    cleaned = fitted_filter(noisy, flat, 3)(noisy)
    assert (cleaned - flat).square().mean() < 0.3 * (noisy - flat).square().mean()


def test_filters_keep_shape_and_a_constant_image(images):
    constant = torch.full((2, 3, 8, 8), 0.25)
    assert torch.equal(Median(3)(constant), constant)
    assert Median(5)(images).shape == images.shape
    assert torch.allclose(Standardize(0.4, 0.2)(images).flatten(1).mean(1), torch.tensor(0.4), atol=1e-5)
