"""What many tests need: a few real digits, a data set small enough to train on in a second, an empty home."""

import numpy as np
import pytest
import torch
from hypothesis import settings
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from shiftassay.imagesets.dataset import Dataset, load_dataset
from shiftassay.imagesets.image_set import ImageSet

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
torch.set_num_threads(1)  # pytest-xdist runs one test on each core
threadpool_limits(1, "blas")
tqdm.monitor_interval = 0  # its thread would outlive what others show with it, and where one runs, nothing is forked


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def digits(mnist: Dataset) -> ImageSet:
    """The first 200 digits of the MNIST test set."""
    assert mnist.test.labels is not None
    return ImageSet(mnist.test.images[:200], mnist.test.labels[:200], "digits", unit=255.0, integer=True)


@pytest.fixture(scope="session")
def small(mnist: Dataset) -> Dataset:
    """Real digits, few enough to train on in a second: 2,000 for training, 500 for testing."""

    def first(images: ImageSet, n: int) -> ImageSet:
        assert images.labels is not None
        return ImageSet(images.images[:n], images.labels[:n], images.name)

    return Dataset("small", first(mnist.train, 2000), first(mnist.test, 500))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)
