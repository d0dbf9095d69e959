"""A study of architectures at work: its settings, data and members, and how these are trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from rich.console import Console

from shiftassay.imagesets.dataset import Dataset
from shiftassay.records import JsonValue
from shiftassay.runs.recipe import Recipe
from shiftassay.studies.architectures.members import Members
from shiftassay.studies.architectures.study import Architectures
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
        for network in study.networks:
            try:
                trained[network] = train_members(experiment, network, range(seeds))
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


def train_members(
    experiment: Experiment,
    network: str,
    seeds: Sequence[int],
    *,
    parameters: Mapping[str, JsonValue] | None = None,
    recipe: Recipe | None = None,
    dataset: Dataset | None = None,
    note: str = "",
) -> list[Trained]:
    """Members of a network, trained or read from the store.

    By default they have the study's recipe and data. `note` says on the console what is special about them. Raises
    `TrainingFailed`.
    """
    recipe = recipe or experiment.study.training_recipe()
    name = f"{network} ({note})" if note else network
    experiment.console.print(spoken(f"{name}: {len(seeds)} × {recipe.epochs} epochs"))
    with progress(len(seeds), recipe.epochs, experiment.console) as watch:
        return train(
            network,
            dataset or experiment.dataset,
            recipe=recipe,
            seeds=seeds,
            parameters=parameters,
            store=experiment.store,
            device=experiment.device,
            watch=watch,
        )
