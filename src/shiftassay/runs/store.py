"""The store: a folder for each trial. The only place that reads or writes a run's files.

Every file is written all or nothing, and the model card, written last, holds the SHA-256 of the others: a run that is
broken off has no card, and what was damaged later is seen by whatever reads it.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.files import PARTIAL, remove, sweep
from shiftassay.locks import locked
from shiftassay.records import JsonObject, Record
from shiftassay.runs.arrays import Arrays, read_arrays, write_arrays
from shiftassay.runs.environment import Environment
from shiftassay.runs.results import Failure
from shiftassay.runs.trial import Trial
from shiftassay.sealed import (
    FILES,
    Damaged,
    check_file,
    file_digest,
    files_in,
    read_json,
    read_sealed,
    write_json,
    write_sealed,
)

__all__ = ["Damaged", "Mended", "Run", "Store", "read_arrays", "read_json", "write_arrays", "write_json"]

TRIAL = "trial.json"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
CARD = "model.json"
WEIGHTS = "model.safetensors"
BEST_WEIGHTS = "best.safetensors"
IMPORT = "import.json"
PREDICTIONS = "predictions.safetensors"
CHECKPOINT = "checkpoint.safetensors"
FAILURE = "failed.json"
RESULTS = (TRIAL, METRICS, PREDICTIONS, WEIGHTS, BEST_WEIGHTS, IMPORT)

R = TypeVar("R", bound=Record)


class Mended(UserWarning):
    """Something stored was damaged, or could not be stored; the message says what was done."""


@dataclass(frozen=True)
class Run:
    """The results of one trial in a folder.

    A run is complete when its model card is there, which is written last.
    """

    folder: Path

    @property
    def complete(self) -> bool:
        return (self.folder / CARD).is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run's folder; leftovers of killed commands in it are removed."""
        with locked(self.folder):
            sweep(self.folder, older_than=0)
            yield

    def begin(self, trial: Trial, environment: Environment) -> None:
        """Make the folder, and write what will be in it.

        Results that were there are no longer valid.
        """
        remove(self.folder / CARD)
        remove(self.folder / FAILURE)
        write_sealed(self.folder / TRIAL, {**trial.to_json(), "digest": trial.digest})
        write_sealed(self.folder / ENVIRONMENT, environment.to_json())

    def checkpoint(self, arrays: Arrays, progress: Record) -> None:
        """Keep the state from which training can be resumed.

        Where there is no room for it, a warning is given, and training goes on.
        """
        try:
            write_arrays(self.folder / CHECKPOINT, arrays, progress.to_json())
        except BadInput as error:
            warnings.warn(f"no checkpoint: {error} Training goes on.", Mended, stacklevel=2)

    def last_checkpoint(self, kind: type[R]) -> tuple[dict[str, np.ndarray], R] | None:
        """What `checkpoint` kept last; None if there is nothing to go on from, or it is damaged."""
        if not (self.folder / CHECKPOINT).is_file():
            return None
        try:
            return self.checkpointed(kind)
        except Damaged as error:
            warnings.warn(error.and_so("Training begins anew"), Mended, stacklevel=2)
            return None

    def checkpointed(self, kind: type[R]) -> tuple[dict[str, np.ndarray], R]:
        """What `checkpoint` kept. Raises `Damaged`."""
        arrays, progress = read_arrays(self.folder / CHECKPOINT)
        return arrays, _of_kind(kind, progress, self.folder / CHECKPOINT)

    def tidy(self) -> None:
        """Remove from a complete run the leftovers of a command that was killed as it ended."""
        with suppress(BadInput):  # a store that may only be read
            if (self.folder / CHECKPOINT).exists() or any(self.folder.glob(f".*{PARTIAL}")):
                with self.locked():
                    (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def finish(
        self,
        card: JsonObject,
        weights: Arrays,
        metrics: Record,
        predictions: Arrays,
        best_weights: Arrays | None = None,
        seconds: Sequence[float | None] | None = None,
    ) -> None:
        """Keep the results, those of the best epoch if there are any, and drop the checkpoint.

        `seconds` of each epoch go where the time of day goes, into the environment: results of equal trials are equal
        files.
        """
        if best_weights is not None:
            write_arrays(self.folder / BEST_WEIGHTS, best_weights)
        else:
            remove(self.folder / BEST_WEIGHTS)
        write_json(self.folder / METRICS, metrics.to_json())
        write_arrays(self.folder / PREDICTIONS, predictions)
        write_arrays(self.folder / WEIGHTS, weights)
        if (environment := self.environment()) is not None:
            environment = replace(environment, seconds=tuple(seconds) if seconds else None)
            write_sealed(self.folder / ENVIRONMENT, environment.to_json())
        self._write_card(card)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def fail(self, failure: Failure) -> None:
        """Store that the trial failed, and why: the same trial would fail again."""
        write_sealed(self.folder / FAILURE, failure.to_json())
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def failure(self) -> Failure | None:
        """The failure that `fail` was given.

        None if the trial did not fail, or the file that says so is damaged.
        """
        with suppress(Damaged):
            return _of_kind(Failure, read_sealed(self.folder / FAILURE), self.folder / FAILURE)
        return None

    def keep_imported(self, card: JsonObject, weights: Arrays, report: JsonObject) -> None:
        """Keep a model that was trained elsewhere.

        Raises `BadInput` where a run of our own is already.
        """
        self.check_free()
        with self.locked():
            remove(self.folder / CARD)
            write_json(self.folder / IMPORT, report)
            write_arrays(self.folder / WEIGHTS, weights)
            self._write_card(card)

    def check_free(self) -> None:
        """Raise `BadInput` where `keep_imported` would.

        Call it before the work whose result is to be kept.
        """
        if any((self.folder / name).exists() for name in (TRIAL, METRICS, PREDICTIONS, CHECKPOINT)):
            raise BadInput(f"{self.folder}: holds a run that was trained here. Name another folder with --out.")

    def card(self) -> JsonObject:
        """The card that `finish` was given, of whatever kind of model. Raises `Damaged`."""
        return {name: value for name, value in read_sealed(self.folder / CARD).items() if name != FILES}

    def weights(self) -> dict[str, np.ndarray]:
        return self._arrays(WEIGHTS)

    def best_weights(self) -> dict[str, np.ndarray]:
        return self._arrays(BEST_WEIGHTS)

    def metrics(self, kind: type[R]) -> R:
        """The metrics that `finish` was given, a record of this class. Raises `Damaged`."""
        self._check(METRICS)
        return _of_kind(kind, read_json(self.folder / METRICS), self.folder / METRICS)

    def predictions(self) -> dict[str, np.ndarray]:
        return self._arrays(PREDICTIONS)

    @property
    def has_trial(self) -> bool:
        return (self.folder / TRIAL).is_file()

    def trial(self) -> Trial:
        """What `begin` was given. Raises `Damaged`."""
        return _of_kind(Trial, read_sealed(self.folder / TRIAL), self.folder / TRIAL)

    def environment(self) -> Environment | None:
        """What the run was made with.

        No result depends on it: a damaged one is replaced by none, with a warning.
        """
        try:
            content = read_sealed(self.folder / ENVIRONMENT)
        except Damaged as error:
            warnings.warn(error.and_so("What the run was made with is not known any more"), Mended, stacklevel=2)
            with suppress(BadInput):  # a store that may only be read
                write_sealed(self.folder / ENVIRONMENT, {"made": None})
            return None
        return Environment.from_json(content) if content["made"] else None

    def check(self) -> None:
        """Raise `Damaged` for the first of the results that is not what was written."""
        for name, digest in self._files().items():
            check_file(self.folder / name, digest)

    def _write_card(self, card: JsonObject) -> None:
        present = (name for name in RESULTS if (self.folder / name).is_file())
        files: JsonObject = {name: file_digest(self.folder / name) for name in present}
        write_sealed(self.folder / CARD, {**card, FILES: files})

    def _files(self) -> dict[str, str]:
        content = read_sealed(self.folder / CARD)
        if not isinstance(content.get(FILES), dict):
            raise Damaged(self.folder / CARD, "damaged: it lists no files")
        return files_in(content)

    def _check(self, name: str) -> None:
        digest = self._files().get(name)
        if digest is None:
            raise Damaged(self.folder / CARD, f"does not list {name}")
        check_file(self.folder / name, digest)

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        self._check(name)
        return read_arrays(self.folder / name)[0]


@dataclass(frozen=True)
class Store:
    """Where runs live: `<root>/runs/<name of the trial>`."""

    root: Path

    def run(self, trial: Trial) -> Run:
        return Run(self.root / "runs" / trial.name)


def _of_kind(kind: type[R], content: JsonObject, path: Path) -> R:
    """The record that a file holds.

    Raises `Damaged` if the file holds something else, as one of another version may.
    """
    try:
        return kind.from_json(content)
    except BadInput as error:
        raise Damaged(path, f"not what this version writes ({error})") from None
