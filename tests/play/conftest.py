"""A playground of real digits and untrained networks, and a server of it on the loopback interface."""

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import torch

from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.play.playground import Playground
from shiftassay.play.serve import HOST, server_on


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
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        server, url = server_on(listening, playground)
        listening.listen()
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(timeout=20)
        assert not thread.is_alive(), urlsplit(url).port
