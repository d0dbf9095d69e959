"""Classifiers trained on a shifted distribution: a lower bound on reachable accuracy."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch
from jaxtyping import Bool

from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.dataset import Dataset
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.training.train import train

NEIGHBORS = 5
AT_ONCE = 500


@dataclass(frozen=True)
class Oracle(Record):
    """A classifier trained on shifted images, or on what survives of them, and its accuracy.

    It is judged on shifted test images.
    """

    name: str
    accuracy: Interval
    images: int
    judged_on: int


def oracles(data: Dataset, shift: Shift, seed: int, quick: bool, level: float) -> list[Oracle]:
    """Classifiers trained on shifted images, and on what survives of them.

    A perceptron, a convolutional network and nearest neighbours. `data` holds shifted images and the labels that go
    with them. `level` is that of the intervals.
    """
    epochs = 4 if quick else 8
    n = len(data.train)

    def judged(name: str, right: Bool[np.ndarray, "m"]) -> Oracle:
        return Oracle(name, wilson(int(right.sum()), len(right), level), n, len(right))

    judgements = [judged("perceptron", _trained("mlp", data, epochs, seed))]
    if min(data.train.shape[1:]) >= 16:
        judgements.append(judged("convolutional", _trained("trunk", data, epochs, seed)))
    judgements.append(judged("nearest neighbours", _neighbors(data, seed)))
    if shift.invariant is not None:
        name, invariant = shift.invariant
        surviving = Dataset(data.name, *(replace(x, images=invariant(x.images)) for x in (data.train, data.test)))
        judgements.append(judged(f"perceptron on {name}", _trained("mlp", surviving, epochs, seed)))
        judgements.append(judged(f"nearest neighbours on {name}", _neighbors(surviving, seed)))
    return judgements


def _trained(network: str, data: Dataset, epochs: int, seed: int) -> np.ndarray:
    values = data.train.images
    recipe = Recipe(
        "oracle",
        epochs=epochs,
        batch_size=64,
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=0.01,
        schedule="one_cycle",
        mean=float(values.mean()),
        sd=max(float(values.std()), 1e-6),
    )
    widths = {"widths": [500, 200], "dropout": 0.2} if network == "mlp" else {"dropout": 0.1}
    [trained] = train(network, data, recipe=recipe, parameters=widths, seeds=[seed])
    assert data.test.labels is not None
    return trained.test_logits.argmax(1) == data.test.labels


def _neighbors(data: Dataset, seed: int) -> np.ndarray:
    """Which of some images, drawn at random, the five nearest training images classify rightly.

    Of equal votes, the nearest decides.
    """
    assert data.train.labels is not None
    assert data.test.labels is not None
    some = np.random.default_rng(seed_for(seed, "oracles", "neighbours")).permutation(len(data.test))[
        : SETTINGS.neighbors_asked
    ]
    images = data.train.images, data.test.images[some]
    train, test = (torch.from_numpy(x.reshape(len(x), prod(x.shape[1:]))) for x in images)
    labels, truth = data.train.labels, data.test.labels[some]
    squares = (train * train).sum(1)
    answers = []
    for start in range(0, len(test), AT_ONCE):
        distances = squares - 2 * test[start : start + AT_ONCE] @ train.T
        near = labels[distances.topk(min(NEIGHBORS, len(labels)), largest=False).indices.numpy()]
        votes = (near[:, :, None] == near[:, None, :]).sum(2)
        answers.append(near[np.arange(len(near)), votes.argmax(1)])
    return np.concatenate(answers) == truth
