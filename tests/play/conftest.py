"""A playground of real digits and untrained networks, and a server of it on the loopback interface."""

from collections.abc import Iterator

import pytest
import torch
from benchmarks.playground import served

from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.play.playground import Playground


def untrained(network: str, **parameters) -> Classifier:
    torch.manual_seed(1)
    card = ModelCard(network, parameters, (1, 28, 28), 10, 0.13, 0.31, 0, "", "")
    return Classifier.from_card(card).eval()


@pytest.fixture(scope="session")
def playground(mnist: Dataset) -> Playground:
    models = {"mlp": untrained("mlp", widths=[20]), "stn": untrained("stn"), "attention": untrained("attention")}
    return Playground(mnist.test.first(400), models)


@pytest.fixture(scope="session")
def address(playground: Playground) -> Iterator[str]:
    """The address of a page that is served."""
    with served(playground) as url:
        yield url
