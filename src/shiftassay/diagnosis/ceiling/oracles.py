"""Classifiers that were trained on a shifted distribution: what can be reached on it, from below."""

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

NEIGHBOURS = 5
AT_ONCE = 500


@dataclass(frozen=True)
class Oracle(Record):
    """A classifier trained on shifted training images, or on what survives of them, judged on shifted test images."""

    name: str
    accuracy: Interval
    images: int
    judged_on: int


def oracles(data: Dataset, how: Shift, seed: int, quick: bool, level: float) -> list[Oracle]:
    """A perceptron, a convolutional network and nearest neighbours on the images; a perceptron on what survives of them.

    `data` holds shifted images and the labels that go with them. `level` is that of the intervals.
    """
    epochs = 4 if quick else 8
    n = len(data.train)

    def judged(name: str, right: Bool[np.ndarray, "m"]) -> Oracle:
        return Oracle(name, wilson(int(right.sum()), len(right), level), n, len(right))

    found = [judged("perceptron", _trained("mlp", data, epochs, seed))]
    if min(data.train.shape[1:]) >= 16:
        found.append(judged("convolutional", _trained("trunk", data, epochs, seed)))
    found.append(judged("nearest neighbours", _neighbours(data, seed)))
    if how.invariant is not None:
        name, invariant = how.invariant
        surviving = Dataset(data.name, *(replace(x, images=invariant(x.images)) for x in (data.train, data.test)))
        found.append(judged(f"perceptron on {name}", _trained("mlp", surviving, epochs, seed)))
        found.append(judged(f"nearest neighbours on {name}", _neighbours(surviving, seed)))
    return found


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
    [found] = train(network, data, recipe=recipe, parameters=widths, seeds=[seed])
    assert data.test.labels is not None
    return found.test_logits.argmax(1) == data.test.labels


def _neighbours(data: Dataset, seed: int) -> np.ndarray:
    """Which of some images, drawn at random, the five nearest training images name rightly; of equal votes, the nearest decides."""
    assert data.train.labels is not None
    assert data.test.labels is not None
    some = np.random.default_rng(seed_for(seed, "oracles", "neighbours")).permutation(len(data.test))[
        : SETTINGS.neighbours_asked
    ]
    images = data.train.images, data.test.images[some]
    known, asked = (torch.from_numpy(x.reshape(len(x), prod(x.shape[1:]))) for x in images)
    labels, truth = data.train.labels, data.test.labels[some]
    squares = (known * known).sum(1)
    answers = []
    for start in range(0, len(asked), AT_ONCE):
        distances = squares - 2 * asked[start : start + AT_ONCE] @ known.T
        near = labels[distances.topk(min(NEIGHBOURS, len(labels)), largest=False).indices.numpy()]
        votes = (near[:, :, None] == near[:, None, :]).sum(2)
        answers.append(near[np.arange(len(near)), votes.argmax(1)])
    return np.concatenate(answers) == truth
