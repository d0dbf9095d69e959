"""Small models that know digits, and images that none of them has seen."""

import numpy as np
import pytest

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.classifier import Classifier
from shiftassay.runs.recipe import Recipe
from shiftassay.training.train import train

RECIPE = Recipe("tests", epochs=4, batch_size=64, optimizer="adamw", learning_rate=1e-3)


def part(images: ImageSet, start: int, end: int) -> ImageSet:
    assert images.labels is not None
    return ImageSet(images.images[start:end], images.labels[start:end], images.name)


@pytest.fixture(scope="session")
def learned(mnist: Dataset) -> Dataset:
    """What the small models were trained on, and 1,000 images of the test set."""
    return Dataset("learned", part(mnist.train, 0, 10_000), part(mnist.test, 0, 1000))


@pytest.fixture(scope="session")
def perceptrons(learned: Dataset) -> list[Classifier]:
    """Two of the same kind, from different seeds."""
    trained = train("mlp", learned, recipe=RECIPE, parameters={"widths": [256, 128]}, seeds=[0, 1])
    return [result.model for result in trained]


@pytest.fixture(scope="session")
def perceptron(perceptrons: list[Classifier]) -> Classifier:
    return perceptrons[0]


@pytest.fixture(scope="session")
def convolutional(learned: Dataset) -> Classifier:
    return train("trunk", learned, recipe=RECIPE, parameters={"dropout": 0.0})[0].model


@pytest.fixture(scope="session")
def few(learned: Dataset) -> ImageSet:
    """300 digits that no model was trained on."""
    return part(learned.test, 0, 300)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(5)
