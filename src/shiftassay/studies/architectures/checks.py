"""What a study of architectures names must exist: checked before anything is trained."""

from collections.abc import Iterator
from itertools import product

import torch

from shiftassay.datasets.distorted import check_name
from shiftassay.errors import BadInput, unknown_name
from shiftassay.imagesets.dataset import Dataset
from shiftassay.networks.registry import build, check_parameters
from shiftassay.runs.recipe import recipe_named
from shiftassay.shifts.catalog import parse
from shiftassay.studies.architectures.study import Architectures, Settings


def check_study(study: Architectures, dataset: Dataset) -> None:
    """Raise `BadInput` for a name or value that can't be used."""
    recipe = recipe_named(study.recipe)
    if not recipe.validate_on_test:
        raise BadInput(
            f"recipe {study.recipe}: a study of architectures reads its runs on the test set after every epoch. Use "
            "one that "
            "validates on the test set, such as seed-003."
        )
    _check_networks(study)
    if study.selection.held_out >= len(dataset.train):
        raise BadInput(f"selection: {study.selection.held_out} images held out of {len(dataset.train)}.")
    for network, parameters, changes in _variations(study):
        check_parameters(network, parameters)
        with torch.random.fork_rng(devices=[]):
            build(network, dataset.train.shape, dataset.classes, parameters)
        for setting in changes:
            if setting not in vars(recipe):
                raise unknown_name("setting of a recipe", setting, vars(recipe))
    for name in study.distortions.datasets if study.distortions else ():
        check_name(name)
    for text in study.robustness.shifts if study.robustness else ():
        parse(text)


def _check_networks(study: Architectures) -> None:
    for name in (*study.networks, *(claim.network for claim in study.claims)):
        check_parameters(name, ())
    if len(set(study.networks)) < len(study.networks):
        raise BadInput(f"networks: {', '.join(study.networks)}. Name each once.")
    if study.control not in study.networks:
        raise unknown_name("control among the networks", study.control, study.networks)
    for network in study.selection.networks:
        if network not in study.networks:
            raise unknown_name("network of the selection among the study's", network, study.networks)
    if study.heads and study.heads.reference not in study.heads.variants:
        raise unknown_name("reference among the variants of heads", study.heads.reference, study.heads.variants)
    for ablation in study.ablations:
        if ablation.network not in study.networks or ablation.name in study.networks:
            raise BadInput(
                f"ablation {ablation.name!r} of {ablation.network}: it needs a name of its own, and a network among "
                "the study's."
            )


def _variations(study: Architectures) -> Iterator[tuple[str, Settings, Settings]]:
    """Each network that is trained, with its parameters and its changes of the recipe."""
    for network in study.networks:
        yield network, {}, {}
    for ablation in study.ablations:
        yield ablation.network, ablation.parameters, ablation.recipe
    if study.heads:
        for parameters in study.heads.variants.values():
            yield study.heads.network, parameters, {}
    if study.suggestions:
        suggestions = study.suggestions
        for name, changes in suggestions.optimizers.items():
            rates = changes.get("learning_rate", [0.0])
            rates = rates if isinstance(rates, list) else [rates]
            if not (rates and all(isinstance(rate, int | float) for rate in rates)):
                raise BadInput(f"optimizers: {name}: learning_rate: expected a number or several, found {rates}.")
        for network, dropout, changes in product(
            suggestions.networks, suggestions.dropout, suggestions.optimizers.values()
        ):
            yield network, {"dropout": dropout}, changes
    if study.distortions:
        yield study.control, {}, study.distortions.recipe
