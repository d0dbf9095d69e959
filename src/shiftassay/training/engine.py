"""The engine: members and their epochs, whatever path they train on."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.arrays.image_set import ImageSet
from shiftassay.errors import BadInput
from shiftassay.noise import epoch_order, seed_for
from shiftassay.runs.store import Run
from shiftassay.training.recipe import Recipe

SEMANTICS = 1
CHECKPOINT_SECONDS = 10.0
BEST = "best/"


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
class Snapshot:
    """A member after an epoch: its weights, and its logits on the validation set in that set's order."""

    epoch: int
    weights: dict[str, np.ndarray]
    logits: Float32[np.ndarray, "n classes"]


@dataclass
class History:
    """What a member has to show so far: the metrics of every epoch, and the last and the best epoch if they are kept."""

    metrics: list[EpochMetrics]
    last: Snapshot | None = None
    best: Snapshot | None = None

    def add(self, metrics: EpochMetrics, snapshot: Snapshot | None) -> None:
        """One epoch more. The best one has the most right answers; of several, it is the first."""
        if snapshot:
            before = max((past.validation_accuracy or 0 for past in self.metrics), default=-1)
            self.last = snapshot
            self.best = snapshot if (metrics.validation_accuracy or 0) > before else self.best
        self.metrics.append(metrics)


@dataclass(frozen=True)
class TrainingData:
    """What a member learns from and what it is watched on."""

    images: Float32[np.ndarray, "n c h w"]
    labels: Int64[np.ndarray, "n"]
    validation: ImageSet | None
    classes: int


@runtime_checkable
class Member(Protocol):
    """One model in training: what the engine asks of any path between epochs."""

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]: ...
    def weights(self) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, state: dict[str, np.ndarray]) -> None: ...


@runtime_checkable
class Group(Protocol):
    """Members whose steps are taken together: one on the CPU, a population on a GPU."""

    @property
    def members(self) -> Sequence[Member]: ...

    def train_epoch(self, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Train epoch 0, 1, … and return, for each member, its steps' mean losses and numbers right."""
        ...


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


def run_group(
    group: Group,
    recipe: Recipe,
    data: TrainingData,
    runs: Sequence[Run | None],
    watches: Sequence[Callable[[EpochMetrics], None] | None],
) -> list[History]:
    """Train a group to the end, from its last checkpoint if there is one; return each member's history.

    Snapshots of the last and the best epoch are kept where the recipe validates on the test set.
    """
    done = _resume(group, runs)
    saved = perf_counter()
    for epoch in range(len(done[0].metrics), recipe.epochs):
        began = perf_counter()
        results = group.train_epoch(epoch)
        trained = perf_counter() - began
        save = epoch + 1 < recipe.epochs and perf_counter() - saved > CHECKPOINT_SECONDS
        for member, result, history, run, watch in zip(group.members, results, done, runs, watches, strict=True):
            logits = None if data.validation is None else shuffled_logits(member, data.validation.images, epoch)
            metrics = _metrics(result, logits, recipe, data, epoch, trained)
            snapshot = None
            if recipe.validate_on_test and logits is not None:
                snapshot = Snapshot(epoch + 1, member.weights(), logits)
            history.add(metrics, snapshot)
            if watch:
                watch(metrics)
            if run and save:
                _save(run, member, history)
        if save:
            saved = perf_counter()
    return done


def shuffled_logits(
    member: Member, images: Float32[np.ndarray, "n c h w"], epoch: int
) -> Float32[np.ndarray, "n classes"]:
    """The member's answers, in the images' order, asked in batches that are shuffled afresh: there are networks for which that matters."""
    order = epoch_order(seed_for("validation", epoch), len(images))
    return member.logits(images[order])[np.argsort(order)]


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


def _save(run: Run, member: Member, history: History) -> None:
    best = {} if history.best is None else {f"{BEST}weights/{k}": v for k, v in history.best.weights.items()}
    best |= {} if history.best is None else {f"{BEST}logits": history.best.logits}
    about = {
        "path": type(member).__name__,
        "metrics": [metrics.to_json() for metrics in history.metrics],
        "best": history.best and history.best.epoch,
    }
    run.checkpoint({**member.state(), **best}, about)


def _resume(group: Group, runs: Sequence[Run | None]) -> list[History]:
    """Restore the members from their checkpoints if all have one of the same epoch, made on the path they are on now."""
    found = [run.last_checkpoint() if run else None for run in runs]
    paths = [type(member).__name__ for member in group.members]
    same = {len(about["metrics"]) for _, about in filter(None, found)}
    if None in found or len(same) > 1 or [about["path"] for _, about in filter(None, found)] != paths:
        return [History([]) for _ in runs]
    histories = []
    for member, (arrays, about) in zip(group.members, filter(None, found), strict=True):
        member.restore({name: array for name, array in arrays.items() if not name.startswith(BEST)})
        prefix = f"{BEST}weights/"
        weights = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        best = Snapshot(about["best"], weights, arrays[f"{BEST}logits"]) if about["best"] else None
        histories.append(History([EpochMetrics(**metrics) for metrics in about["metrics"]], None, best))
    return histories


def _metrics(
    result: tuple[np.ndarray, np.ndarray],
    logits: Float32[np.ndarray, "n classes"] | None,
    recipe: Recipe,
    data: TrainingData,
    epoch: int,
    seconds: float,
) -> EpochMetrics:
    losses, right = result
    n = len(data.images)
    sizes = np.full(len(losses), recipe.batch_size)
    sizes[-1] = n - recipe.batch_size * (len(losses) - 1)
    validation_loss = validation_accuracy = None
    if logits is not None and data.validation is not None and data.validation.labels is not None:
        validation_loss = cross_entropy(logits, data.validation.labels)
        validation_accuracy = float((logits.argmax(1) == data.validation.labels).mean())
    return EpochMetrics(
        epoch=epoch + 1,
        loss=float(losses @ sizes) / n,
        accuracy=float(right.sum()) / n,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=learning_rates(recipe, n, epoch)[-1],
        seconds=seconds,
    )
