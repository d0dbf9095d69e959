"""`python -m benchmarks.trials`: the long trainings of spatial-attention, kept as data in docs/results/trials.

What is there is put into the store first, so that `shiftassay run spatial-attention --full` in a fresh clone trains
none of it again. Then what is missing is trained, all trainings of one seed before those of the next, and each that is
finished is written there as one file. The same command goes on where it was stopped: with the next trial on another
machine, with the last checkpoint on the same one.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import time

import torch
from benchmarks.result_file import result_file
from benchmarks.trial_file import restore_trial, trial_file, write_trial

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset, load_dataset
from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.store import Store
from shiftassay.runs.trial import Trial
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.architectures.trainings import Training, all_trainings
from shiftassay.studies.schema import load_study
from shiftassay.training.train import planned_trials, train

TRIALS = Path(__file__).parent.parent / "docs" / "results" / "trials"
STUDY = "spatial-attention"
DEVICE = "cpu"  # part of a trial: on a GPU these are other trials

Planned = tuple[Training, Trial]


class TimeOver(Exception):  # noqa: N818  # stopping is no error
    """The minutes are over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the study's runs are stored")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, with one thread each")
    parser.add_argument("--minutes", type=float, help="stop after so many; 0 trains nothing")
    arguments = parser.parse_args()
    end = None if arguments.minutes is None else time() + 60 * arguments.minutes
    study, dataset = full_study(), load_dataset("mnist")
    planned = plan(study, dataset)
    store = Store(arguments.out)
    print(f"{restore_all(planned, dataset, store, TRIALS)} of {len(planned)} trials put into {store.root}", flush=True)
    missing = [
        (training, trial)
        for training, trial in planned
        if not (store.run(trial).complete and trial_file(TRIALS, trial).exists())
    ]
    if not missing or arguments.minutes == 0:
        return
    result_file(trial_file(TRIALS, missing[0][1]))
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers, which have not begun yet
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        work = partial(train_one, store=store, folder=TRIALS, end=end)
        futures = {pool.submit(work, training, trial.seed): trial for training, trial in missing}
        for future in as_completed(futures):
            if (path := future.result()) is not None:
                print(f"{path.name}, {path.stat().st_size / 1000:.0f} kB", flush=True)
    there = sum(trial_file(TRIALS, trial).exists() for _, trial in planned)
    print(f"{there} of {len(planned)} trials are in {TRIALS}")


def full_study() -> Architectures:
    _, study = load_study(STUDY)
    assert isinstance(study, Architectures)
    return study.sized("full", None)


def plan(study: Architectures, dataset: Dataset) -> list[Planned]:
    """Every trial of the study's trainings, those of the first seed first."""
    planned = [
        (training, trial)
        for training in all_trainings(study)
        for trial in planned_trials(
            training.network, dataset, training.recipe, training.seeds, training.parameters, DEVICE
        )
    ]
    return sorted(planned, key=lambda pair: pair[1].seed)


def restore_all(planned: list[Planned], dataset: Dataset, store: Store, folder: Path) -> int:
    """Put all trials that are kept in a folder into the store. Returns how many of them it holds then.

    A damaged file is named, and its trial is left out.
    """
    there = 0
    for _, trial in planned:
        path, run = trial_file(folder, trial), store.run(trial)
        if path.exists() and not run.complete:
            try:
                restore_trial(path, trial, dataset, run)
            except BadInput as error:
                print(error, file=sys.stderr, flush=True)
        there += run.complete
    return there


def train_one(training: Training, seed: int, *, store: Store, folder: Path, end: float | None) -> Path | None:
    """The file of a trial that is trained; None where time was over before its end."""
    torch.set_num_threads(1)

    def watch(trial: Trial, metrics: EpochMetrics) -> None:
        if end is not None and time() > end and metrics.epoch < training.recipe.epochs:
            raise TimeOver

    if end is not None and time() > end:
        return None
    try:
        [member] = train(
            training.network,
            "mnist",
            recipe=training.recipe,
            seeds=[seed],
            parameters=training.parameters,
            store=store.root,
            device=DEVICE,
            watch=watch,
        )
    except TimeOver:
        return None
    return write_trial(folder, store.run(member.trial))


if __name__ == "__main__":
    main()
