import pytest

from shiftassay.training.train import train


@pytest.fixture(scope="session")
def model_of(small, tmp_path_factory):
    """The folder of a small trained model."""
    folder = tmp_path_factory.mktemp("models")
    return train("mlp", small, recipe="seed-003", epochs=1, parameters={"widths": [32]}, store=folder)[0].folder
