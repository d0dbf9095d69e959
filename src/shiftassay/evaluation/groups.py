"""Runs put into groups: which seeds of which network got which test image right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import digest_of
from shiftassay.imagesets.left_out import Region, leaving_out
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.networks.registry import parameters_of
from shiftassay.runs.store import Run
from shiftassay.runs.trial import Trial


@dataclass(frozen=True, eq=False)
class Groups:
    """By group, which seeds it holds, and which of the test images each of them got right."""

    right: Mapping[str, Bool[np.ndarray, "seeds n"]]
    seeds: Mapping[str, Sequence[int]]


def read_groups(folders: Sequence[Path], leave_out: Sequence[Region] = ()) -> Groups:
    """The runs' groups, named after what differs: network, parameters, recipe.

    Seeds are in their order. With regions to `leave_out`, the models are asked again, of test images that show the mean
    grey there (see `leaving_out`). Raises `BadInput` for folders that are no finished runs, runs on different data, or
    a trial that is given twice.
    """
    runs = [(folder, *_read(folder)) for folder in folders]
    first = runs[0][1]
    for folder, trial, _ in runs:
        if trial.data_digest != first.data_digest:
            raise BadInput(
                f"{folder}: trained on {trial.data}, {folders[0]} on {first.data} (or other images of that name). "
                "Compare runs on the same data."
            )
    if len({trial.digest for _, trial, _ in runs}) < len(runs):
        raise BadInput("the same run is given twice. Give each folder once.")
    dataset = named_dataset(first.data)
    labels = dataset.test.labels
    if digest_of(dataset.train.images, dataset.train.labels, dataset.test.images, labels) != first.data_digest:
        raise BadInput(f"{first.data}: not the images that {folders[0]} was trained on; they have changed since.")
    if len(leave_out):
        test = leaving_out(dataset.test, leave_out)
        runs = [(folder, trial, predict(test.images, model=load_model(folder))) for folder, trial, _ in runs]
    members: dict[str, list[tuple[int, np.ndarray]]] = {}
    for _, trial, logits in runs:
        members.setdefault(_name(trial, [other for _, other, _ in runs]), []).append(
            (trial.seed, logits.argmax(1) == labels)
        )
    ordered = {name: sorted(group, key=lambda member: member[0]) for name, group in members.items()}
    return Groups(
        right={name: np.stack([right for _, right in group]) for name, group in ordered.items()},
        seeds={name: [seed for seed, _ in group] for name, group in ordered.items()},
    )


def _read(folder: Path) -> tuple[Trial, np.ndarray]:
    run = Run(folder)
    if not run.complete or not run.has_trial:
        raise BadInput(f"{folder}: not the folder of a finished run. Train with: shiftassay train NETWORK --out DIR.")
    predictions = run.predictions()
    if "test_logits" not in predictions:
        raise BadInput(f"{folder}: a model for several variants, which no one test set judges. Leave it out.")
    return run.trial(), predictions["test_logits"]


def _name(trial: Trial, among: Sequence[Trial]) -> str:
    """A group's name: the network, its changed parameters, and what differs in its recipe."""
    defaults = parameters_of(trial.network)
    differences = [f"{key} {value}" for key, value in trial.parameters.items() if value != defaults.get(key)]
    recipes = [other.recipe.to_json() for other in among]
    differences += [f"{k} {v}" for k, v in trial.recipe.to_json().items() if any(recipe[k] != v for recipe in recipes)]
    return trial.network + (f" ({', '.join(differences)})" if differences else "")
