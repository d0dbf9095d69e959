"""Classifiers that were trained on a shifted distribution: what can be reached on it, from below."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32

from shiftassay.imagesets.dataset import Dataset
from shiftassay.random_stream import seed_for
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.training.recipe import Recipe
from shiftassay.training.train import train

NEIGHBOURS = 5
ASKED = 2000  # images that nearest neighbours are looked up for
AT_ONCE = 500

Invariant = Callable[[Float32[np.ndarray, "n c h w"]], Float32[np.ndarray, "n c h w"]]


@dataclass(frozen=True)
class Oracle:
    """A classifier trained on shifted training images, or on what survives of them, judged on shifted test images."""

    name: str
    accuracy: Interval
    images: int
    judged_on: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


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
    for name, invariant in invariants(how):
        surviving = Dataset(data.name, *(replace(x, images=invariant(x.images)) for x in (data.train, data.test)))
        found.append(judged(f"perceptron on {name}", _trained("mlp", surviving, epochs, seed)))
        found.append(judged(f"nearest neighbours on {name}", _neighbours(surviving, seed)))
    return found


def invariants(how: Shift) -> list[tuple[str, Invariant]]:
    """What a shift that is drawn afresh for each image leaves as it was, by name; nothing for others."""
    if how.scope != "per_image":
        return []
    known: dict[str, tuple[str, Invariant]] = {
        "pixel_permutation": ("sorted pixel values", _sorted_values),
        "row_permutation": ("rows in the order of their sums", lambda x: _sorted_lines(x, 2)),
        "column_permutation": ("columns in the order of their sums", lambda x: _sorted_lines(x, 3)),
        "phase_scramble": ("Fourier amplitudes", _amplitudes),
        "roll": ("Fourier amplitudes", _amplitudes),
        "translate": ("Fourier amplitudes", _amplitudes),
    }
    if how.family == "block_permutation":
        return [("blocks in the order of their sums", lambda x: _sorted_blocks(x, getattr(how, "block")))]  # noqa: B009
    return [known[how.family]] if how.family in known else []


def _trained(network: str, data: Dataset, epochs: int, seed: int) -> np.ndarray:
    values = data.train.images
    recipe = Recipe(
        "oracle",
        epochs=epochs,
        batch_size=64,
        optimiser="adamw",
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
    some = np.random.default_rng(seed_for(seed, "oracles", "neighbours")).permutation(len(data.test))[:ASKED]
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


def _sorted_values(images: np.ndarray) -> np.ndarray:
    n, c, h, w = images.shape
    return np.sort(images.reshape(n, c, h * w), axis=2).reshape(images.shape)


def _sorted_lines(images: np.ndarray, axis: int) -> np.ndarray:
    """Rows (axis 2) or columns (axis 3), those with most ink first."""
    across = 5 - axis
    order = np.argsort(-images.sum((1, across)), axis=1, kind="stable")
    shape = [len(images), 1, 1, 1]
    shape[axis] = -1
    return np.take_along_axis(images, order.reshape(shape), axis)


def _sorted_blocks(images: np.ndarray, block: int) -> np.ndarray:
    n, c, h, w = images.shape
    cut = images.reshape(n, c, h // block, block, w // block, block).swapaxes(3, 4)
    blocks = cut.reshape(n, c, -1, block * block)
    order = np.argsort(-blocks.sum((1, 3)), axis=1, kind="stable")
    return (
        np.take_along_axis(blocks, order[:, None, :, None], 2).reshape(cut.shape).swapaxes(3, 4).reshape(images.shape)
    )


def _amplitudes(images: np.ndarray) -> np.ndarray:
    """The logarithm of 1 + each Fourier amplitude."""
    return np.log1p(np.abs(np.fft.fft2(images))).astype(np.float32)
