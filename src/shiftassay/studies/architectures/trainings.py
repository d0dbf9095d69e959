"""What a study of architectures trains on its own data, apart from its factorial experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shiftassay.records import JsonValue, Record
from shiftassay.runs.recipe import Recipe
from shiftassay.studies.architectures.study import Architectures


@dataclass(frozen=True)
class Training(Record):
    """Members of one network, trained alike over seeds.

    `note` says what is special about them.
    """

    network: str
    seeds: tuple[int, ...]
    recipe: Recipe
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    note: str = ""


def all_trainings(study: Architectures) -> list[Training]:
    """Every training of the study on its own data, over all its seeds."""
    seeds = range(study.seeds)
    parts = (network_trainings, selection_trainings, head_trainings, ablation_trainings)
    return [training for part in parts for training in part(study, seeds).values()]


def network_trainings(study: Architectures, seeds: Sequence[int]) -> dict[str, Training]:
    """The networks by the study's recipe."""
    return {name: Training(name, tuple(seeds), study.training_recipe()) for name in study.networks}


def selection_trainings(study: Architectures, seeds: Sequence[int]) -> dict[str, Training]:
    """The networks that are trained once more with some training images held out."""
    settings = study.selection
    if not settings.held_out:
        return {}
    recipe, note = study.training_recipe(held_out=settings.held_out), f"{settings.held_out:,} images held out"
    return {name: Training(name, tuple(seeds)[: settings.seeds], recipe, note=note) for name in settings.networks}


def head_trainings(study: Architectures, seeds: Sequence[int]) -> dict[str, Training]:
    """The variants of the network whose heads and position code are varied, by name."""
    settings = study.heads
    if settings is None:
        return {}
    recipe, own = study.training_recipe(epochs=settings.epochs), tuple(range(settings.seeds))
    return {
        name: Training(settings.network, own, recipe, parameters, name)
        for name, parameters in settings.variants.items()
    }


def ablation_trainings(study: Architectures, seeds: Sequence[int]) -> dict[str, Training]:
    """The ablations by name."""
    return {
        ablation.name: Training(
            ablation.network,
            tuple(seeds)[: ablation.seeds],
            study.training_recipe(**ablation.recipe),
            ablation.parameters,
            ablation.name,
        )
        for ablation in study.ablations
    }
