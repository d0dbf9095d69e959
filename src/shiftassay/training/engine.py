"""The engine: members and their epochs, whatever path they train on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from time import perf_counter

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.results import EpochMetrics, Failure
from shiftassay.runs.store import Run
from shiftassay.training.checkpoint import resume, save
from shiftassay.training.group import Group, Member, TrainingData
from shiftassay.training.history import History, Snapshot
from shiftassay.training.parts import Pace, Part

SEMANTICS = 1
CHECKPOINT_SECONDS = 10.0


class Interrupted(Exception):  # noqa: N818  # stopping is no error
    """Training was stopped from outside; where there is a run, its state is kept."""


def split(train: ImageSet, held_out: int, classes: int) -> TrainingData:
    """Hold out training images for validation.

    They are drawn at random, the same ones for every seed and recipe.
    """
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
    """Train a group to the end, from its last checkpoint if there is one.

    Returns each member's history. Snapshots of the last and the best epoch are kept where the recipe validates on the
    test set. A member whose numbers are no longer finite has failed: its history says so, and the others go on. Once
    `stop` is set, the state is kept, and `Interrupted` is raised, within a fraction of a second.
    """
    histories, part = resume(group, runs)
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
                save(group, runs, histories, part)
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
    part: Part,
    place: int,
    recipe: Recipe,
    data: TrainingData,
    epoch: int,
    run: Run | None,
) -> EpochMetrics | None:
    """A member's metrics for an epoch, added to its history.

    None if its weights or answers are not finite.
    """
    weights = member.weights()
    if not all(np.isfinite(array).all() for array in weights.values()):
        return _fail(history, Failure(epoch + 1, part.step, "a weight"), run)
    logits = None if data.validation is None else shuffled_logits(member, data.validation.images, epoch)
    if logits is not None and not np.isfinite(logits).all():
        return _fail(history, Failure(epoch + 1, part.step, "an answer to an image of the validation set"), run)
    metrics = _metrics(part.of_member(place), recipe, len(data.images), epoch, part.seconds)
    if data.validation is not None and logits is not None:
        loss, accuracy = _judged(logits, data.validation)
        metrics = replace(metrics, validation_loss=loss, validation_accuracy=accuracy)
    if data.held_out is not None:
        loss, accuracy = _judged(shuffled_logits(member, data.held_out.images, epoch), data.held_out)
        metrics = replace(metrics, held_out_loss=loss, held_out_accuracy=accuracy)
    snapshot = Snapshot(epoch + 1, weights, logits) if recipe.validate_on_test and logits is not None else None
    history.add(metrics, snapshot)
    return metrics


def _fail_where_not_finite(histories: list[History], part: Part, epoch: int, runs: Sequence[Run | None]) -> None:
    for i, (history, run) in enumerate(zip(histories, runs, strict=True)):
        bad = np.flatnonzero(~np.isfinite(part.of_member(i)[0]))
        if len(bad) and history.failure is None:
            _fail(history, Failure(epoch + 1, int(bad[0]) + 1, "the loss"), run)


def _fail(history: History, failure: Failure, run: Run | None) -> None:
    history.failure = failure
    if run:
        run.fail(failure)


def whole_epoch(group: Group, epoch: int, stop: Event | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Train an epoch to its end, in parts.

    Raises `Interrupted` between two of them once `stop` is set.
    """
    part, pace = Part.of(len(group.members)), Pace()
    while part.step < group.steps:
        if stop is not None and stop.is_set():
            raise Interrupted
        part.add(pace.timed(lambda count: group.train_steps(epoch, part.step, count), group.steps - part.step))
    return [part.of_member(i) for i in range(len(group.members))]


def shuffled_logits(
    member: Member, images: Float32[np.ndarray, "n c h w"], epoch: int
) -> Float32[np.ndarray, "n classes"]:
    """The member's logits in the images' order, computed in shuffled batches.

    For networks whose images see each other, the order matters.
    """
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
    normalizer = top + np.log(np.exp(wide - top[:, None]).sum(axis=1))
    return float((normalizer - wide[np.arange(len(labels)), labels]).mean())


def _judged(logits: Float32[np.ndarray, "n classes"], images: ImageSet) -> tuple[float | None, float | None]:
    """Loss and accuracy of logits; None without labels."""
    if images.labels is None:
        return None, None
    return cross_entropy(logits, images.labels), float((logits.argmax(1) == images.labels).mean())


def _metrics(
    result: tuple[np.ndarray, np.ndarray], recipe: Recipe, images: int, epoch: int, seconds: float
) -> EpochMetrics:
    """An epoch's means over its steps."""
    losses, right = result
    sizes = np.full(len(losses), recipe.batch_size)
    sizes[-1] = images - recipe.batch_size * (len(losses) - 1)
    return EpochMetrics(
        epoch=epoch + 1,
        loss=float(losses @ sizes) / images,
        accuracy=float(right.sum()) / images,
        validation_loss=None,
        validation_accuracy=None,
        learning_rate=learning_rates(recipe, images, epoch)[-1],
        seconds=seconds,
    )
