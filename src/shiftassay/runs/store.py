"""The store: a folder for each trial. The only place that reads or writes a run's files.

Every file is written all or nothing, so that a run that is broken off leaves no half of one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.runs.trial import Trial

TRIAL = "trial.json"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
CARD = "model.json"
WEIGHTS = "model.safetensors"
BEST_WEIGHTS = "best.safetensors"
IMPORT = "import.json"
PREDICTIONS = "predictions.safetensors"
CHECKPOINT = "checkpoint.safetensors"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """The results of one trial in a folder. Complete when its model card is there, which is written last."""

    folder: Path

    @property
    def complete(self) -> bool:
        return (self.folder / CARD).is_file()

    def begin(self, trial: Trial, environment: dict[str, Any]) -> None:
        """Make the folder and say what will be in it."""
        write_json(self.folder / TRIAL, {**trial.to_json(), "digest": trial.digest})
        write_json(self.folder / ENVIRONMENT, environment)

    def checkpoint(self, arrays: Arrays, progress: dict[str, Any]) -> None:
        """Keep what training needs in order to go on from here."""
        write_arrays(self.folder / CHECKPOINT, arrays, progress)

    def last_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """What `checkpoint` kept last; None if there is nothing to go on from."""
        path = self.folder / CHECKPOINT
        return read_arrays(path) if path.is_file() else None

    def finish(
        self,
        card: dict[str, Any],
        weights: Arrays,
        metrics: dict[str, Any],
        predictions: Arrays,
        best_weights: Arrays | None = None,
    ) -> None:
        """Keep the results, those of the best epoch if there are any, and drop the checkpoint."""
        if best_weights is not None:
            write_arrays(self.folder / BEST_WEIGHTS, best_weights)
        write_json(self.folder / METRICS, metrics)
        write_arrays(self.folder / PREDICTIONS, predictions)
        write_arrays(self.folder / WEIGHTS, weights)
        write_json(self.folder / CARD, card)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def keep_imported(self, card: dict[str, Any], weights: Arrays, report: dict[str, Any]) -> None:
        """Keep a model that was trained elsewhere. Raises `BadInput` where a run of our own already is."""
        if (self.folder / TRIAL).exists() or (self.complete and not (self.folder / IMPORT).is_file()):
            raise BadInput(f"{self.folder}: holds a run that was trained here. Name another folder with --out.")
        write_json(self.folder / IMPORT, report)
        write_arrays(self.folder / WEIGHTS, weights)
        write_json(self.folder / CARD, card)

    def results(self) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any], dict[str, np.ndarray]]:
        """What `finish` was given: card, weights, metrics, predictions."""
        return (
            read_json(self.folder / CARD),
            read_arrays(self.folder / WEIGHTS)[0],
            read_json(self.folder / METRICS),
            read_arrays(self.folder / PREDICTIONS)[0],
        )

    @property
    def has_trial(self) -> bool:
        return (self.folder / TRIAL).is_file()

    def trial(self) -> Trial:
        """What `begin` was given."""
        content = read_json(self.folder / TRIAL)
        return Trial.from_json({key: value for key, value in content.items() if key != "digest"})

    def best_weights(self) -> dict[str, np.ndarray]:
        return read_arrays(self.folder / BEST_WEIGHTS)[0]

    def environment(self) -> dict[str, Any]:
        return read_json(self.folder / ENVIRONMENT)


@dataclass(frozen=True)
class Store:
    """Where runs live: `<root>/runs/<name of the trial>`."""

    root: Path

    def run(self, trial: Trial) -> Run:
        return Run(self.root / "runs" / trial.name)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people can read, all or nothing."""
    write_whole(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON; `BadInput` if it is none."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not readable as JSON ({error}). Delete its folder and run again.") from None


def write_arrays(path: Path, arrays: Arrays, about: dict[str, Any] | None = None) -> None:
    """Write named arrays as safetensors, with JSON about them in its header, all or nothing."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_whole(path, save(contiguous, {"about": json.dumps(about or {})}))


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_arrays` wrote; `BadInput` if it is damaged."""
    try:
        with safe_open(path, "numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["about"])  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: damaged ({error}). Delete its folder and run again.") from None
