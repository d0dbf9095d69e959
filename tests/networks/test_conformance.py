"""The contract of every registered network."""

import numpy as np
import pytest
import torch

from shiftassay.errors import BadInput
from shiftassay.models.predict import predict
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.runs.recipe import RECIPES
from shiftassay.training.train import resolve_recipe

SHAPES = [(1, 28, 28), (1, 42, 42), (3, 32, 32)]


@pytest.fixture(params=list(NETWORKS))
def name(request):
    return request.param


def test_its_size_is_the_one_that_is_claimed(name):
    assert (
        sum(weights.numel() for weights in build(name, (1, 28, 28), 10, {}).parameters())
        == NETWORKS[name].parameter_count
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_it_takes_its_layers_sizes_from_the_images_and_classes(name, shape, rng):
    images = rng.random((3, *shape)).astype(np.float32)
    logits = predict(images, model=build(name, shape, 7, {}))
    assert logits.shape == (3, 7)
    assert np.isfinite(logits).all()


def test_an_image_is_answered_alike_alone_and_in_a_batch_unless_the_network_is_known_to_mix_batches(name, digits):
    torch.manual_seed(0)
    network = build(name, (1, 28, 28), 10, {})
    together = predict(digits.images[:20], model=network)
    difference = np.abs(together - predict(digits.images[:20], model=network, batch=1)).max()
    assert difference > 1e-3 if NETWORKS[name].mixes_batch else difference < 1e-4


def test_every_weight_gets_a_gradient(name, digits):
    network = build(name, (1, 28, 28), 10, {})
    # A transformer that starts at the identity passes nothing back until its last layer has moved.
    with torch.no_grad():
        for weights in network.parameters():
            weights += 0.01 * torch.randn_like(weights)
    torch.nn.functional.cross_entropy(
        network(torch.from_numpy(digits.images)), torch.from_numpy(digits.labels)
    ).backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in network.parameters())


def test_its_recipe_is_one_that_there_is(name):
    assert resolve_recipe(name, None) == RECIPES[NETWORKS[name].recipe]


def test_it_is_documented(name):
    assert NETWORKS.about()[name].endswith(".") or ";" in NETWORKS.about()[name]


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'mlp'"):
        build("mpl", (1, 28, 28), 10, {})


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'widths'"):
        build("mlp", (1, 28, 28), 10, {"width": [3]})
