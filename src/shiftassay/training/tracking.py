"""The metrics of trainings, sent to programs that draw them, epoch by epoch.

The engine knows nothing of it: what is sent is what a `Watch` is called with after each epoch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import ClassVar, Protocol, runtime_checkable

from shiftassay.errors import BadInput
from shiftassay.registry import Registry
from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.store import Store
from shiftassay.runs.trial import Trial
from shiftassay.training.checkpoint import Progress
from shiftassay.training.train import Watch

TRACKERS: Registry[type["Tracker"]] = Registry("tracker", "shiftassay.training.trackers")


class Tracker(ABC):
    """A program that keeps and draws metrics, in its own format.

    `root` is the folder of the results, in which it has a place of its own unless it is told of another.
    """

    requires: ClassVar[tuple[str, ...]]
    """The modules that it is written with."""
    extra: ClassVar[str]
    """The extra of this package that installs them."""

    @abstractmethod
    def __init__(self, root: Path): ...

    @abstractmethod
    def begin(self, trial: Trial) -> bool:
        """Begin the log of a trial anew.

        False where a finished one is there, which is left as it is.
        """

    @abstractmethod
    def add(self, trial: Trial, metrics: EpochMetrics) -> None:
        """Log an epoch of a trial that has begun."""

    @abstractmethod
    def end(self, trial: Trial, finished: bool) -> None:
        """End the log of a trial: after its last epoch, or before."""


@runtime_checkable
class HasEpochs(Protocol):
    """A trained member: its trial, and the metrics of all epochs."""

    @property
    def trial(self) -> Trial: ...
    @property
    def metrics(self) -> tuple[EpochMetrics, ...]: ...


class Tracking:
    """What is sent to some trackers, each trial from its first epoch on."""

    def __init__(self, trackers: Sequence[Tracker], root: Path):
        self._trackers, self._root = trackers, root
        self._open: dict[str, tuple[Trial, list[Tracker]]] = {}
        self._epochs: dict[str, int] = {}
        self._lock = Lock()  # members train in several threads

    def __call__(self, trial: Trial, metrics: EpochMetrics) -> None:
        """Log an epoch, after those that an earlier command had trained: it is a `Watch`."""
        if self._trackers:
            with self._lock:
                self._add(trial, metrics)

    def complete(self, members: Sequence[HasEpochs]) -> None:
        """Log what no epoch was trained of, because the store had it."""
        for member in members:
            if member.trial.digest not in self._open:
                for metrics in member.metrics:
                    self(member.trial, metrics)

    def end(self) -> None:
        for digest, (trial, trackers) in self._open.items():
            for tracker in trackers:
                tracker.end(trial, self._epochs[digest] == trial.recipe.epochs)

    def _add(self, trial: Trial, metrics: EpochMetrics) -> None:
        digest, epochs = trial.digest, [metrics]
        if digest not in self._open:
            self._open[digest] = trial, [tracker for tracker in self._trackers if tracker.begin(trial)]
            epochs = [*self._earlier(trial, metrics.epoch), metrics]
        for tracker in self._open[digest][1]:
            for epoch in epochs:
                tracker.add(trial, epoch)
        self._epochs[digest] = metrics.epoch

    def _earlier(self, trial: Trial, epoch: int) -> list[EpochMetrics]:
        """The epochs before this one, where a training goes on from a checkpoint."""
        kept = Store(self._root).run(trial).last_checkpoint(Progress) if epoch > 1 else None
        return [metrics for metrics in kept[1].metrics if metrics.epoch < epoch] if kept else []


@contextmanager
def tracking(names: Sequence[str], root: Path) -> Iterator[Tracking]:
    """Within this context, send epochs to the trackers of these names.

    Give what it yields to `train` as `watch`, and the trained members to its `complete`. `root` is the store's folder.
    Raises `BadInput` for an unknown name, or one whose packages are not installed.
    """
    kinds = [TRACKERS[name] for name in dict.fromkeys(names)]
    for name, kind in zip(dict.fromkeys(names), kinds, strict=True):
        missing = [module for module in kind.requires if find_spec(module) is None]
        if missing:
            raise BadInput(
                f"--log-to {name}: it needs {' and '.join(missing)}, not installed here. "
                f"Install it: pip install 'shiftassay[{kind.extra}]'."
            )
    sent = Tracking([kind(root) for kind in kinds], root)
    try:
        yield sent
    finally:
        sent.end()


def both(first: Watch, second: Watch) -> Watch:
    """A watch that calls two."""

    def watch(trial: Trial, metrics: EpochMetrics) -> None:
        first(trial, metrics)
        second(trial, metrics)

    return watch


def settings_of(trial: Trial) -> Mapping[str, str]:
    """What determines a trial, as trackers show it: names and values as text."""
    whole = {name: value for name, value in trial.to_json().items() if name not in ("recipe", "parameters")}
    recipe = {f"recipe.{name}": value for name, value in trial.recipe.to_json().items()}
    parameters = {f"parameters.{name}": value for name, value in trial.parameters.items()}
    return {name: str(value) for name, value in {**whole, **recipe, **parameters}.items()}


def numbers_of(metrics: EpochMetrics) -> Mapping[str, float]:
    """The numbers of an epoch by name; those that were not measured are left out."""
    named = {
        "loss/training": metrics.loss,
        "accuracy/training": metrics.accuracy,
        "loss/validation": metrics.validation_loss,
        "accuracy/validation": metrics.validation_accuracy,
        "loss/held_out": metrics.held_out_loss,
        "accuracy/held_out": metrics.held_out_accuracy,
        "learning_rate": metrics.learning_rate,
        "seconds": metrics.seconds,
    }
    return {name: value for name, value in named.items() if value is not None}
