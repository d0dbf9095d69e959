"""A finished training as one file: written into docs/results/trials, and put back into a store.

It holds the trial, what it was made with, metrics of every epoch, weights after the last and the best epoch, and the
answers to the test set. Logits are not kept: they are computed again from the weights, and have to give those answers.
"""

import lzma
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from shiftassay.files import write_whole
from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.classifier import ModelCard
from shiftassay.records import Record
from shiftassay.runs.arrays import packed, unpacked
from shiftassay.runs.environment import Environment
from shiftassay.runs.results import Metrics
from shiftassay.runs.store import Run
from shiftassay.runs.trial import Trial
from shiftassay.sealed import Damaged
from shiftassay.training.engine import shuffled_logits
from shiftassay.training.group import TrainingData
from shiftassay.training.path import make_groups
from shiftassay.training.train import initial_network

ENDING = ".safetensors.xz"
LAST, BEST = "last", "best"
# Four bytes to a number, of which the first ones resemble each other.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lc": 0, "lp": 2, "pb": 2}]
TIE = 1e-4  # two logits that are closer may change places where another processor rounds otherwise


@dataclass(frozen=True)
class Kept(Record):
    """What a file says beside weights and answers."""

    trial: Trial
    card: ModelCard
    metrics: Metrics
    environment: Environment


def trial_file(folder: Path, trial: Trial) -> Path:
    return folder / f"{trial.name}{ENDING}"


def write_trial(folder: Path, run: Run) -> Path:
    """Write a finished run into a folder as one file. Raises `Damaged`."""
    run.check()
    environment = run.environment()
    if environment is None:
        raise Damaged(run.folder, "what it was made with is not known")
    metrics, logits = run.metrics(Metrics), run.predictions()
    kept = Kept(run.trial(), ModelCard.from_json(run.card()), metrics, environment)
    arrays = _named(LAST, run.weights(), logits["test_logits"])
    if metrics.best_epoch:
        arrays |= _named(BEST, run.best_weights(), logits["best_test_logits"])
    return write_whole(
        trial_file(folder, kept.trial),
        lzma.compress(packed(arrays, kept.to_json()), lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS),
    )


def restore_trial(path: Path, trial: Trial, dataset: Dataset, run: Run) -> None:
    """Put the run of a trial that a file holds into its folder in a store. Raises `Damaged`.

    The run is the one that was trained, file by file; on another kind of processor, up to rounding of its logits.
    """
    try:
        arrays, about = unpacked(lzma.decompress(path.read_bytes()), path)
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise Damaged(path, f"damaged ({error})") from None
    kept = Kept.from_json(about)
    if kept.trial.digest != trial.digest:
        raise Damaged(path, f"holds another trial ({kept.trial.name}, and {trial.name} is asked for)")
    metrics, best = kept.metrics, kept.metrics.best_epoch
    weights, logits = _checked(LAST, arrays, len(metrics.epochs), trial, dataset, path)
    best_weights, best_logits = _checked(BEST, arrays, best, trial, dataset, path) if best else (None, None)
    predictions = {"test_logits": logits, **({} if best_logits is None else {"best_test_logits": best_logits})}
    with run.locked():
        run.begin(trial, replace(kept.environment, seconds=None))
        seconds = kept.environment.seconds
        run.finish(kept.card.to_json(), weights, metrics, predictions, best_weights, seconds)


def _named(state: str, weights: dict[str, np.ndarray], logits: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a state: its weights, and its answers in the order of the test set."""
    answers = {f"{state}/answers": logits.argmax(1).astype(np.uint8)}
    return {**{f"{state}/weights/{name}": array for name, array in weights.items()}, **answers}


def _checked(
    state: str, arrays: dict[str, np.ndarray], epochs: int, trial: Trial, dataset: Dataset, path: Path
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The weights of a state, and its logits, which are computed again as after that epoch of the training."""
    prefix = f"{state}/weights/"
    weights = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    network = initial_network(trial, dataset.train.shape, dataset.classes)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    one = dataset.train.first(1)  # nothing is trained
    assert one.labels is not None
    data = TrainingData(one.images, one.labels, None, dataset.classes)
    [group] = make_groups([network], trial.recipe, data, [trial.seed], trial.device)
    logits = shuffled_logits(group.members[0], dataset.test.images, epochs - 1)
    top = np.sort(logits, axis=1)
    clear = top[:, -1] - top[:, -2] > TIE
    if not np.array_equal(logits.argmax(1)[clear], arrays[f"{state}/answers"][clear]):
        raise Damaged(path, f"the weights of the {state} epoch do not give the answers that are kept with them")
    return weights, logits
