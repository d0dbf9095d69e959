"""The ways of training that `speed.py` compares.

Each makes a function that trains so many steps and returns the seconds taken. All train the same network on the same
images: batch 64, SGD with learning rate 0.01, nothing else.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.networks.registry import build
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import recipe_named
from shiftassay.training.group import TrainingData
from shiftassay.training.path import make_groups, run_groups

RECIPE = recipe_named("seed-003")
BATCH = RECIPE.batch_size
Run = Callable[[int], float]


class TutorialDigits(Dataset):
    """What torchvision's MNIST and the tutorial's transforms do for each image.

    To PIL, to a tensor in [0, 1], normalised.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images = torch.from_numpy((255 * images[:, 0]).round().astype(np.uint8))
        self.labels = torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        tensor = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(28, 28, 1).permute(2, 0, 1).contiguous()
        tensor = tensor.to(torch.float32).div(255)
        mean, sd = torch.as_tensor([RECIPE.mean]), torch.as_tensor([RECIPE.sd])
        return tensor.clone().sub_(mean[:, None, None]).div_(sd[:, None, None]), int(self.labels[index])


def network_and_data(name: str) -> tuple[nn.Module, TrainingData]:
    train = load_dataset("mnist").train
    assert train.labels is not None
    torch.manual_seed(0)
    return build(name, train.shape, 10, {}), TrainingData(train.images, train.labels, None, 10)


def tutorial(name: str) -> Run:
    """The loop of PyTorch's spatial transformer tutorial.

    A DataLoader with 4 workers, an optimizer step for each batch.
    """
    network, data = network_and_data(name)
    optimizer = torch.optim.SGD(network.parameters(), RECIPE.learning_rate)
    loader = DataLoader(TutorialDigits(data.images, data.labels), BATCH, shuffle=True, num_workers=4)

    def run(steps: int) -> float:
        network.train()
        batches = iter(loader)
        next(batches)  # the clock starts when the workers run
        began = perf_counter()
        for _, (images, labels) in zip(range(steps), batches, strict=False):
            optimizer.zero_grad()
            F.nll_loss(F.log_softmax(network(images), 1), labels).backward()
            optimizer.step()
        return perf_counter() - began

    return run


def eager(name: str, compiled: bool = False) -> Run:
    """Arrays in memory, PyTorch step by step; with `compiled`, the network through torch.compile."""
    network, data = network_and_data(name)
    optimizer = torch.optim.SGD(network.parameters(), RECIPE.learning_rate)
    forward = torch.compile(network) if compiled else network
    images = (torch.from_numpy(data.images) - RECIPE.mean) / RECIPE.sd
    labels = torch.from_numpy(data.labels)
    order = torch.from_numpy(epoch_order(seed_for(0, 0, "order"), len(labels)))

    def run(steps: int) -> float:
        network.train()
        began = perf_counter()
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            F.cross_entropy(forward(images[batch]), labels[batch]).backward()
            optimizer.step()
        return perf_counter() - began

    return run


def ours(name: str, members: int = 1) -> Run:
    """The engine of the lab, as `shiftassay train` drives it, on so many members; OMP_NUM_THREADS limits its cores."""
    data = network_and_data(name)[1]
    networks = [network_and_data(name)[0] for _ in range(members)]

    def run(steps: int) -> float:
        part = TrainingData(data.images[: steps * BATCH], data.labels[: steps * BATCH], None, data.classes)
        groups = make_groups(networks, RECIPE, part, list(range(members)))
        began = perf_counter()
        run_groups(groups, lambda group, _: group.train_steps(0, 0, group.steps))
        return perf_counter() - began

    return run


CONTENDERS: dict[str, tuple[int, Callable[[str], Run]]] = {
    "tutorial loop": (2, tutorial),
    "eager, 1 thread": (1, eager),
    "eager, 2 threads": (2, eager),
    "torch.compile, 1 thread": (1, lambda name: eager(name, compiled=True)),
    "ours, 1 thread": (1, ours),
    "ours, 2 threads": (2, ours),
}
"""For each contender the number of PyTorch's threads in its process, and what makes it."""
