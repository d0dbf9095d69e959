"""Training trials: what is stored is not trained again, what was broken off goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shiftassay.arrays.dataset import Dataset
from shiftassay.arrays.image_set import digest_of
from shiftassay.errors import BadInput
from shiftassay.networks.classifier import Classifier, ModelCard
from shiftassay.networks.registry import build, parameters_of
from shiftassay.noise import seed_for
from shiftassay.runs.environment import environment
from shiftassay.runs.store import Run, Store
from shiftassay.runs.trial import Trial
from shiftassay.shifts.distorted import named_dataset
from shiftassay.training.engine import (
    SEMANTICS,
    EpochMetrics,
    Group,
    History,
    Member,
    Snapshot,
    run_group,
    shuffled_logits,
    split,
)
from shiftassay.training.path import available_cores, make_groups, run_groups
from shiftassay.training.recipe import Recipe, check_fits, recipe_named

Watch = Callable[[Trial, EpochMetrics], None]


@dataclass(frozen=True)
class Trained:
    """A trained member: its trial, the model, the metrics of every epoch, and its logits on the test set.

    `best` is the epoch with the highest test accuracy, kept where the recipe validates on the test set: an optimistic choice.
    """

    trial: Trial
    model: Classifier
    metrics: tuple[EpochMetrics, ...]
    test_logits: np.ndarray
    best: Snapshot | None
    folder: Path | None
    reused: bool


def train(
    network: str,
    data: Dataset | str = "mnist",
    *,
    recipe: Recipe | str | None = None,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    store: Path | None = None,
    device: str = "auto",
    watch: Watch | None = None,
) -> list[Trained]:
    """Train one member of a network for each seed.

    Without a `recipe` the one that is named like the network is taken, else seed-003. With a `store`, results are kept
    there, and a trial that is found there is read instead of trained. Raises `BadInput`.

    >>> from shiftassay.arrays.image_set import ImageSet
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 200)
    >>> images = (0.8 * labels[:, None, None, None] + 0.2 * rng.random((200, 1, 4, 4))).astype(np.float32)
    >>> toy = Dataset("toy", ImageSet(images[:100], labels[:100]), ImageSet(images[100:], labels[100:]))
    >>> recipe = Recipe("mine", epochs=20, batch_size=10, optimiser="adamw", learning_rate=0.01)
    >>> [member] = train("mlp", toy, recipe=recipe, parameters={"widths": [8]})
    >>> float((member.test_logits.argmax(1) == toy.test.labels).mean())
    1.0
    """
    dataset = named_dataset(data) if isinstance(data, str) else data
    resolved = resolve_recipe(network, recipe, epochs)
    check_fits(resolved, len(dataset.train))
    device = resolve_device(device)
    data_digest = digest_of(dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels)
    trials = [
        Trial(
            network=network,
            parameters={**parameters_of(network), **(parameters or {})},
            recipe=resolved.to_json(),
            data=dataset.name,
            data_digest=data_digest,
            seed=seed,
            device=device,
            semantics=SEMANTICS,
        )
        for seed in seeds
    ]
    runs = [Store(store).run(trial) if store else None for trial in trials]
    stored = {trial.seed: _stored(trial, run) for trial, run in zip(trials, runs, strict=True) if run and run.complete}
    missing = [(trial, run) for trial, run in zip(trials, runs, strict=True) if trial.seed not in stored]
    new = _train_missing(missing, resolved, dataset, watch) if missing else {}
    return [{**stored, **new}[trial.seed] for trial in trials]


def resolve_recipe(network: str, recipe: Recipe | str | None, epochs: int | None = None) -> Recipe:
    """The recipe meant: given, by its name, or the network's own; with another number of epochs if that is given."""
    if recipe is None:
        recipe = network if network == "mlp" else "seed-003"
    found = recipe_named(recipe) if isinstance(recipe, str) else recipe
    return replace(found, epochs=epochs) if epochs is not None else found


def resolve_device(device: str) -> str:
    """`auto` is `cuda` where there is one, else `cpu`; `BadInput` if a device is asked for that is not there."""
    if device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"device {device!r}: expected auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("device cuda: PyTorch finds no CUDA device here. Use --device cpu, or install a CUDA build.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def initial_network(trial: Trial, input_shape: tuple[int, int, int], classes: int) -> torch.nn.Module:
    """The untrained network of a trial: PyTorch's default initialisation from the trial's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(trial.seed, "initialisation"))
        return build(trial.network, input_shape, classes, trial.parameters)


def _train_missing(
    missing: Sequence[tuple[Trial, Run | None]], recipe: Recipe, dataset: Dataset, watch: Watch | None
) -> dict[int, Trained]:
    data = split(dataset.train, recipe.held_out, dataset.classes)
    if recipe.validate_on_test:
        data = replace(data, validation=dataset.test)
    trials, device = [trial for trial, _ in missing], missing[0][0].device
    networks = [initial_network(trial, dataset.train.shape, dataset.classes) for trial in trials]
    groups = make_groups(networks, recipe, data, [trial.seed for trial in trials], device)
    of_member = dict(zip((member for group in groups for member in group.members), missing, strict=True))
    for trial, run in missing:
        if run:
            run.begin(trial, {**environment(device, available_cores()), "population": len(missing)})

    def work(group: Group) -> list[Trained]:
        ours = [of_member[member] for member in group.members]
        watches = [partial(watch, trial) if watch else None for trial, _ in ours]
        histories = run_group(group, recipe, data, [run for _, run in ours], watches)
        return [
            _finish(member, trial, run, recipe, dataset, history)
            for member, (trial, run), history in zip(group.members, ours, histories, strict=True)
        ]

    return {trained.trial.seed: trained for together in run_groups(groups, work) for trained in together}


def _finish(
    member: Member, trial: Trial, run: Run | None, recipe: Recipe, dataset: Dataset, history: History
) -> Trained:
    logits = history.last.logits if history.last else shuffled_logits(member, dataset.test.images, recipe.epochs - 1)
    weights, best = member.weights(), history.best
    card = ModelCard(
        network=trial.network,
        parameters=trial.parameters,
        input_shape=dataset.train.shape,
        classes=dataset.classes,
        mean=recipe.mean,
        sd=recipe.sd,
        seed=trial.seed,
        data=dataset.name,
        trial=trial.digest,
    )
    if run:
        metrics = {"epochs": [m.to_json() for m in history.metrics], "best_epoch": best and best.epoch}
        predictions = {"test_logits": logits, **({"best_test_logits": best.logits} if best else {})}
        run.finish(card.to_json(), weights, metrics, predictions, best.weights if best else None)
    model = model_of(card, weights)
    return Trained(trial, model, tuple(history.metrics), logits, best, run.folder if run else None, reused=False)


def model_of(card: ModelCard, weights: Mapping[str, np.ndarray]) -> Classifier:
    """The model of a card with these weights, in evaluation mode."""
    model = Classifier.from_card(card)
    model.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return model.eval()


def _stored(trial: Trial, run: Run) -> Trained:
    card, weights, metrics, predictions = run.results()
    epochs = tuple(EpochMetrics(**epoch) for epoch in metrics["epochs"])
    model = model_of(ModelCard.from_json(card), weights)
    best = None
    if metrics["best_epoch"]:
        best = Snapshot(metrics["best_epoch"], run.best_weights(), predictions["best_test_logits"])
    return Trained(trial, model, epochs, predictions["test_logits"], best, run.folder, reused=True)
