"""The engine: members and their epochs, whatever path they train on."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from threading import Event
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.arrays.image_set import ImageSet
from shiftassay.errors import BadInput, NotDone
from shiftassay.noise import epoch_order, seed_for
from shiftassay.runs.store import Mended, Run
from shiftassay.training.recipe import Recipe

SEMANTICS = 1
CHECKPOINT_SECONDS = 10.0
SLICE = 0.25  # seconds of training between two looks at whether to stop
BEST, PART = "best/", "part/"


class Diverged(NotDone):
    """A training whose numbers stopped being finite; the message says which and where."""


class Interrupted(Exception):  # noqa: N818
    """Training was stopped from outside; where there is a run, its state is kept."""


@dataclass(frozen=True)
class Failure:
    """Where a member's training ended because a number was not finite: epoch and step from 1, and what it was."""

    epoch: int
    step: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} was not finite in step {self.step} of epoch {self.epoch}"


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one member: means over its training steps, and the validation set after it."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """All but the seconds, which are no result: they belong to the environment."""
        return {name: value for name, value in asdict(self).items() if name != "seconds"}


def total_seconds(metrics: Sequence[EpochMetrics]) -> float | None:
    """The seconds that training took; None where that is not known."""
    seconds = [epoch.seconds for epoch in metrics if epoch.seconds is not None]
    return sum(seconds) if len(seconds) == len(metrics) else None


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
    failure: Failure | None = None

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

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        ...

    def train_steps(self, epoch: int, first: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Take steps of epoch 0, 1, … from step `first` on, about `count`; an epoch is the same in whatever parts it is taken.

        Returns, for each member, the mean loss and the number right of each step that was taken.
        """
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
    stop: Event | None = None,
) -> list[History]:
    """Train a group to the end, from its last checkpoint if there is one; return each member's history.

    Snapshots of the last and the best epoch are kept where the recipe validates on the test set. A member whose numbers are no
    longer finite has failed: that stands in its history, and the others go on. Once `stop` is set, the state is kept, and
    `Interrupted` is raised, within a fraction of a second.
    """
    histories, part = _resume(group, runs)
    saved, pace = perf_counter(), Pace()
    for epoch in range(len(histories[0].metrics), recipe.epochs):
        while part.step < group.steps:
            part.add(
                pace.timed(lambda count, e=epoch, p=part: group.train_steps(e, p.step, count), group.steps - part.step)
            )
            part.seconds += pace.seconds
            _fail_where_not_finite(histories, part, epoch, runs)
            if all(history.failure for history in histories):
                return histories
            stopped = stop is not None and stop.is_set()
            if stopped or perf_counter() - saved > CHECKPOINT_SECONDS:
                _save(group, runs, histories, part)
                saved = perf_counter()
            if stopped:
                raise Interrupted
        for i, (member, history, run, watch) in enumerate(zip(group.members, histories, runs, watches, strict=True)):
            if history.failure is None:
                metrics = _end_epoch(member, history, part, i, recipe, data, epoch, run)
                if watch and metrics:
                    watch(metrics)
        if all(history.failure for history in histories):
            return histories
        part = Part.of(len(histories))
    return histories


def _end_epoch(
    member: Member,
    history: History,
    part: "Part",
    place: int,
    recipe: Recipe,
    data: TrainingData,
    epoch: int,
    run: Run | None,
) -> EpochMetrics | None:
    """What a member has to show for an epoch, added to its history; None if its weights or answers are not finite."""
    weights = member.weights()
    if not all(np.isfinite(array).all() for array in weights.values()):
        return _fail(history, Failure(epoch + 1, part.step, "a weight"), run)
    logits = None if data.validation is None else shuffled_logits(member, data.validation.images, epoch)
    if logits is not None and not np.isfinite(logits).all():
        return _fail(history, Failure(epoch + 1, part.step, "an answer to an image of the validation set"), run)
    metrics = _metrics(part.of_member(place), logits, recipe, data, epoch, part.seconds)
    snapshot = Snapshot(epoch + 1, weights, logits) if recipe.validate_on_test and logits is not None else None
    history.add(metrics, snapshot)
    return metrics


def _fail_where_not_finite(histories: list[History], part: "Part", epoch: int, runs: Sequence[Run | None]) -> None:
    for i, (history, run) in enumerate(zip(histories, runs, strict=True)):
        bad = np.flatnonzero(~np.isfinite(part.of_member(i)[0]))
        if len(bad) and history.failure is None:
            _fail(history, Failure(epoch + 1, int(bad[0]) + 1, "the loss"), run)


def _fail(history: History, failure: Failure, run: Run | None) -> None:
    history.failure = failure
    if run:
        run.fail(asdict(failure))


class Pace:
    """How many steps make about `SLICE` seconds, so that training can be stopped, and its state kept, that often."""

    def __init__(self) -> None:
        self.count = 1
        self.seconds = 0.0

    def timed(
        self, take: Callable[[int], list[tuple[np.ndarray, np.ndarray]]], most: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The results of at most so many steps; `seconds` is how long they took."""
        began = perf_counter()
        results = take(min(self.count, most))
        self.seconds = perf_counter() - began
        self.count = max(1, min(8 * self.count, int(len(results[0][0]) * SLICE / max(self.seconds, 1e-6))))
        return results


@dataclass
class Part:
    """What was taken of an epoch: each member's losses and numbers right, step by step, and the seconds that took."""

    losses: list[np.ndarray]
    right: list[np.ndarray]
    seconds: float = 0.0

    @classmethod
    def of(cls, members: int) -> "Part":
        return cls([np.empty(0)] * members, [np.empty(0, np.int64)] * members)

    @property
    def step(self) -> int:
        """The step that comes next."""
        return len(self.losses[0])

    def add(self, results: list[tuple[np.ndarray, np.ndarray]]) -> None:
        for i, (losses, right) in enumerate(results):
            self.losses[i] = np.concatenate([self.losses[i], losses]) if len(self.losses[i]) else losses
            self.right[i] = np.concatenate([self.right[i], right]) if len(self.right[i]) else right

    def of_member(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        return self.losses[place], self.right[place]


def whole_epoch(group: Group, epoch: int, stop: Event | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Train an epoch to its end, in parts; raises `Interrupted` between two of them once `stop` is set."""
    part, pace = Part.of(len(group.members)), Pace()
    while part.step < group.steps:
        if stop is not None and stop.is_set():
            raise Interrupted
        part.add(pace.timed(lambda count: group.train_steps(epoch, part.step, count), group.steps - part.step))
    return [part.of_member(i) for i in range(len(group.members))]


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


def _save(group: Group, runs: Sequence[Run | None], histories: Sequence[History], part: Part) -> None:
    for i, (member, run, history) in enumerate(zip(group.members, runs, histories, strict=True)):
        if run is None or history.failure:
            continue
        kept = history.best
        best = {} if kept is None else {f"{BEST}weights/{name}": array for name, array in kept.weights.items()}
        best |= {} if kept is None else {f"{BEST}logits": kept.logits}
        losses, right = part.of_member(i)
        about = {
            **_made_by(member),
            "metrics": [asdict(metrics) for metrics in history.metrics],
            "best": kept and kept.epoch,
            "seconds": part.seconds,
        }
        run.checkpoint({**member.state(), **best, f"{PART}losses": losses, f"{PART}right": right}, about)


def _made_by(member: Member) -> dict[str, str]:
    """What a checkpoint has to have in common with whoever goes on from it."""
    return {"path": type(member).__name__, "torch": version("torch"), "shiftassay": version("shiftassay")}


def _resume(group: Group, runs: Sequence[Run | None]) -> tuple[list[History], Part]:
    """Restore the members from their checkpoints if all have one of the same step, made as they would be made now."""
    found = [run.last_checkpoint() if run else None for run in runs]
    anew = [History([]) for _ in runs], Part.of(len(runs))
    if None in found:
        return anew
    kept = list(filter(None, found))
    steps = {(len(about["metrics"]), len(arrays[f"{PART}losses"])) for arrays, about in kept}
    alike = all(
        about.get(name) == made
        for member, (_, about) in zip(group.members, kept, strict=True)
        for name, made in _made_by(member).items()
    )
    if len(steps) > 1 or not alike:
        why = (
            "is of another version, or was made on another path" if not alike else "is of another step than the others"
        )
        for run in filter(None, runs):
            warnings.warn(f"{run.folder}: the checkpoint {why}. Training begins anew.", Mended, stacklevel=2)
        return anew
    histories, part = [], Part.of(len(runs))
    for i, (member, (arrays, about)) in enumerate(zip(group.members, kept, strict=True)):
        member.restore({name: array for name, array in arrays.items() if not name.startswith((BEST, PART))})
        prefix = f"{BEST}weights/"
        weights = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        best = Snapshot(about["best"], weights, arrays[f"{BEST}logits"]) if about["best"] else None
        histories.append(History([EpochMetrics(**metrics) for metrics in about["metrics"]], None, best))
        part.losses[i], part.right[i], part.seconds = arrays[f"{PART}losses"], arrays[f"{PART}right"], about["seconds"]
    return histories, part


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
