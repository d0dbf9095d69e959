"""A stored member trained once more, to observe it between its first and last epoch."""

from collections.abc import Callable
from threading import Event

import numpy as np

from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.classifier import Classifier
from shiftassay.training.engine import split, whole_epoch
from shiftassay.training.group import Group, Member
from shiftassay.training.path import make_groups, run_groups
from shiftassay.training.train import Trained, initial_network, model_of


def replay(trained: Trained, dataset: Dataset, watch: Callable[[int, Classifier], None]) -> bool:
    """Train a member again from its trial, calling `watch` with every epoch and the model after it.

    Returns whether it ended with the very weights that are stored: on the machine and path that they were made on it
    does.
    """
    trial = trained.trial
    recipe = trial.recipe
    data = split(dataset.train, recipe.held_out, dataset.classes)
    network = initial_network(trial, dataset.train.shape, dataset.classes)
    groups = make_groups([network], recipe, data, [trial.seed], trial.device)

    def work(group: Group, stop: Event) -> Member:
        [member] = group.members
        for epoch in range(recipe.epochs):
            whole_epoch(group, epoch, stop)
            watch(epoch + 1, model_of(trained.model.card, member.weights()))
        return member

    [member] = run_groups(groups, work)
    stored = trained.model.network.state_dict()
    return all(np.array_equal(array, stored[name].numpy()) for name, array in member.weights().items())
