"""A study of architectures at work: its settings, data and members, and how these are trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from rich.console import Console

from shiftassay.imagesets.dataset import Dataset
from shiftassay.studies.architectures.members import Members
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.architectures.trainings import Training, network_trainings
from shiftassay.studies.measurements import Measurements
from shiftassay.training.history import Diverged
from shiftassay.training.progress import progress
from shiftassay.training.train import Failed, Trained, TrainingFailed, train
from shiftassay.words.terminal import spoken

FIRST_SEEDS = 3


@dataclass(frozen=True)
class Experiment:
    """What the sections of a study measure.

    `labels` are those of the test set; models are stored under `store`.
    """

    study: Architectures
    dataset: Dataset
    labels: Int64[np.ndarray, "n"]
    members: Members
    store: Path
    measurements: Measurements
    device: str
    console: Console


def train_networks(experiment: Experiment) -> tuple[Experiment, list[Failed]]:
    """The experiment with its trained members, and the members whose training failed.

    Seeds are blocks: a seed with which one network failed is left out of all networks. A network of which every seed
    failed is left out altogether. Raises `Diverged` if the control failed, or no seed trained in all other networks.
    """
    study = experiment.study
    trained: dict[str, Sequence[Trained]] = {}
    failures: list[Failed] = []
    # Three seeds of every network before more of any: a study that is interrupted is then a comparison all the same.
    for seeds in sorted({min(FIRST_SEEDS, study.seeds), study.seeds}):
        trained, failures = {}, []
        for network, training in network_trainings(study, range(seeds)).items():
            try:
                trained[network] = train_members(experiment, training)
            except TrainingFailed as error:
                trained[network] = error.trained
                failures += error.failures
    if not failures:
        return replace(experiment, members=trained), []
    networks = tuple(network for network in study.networks if trained[network])
    seeds = [{member.trial.seed for member in trained[network]} for network in networks]
    common = set.intersection(*seeds) if seeds else set()
    if not common or study.control not in networks:
        raise Diverged(f"{'; '.join(map(str, failures))}. Nothing remains to compare with {study.control}.")
    claims = tuple(claim for claim in study.claims if claim.network in networks)
    study = study.model_copy(update={"networks": networks, "seeds": len(common), "claims": claims})
    members = {name: [member for member in trained[name] if member.trial.seed in common] for name in networks}
    return replace(experiment, study=study, members=members), failures


def seeds_of(experiment: Experiment) -> list[int]:
    """The seeds of every network of the study."""
    return [member.trial.seed for member in next(iter(experiment.members.values()))]


def train_members(experiment: Experiment, training: Training, dataset: Dataset | None = None) -> list[Trained]:
    """The members of a training, trained or read from the store.

    On the study's data by default. Raises `TrainingFailed`.
    """
    name = f"{training.network} ({training.note})" if training.note else training.network
    seeds, epochs = training.seeds, training.recipe.epochs
    experiment.console.print(spoken(f"{name}: {len(seeds)} × {epochs} epochs"))
    with progress(len(seeds), epochs, experiment.console) as watch:
        return train(
            training.network,
            dataset or experiment.dataset,
            recipe=training.recipe,
            seeds=seeds,
            parameters=training.parameters,
            store=experiment.store,
            device=experiment.device,
            watch=watch,
        )
