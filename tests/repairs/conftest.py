"""A model that knows the small digits, for repairs to start from."""

import pytest

from shiftassay.runs.recipe import Recipe
from shiftassay.training.train import train


@pytest.fixture(scope="session")
def model(small):
    recipe = Recipe("test", epochs=12, batch_size=50, optimizer="adamw", learning_rate=2e-3, schedule="one_cycle")
    return train("mlp", small, recipe=recipe, parameters={"widths": [64, 32]})[0].model
