"""The engine: members and their epochs, whatever path they train on."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.arrays.image_set import ImageSet
from shiftassay.errors import BadInput
from shiftassay.noise import seed_for
from shiftassay.runs.store import Run
from shiftassay.training.recipe import Recipe

SEMANTICS = 1
CHECKPOINT_SECONDS = 10.0


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one member: means over its training steps, and the validation set after it."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class TrainingData:
    """What a member learns from and what it is watched on."""

    images: Float32[np.ndarray, "n c h w"]
    labels: Int64[np.ndarray, "n"]
    validation: ImageSet | None
    classes: int


@runtime_checkable
class Member(Protocol):
    """One of several models trained together: what the engine asks of any path."""

    def train_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Train epoch 0, 1, … and return each step's mean loss and number right."""
        ...

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]: ...
    def weights(self) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, state: dict[str, np.ndarray]) -> None: ...


def split(train: ImageSet, held_out: int, classes: int) -> TrainingData:
    """Hold out training images for validation: drawn at random, the same ones for every seed and recipe."""
    if train.labels is None:
        raise BadInput(f"{train.name}: no labels to train on.")
    if not held_out:
        return TrainingData(train.images, train.labels, None, classes)
    order = np.random.default_rng(seed_for("held out", len(train))).permutation(len(train))
    out, rest = np.sort(order[:held_out]), np.sort(order[held_out:])
    validation = ImageSet(train.images[out], train.labels[out], f"{train.name} (held out)")
    return TrainingData(train.images[rest], train.labels[rest], validation, classes)


def run_member(
    member: Member,
    recipe: Recipe,
    data: TrainingData,
    run: Run | None = None,
    watch: Callable[[EpochMetrics], None] | None = None,
) -> list[EpochMetrics]:
    """Train a member to the end, from its last checkpoint if there is one; return the metrics of all epochs."""
    done: list[EpochMetrics] = []
    if run and (found := run.last_checkpoint()):
        member.restore(found[0])
        done = [EpochMetrics(**metrics) for metrics in found[1]["metrics"]]
    saved = perf_counter()
    for epoch in range(len(done), recipe.epochs):
        done.append(_epoch(member, recipe, data, epoch))
        if watch:
            watch(done[-1])
        if run and epoch + 1 < recipe.epochs and perf_counter() - saved > CHECKPOINT_SECONDS:
            run.checkpoint(member.state(), {"metrics": [metrics.to_json() for metrics in done]})
            saved = perf_counter()
    return done


def learning_rates(recipe: Recipe, images: int, epoch: int) -> Sequence[float]:
    """The learning rate of each step of an epoch over so many images."""
    steps = -(-images // recipe.batch_size)
    return [recipe.learning_rate_at(epoch * steps + step, recipe.epochs * steps) for step in range(steps)]


def cross_entropy(logits: Float32[np.ndarray, "n classes"], labels: Int64[np.ndarray, "n"]) -> float:
    """The mean of −log p(label) over images, in float64."""
    wide = logits.astype(np.float64)
    top = wide.max(axis=1)
    normaliser = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return float((normaliser - wide[np.arange(len(labels)), labels]).mean())


def _epoch(member: Member, recipe: Recipe, data: TrainingData, epoch: int) -> EpochMetrics:
    began = perf_counter()
    losses, right = member.train_epoch(epoch)
    n = len(data.images)
    sizes = np.full(len(losses), recipe.batch_size)
    sizes[-1] = n - recipe.batch_size * (len(losses) - 1)
    validation_loss = validation_accuracy = None
    if data.validation is not None and data.validation.labels is not None:
        logits = member.logits(data.validation.images)
        validation_loss = cross_entropy(logits, data.validation.labels)
        validation_accuracy = float((logits.argmax(1) == data.validation.labels).mean())
    return EpochMetrics(
        epoch=epoch + 1,
        loss=float(losses @ sizes) / n,
        accuracy=float(right.sum()) / n,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=learning_rates(recipe, n, epoch)[-1],
        seconds=perf_counter() - began,
    )
