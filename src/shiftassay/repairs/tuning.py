"""Training a model further from its weights, on images that are made afresh for every epoch."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.predict import as_bad_input, copied
from shiftassay.networks.registry import build
from shiftassay.random_stream import seed_for
from shiftassay.repairs.strategy import Task
from shiftassay.runs.recipe import Recipe
from shiftassay.training.engine import whole_epoch
from shiftassay.training.group import TrainingData
from shiftassay.training.history import Diverged
from shiftassay.training.path import Alone, make_groups
from shiftassay.training.plain import PlainMember

BATCH = 128
RATE = 1e-3

Epoch = Callable[[int], ImageSet]


def tuned(task: Task, model: nn.Module, epoch_of: Epoch, *, rate: float = RATE, same: bool = False) -> nn.Module:
    """A copy of a model after the task's epochs; the model itself stays as it was.

    The epochs are `epoch_of(0)`, `epoch_of(1)`, … `same` says that those are all the same images. Parameters that need
    no gradient stay as they are.
    """
    repaired = copied(model)
    network, mean, sd = _network_and_normalization(repaired)
    recipe = Recipe(
        "repair", task.epochs, BATCH, "adamw", rate, weight_decay=0.01, schedule="one_cycle", mean=mean, sd=sd
    )
    seed = seed_for(task.seed, "repair")
    frozen = any(not weights.requires_grad for weights in network.parameters())
    group, state = None, None
    for epoch in range(task.epochs):
        if group is None or not same:
            images = epoch_of(epoch)
            data = TrainingData(images.images, images.required_labels, None, task.classes)
            with as_bad_input("the model can't be trained on"):
                if frozen:  # the faster paths train every parameter there is
                    group = Alone(PlainMember(network, recipe, data, seed, task.device))
                else:
                    [group] = make_groups([network], recipe, data, [seed], task.device)
            if state is not None:
                group.members[0].restore(state)
        with as_bad_input("the model can't be trained on"):
            losses, _ = whole_epoch(group, epoch)[0]
        if not np.isfinite(losses).all():
            raise Diverged(f"its training diverged in epoch {epoch + 1}, where the loss was not finite")
        state = group.members[0].state()
    assert group is not None
    weights = group.members[0].weights()
    network.to("cpu").load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return repaired.eval().requires_grad_(True)


def untrained(task: Task, network: str) -> Classifier:
    """Another architecture for the task's images, untrained.

    Its input is normalized by the mean and sd of the training images.
    """
    train = task.required_train
    values = train.images
    card = ModelCard(
        network=network,
        parameters={},
        input_shape=task.shape,
        classes=task.classes,
        mean=float(values.mean()),
        sd=max(float(values.std()), 1e-6),
        seed=task.seed,
        data=train.name,
        trial="repair",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(task.seed, "repair", "initialisation"))
        return Classifier(build(network, task.shape, task.classes, {}), card)


def _network_and_normalization(model: nn.Module) -> tuple[nn.Module, float, float]:
    """The network to train and the normalization before it."""
    if isinstance(model, Classifier):
        return model.network, model.card.mean, model.card.sd
    return model, 0.0, 1.0
