"""Training trials: stored results are reused, interrupted trainings are resumed."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import torch

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.execution.cores import available_cores
from shiftassay.files import reserve, sweep
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import digest_of
from shiftassay.locks import all_locked
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.predict import predict
from shiftassay.networks.registry import NETWORKS, build, parameters_of
from shiftassay.random_stream import seed_for
from shiftassay.records import JsonValue, plain
from shiftassay.runs.environment import environment
from shiftassay.runs.recipe import Recipe, check_fits, recipe_named
from shiftassay.runs.results import EpochMetrics, Failure, Metrics
from shiftassay.runs.store import Damaged, Mended, Run, Store
from shiftassay.runs.trial import Trial
from shiftassay.training.engine import SEMANTICS, run_group, shuffled_logits, split
from shiftassay.training.group import Group, Member
from shiftassay.training.history import Diverged, History, Snapshot
from shiftassay.training.path import make_groups, run_groups
from shiftassay.words.numbers import percent

ASKED = 256  # test images
REUSED = "  (was there already)"

Watch = Callable[[Trial, EpochMetrics], None]


@dataclass(frozen=True)
class Trained:
    """A trained member: its trial, model, metrics of every epoch, and logits on the test set.

    `best` is the epoch with the highest test accuracy, kept where the recipe validates on the test set: an optimistic
    choice.
    """

    trial: Trial
    model: Classifier
    metrics: tuple[EpochMetrics, ...]
    test_logits: np.ndarray
    best: Snapshot | None
    folder: Path | None
    reused: bool

    def __str__(self) -> str:
        last = self.metrics[-1]
        accuracy = last.validation_accuracy
        validation = f"  validation {percent(accuracy, 2)}" if accuracy is not None else ""
        return f"{self.folder or self.trial.name}  loss {last.loss:.4f}{validation}{REUSED * self.reused}"

    def __repr__(self) -> str:
        return f"<Trained {self}>"


@dataclass(frozen=True)
class Failed:
    """A member whose training did not end in a model, and where it ended instead."""

    trial: Trial
    failure: Failure
    folder: Path | None

    def __str__(self) -> str:
        return f"{self.trial.network} seed {self.trial.seed} failed: {self.failure}"


class TrainingFailed(Diverged):
    """Some members failed.

    `trained` holds the others, which are stored like any; `failures` holds those that failed.
    """

    def __init__(self, trained: list[Trained], failures: list[Failed]):
        super().__init__("; ".join(map(str, failures)) + ". A lower learning rate may help.")
        self.trained, self.failures = trained, failures


def train(
    network: str,
    data: Dataset | str = "mnist",
    *,
    recipe: Recipe | str | None = None,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    parameters: Mapping[str, JsonValue] | None = None,
    store: str | Path | None = None,
    device: str = "auto",
    watch: Watch | None = None,
) -> list[Trained]:
    """Train one member of a network for each seed.

    Without a `recipe` the one that is named like the network is taken, else seed-003. With a `store`, results are
    kept there, and a trial that is found there is read instead of trained. Raises `BadInput`, and `TrainingFailed`,
    once all members have come to an end, if the numbers of one stopped being finite.

    >>> from shiftassay.imagesets.image_set import ImageSet
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 200)
    >>> images = (0.8 * labels[:, None, None, None] + 0.2 * rng.random((200, 1, 4, 4))).astype(np.float32)
    >>> toy = Dataset("toy", ImageSet(images[:100], labels[:100]), ImageSet(images[100:], labels[100:]))
    >>> recipe = Recipe("mine", epochs=20, batch_size=10, optimizer="adamw", learning_rate=0.01)
    >>> [member] = train("mlp", toy, recipe=recipe, parameters={"widths": [8]})
    >>> float((member.test_logits.argmax(1) == toy.test.labels).mean())
    1.0
    """
    dataset = named_dataset(data) if isinstance(data, str) else data
    resolved = resolve_recipe(network, recipe, epochs)
    trials = planned_trials(network, dataset, resolved, seeds, parameters, device)
    runs = [Store(Path(store)).run(trial) if store else None for trial in trials]
    done = _ended(trials, runs)
    with all_locked([run.folder for trial, run in zip(trials, runs, strict=True) if run and trial.seed not in done]):
        done |= _ended(*_without(done, trials, runs))  # what another command has finished meanwhile
        missing = list(zip(*_without(done, trials, runs), strict=True))
        done |= _train_missing(missing, resolved, dataset, watch) if missing else {}
    members = [done[trial.seed] for trial in trials]
    trained = [member for member in members if isinstance(member, Trained)]
    failures = [member for member in members if isinstance(member, Failed)]
    if failures:
        raise TrainingFailed(trained, failures)
    return trained


def planned_trials(
    network: str,
    dataset: Dataset,
    recipe: Recipe,
    seeds: Sequence[int],
    parameters: Mapping[str, JsonValue] | None = None,
    device: str = "auto",
) -> list[Trial]:
    """The trials that `train` trains with these arguments. Raises `BadInput` where it would."""
    check_fits(recipe, len(dataset.train))
    _check_data(dataset)
    data_digest = digest_of(dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels)
    settings = {name: plain(value) for name, value in {**parameters_of(network), **(parameters or {})}.items()}
    return [
        Trial(
            network=network,
            parameters=settings,
            recipe=recipe,
            data=dataset.name,
            data_digest=data_digest,
            seed=seed,
            device=resolve_device(device),
            semantics=SEMANTICS,
        )
        for seed in seeds
    ]


def _without(
    done: Mapping[int, object], trials: Sequence[Trial], runs: Sequence[Run | None]
) -> tuple[list[Trial], list[Run | None]]:
    missing = [(trial, run) for trial, run in zip(trials, runs, strict=True) if trial.seed not in done]
    return [trial for trial, _ in missing], [run for _, run in missing]


def _ended(trials: Sequence[Trial], runs: Sequence[Run | None]) -> dict[int, "Trained | Failed"]:
    """Stored results and failures, by seed.

    What is damaged is left out, to be trained again, with a warning.
    """
    ended: dict[int, Trained | Failed] = {}
    for trial, run in zip(trials, runs, strict=True):
        if run and (failure := run.failure()) is not None:
            ended[trial.seed] = Failed(trial, failure, run.folder)
        elif run and run.complete:
            try:
                ended[trial.seed] = _stored(trial, run)
            except Damaged as error:
                warnings.warn(error.and_so("It is trained again"), Mended, stacklevel=3)
    return ended


def _check_data(dataset: Dataset) -> None:
    """Raise `BadInput` for images or labels that can't be trained on.

    That is: images that are not finite, and labels that skip most of their numbers.
    """
    for part in (dataset.train, dataset.test):
        if not np.isfinite(part.images).all():
            raise BadInput(f"{part.name}: it holds NaN or infinity. Repair or leave out those images.")
    if dataset.train.labels is None:
        raise BadInput(f"{dataset.train.name}: no labels to train on. Put labels.npy beside the images.")
    distinct = len(np.unique(dataset.train.labels))
    if dataset.classes > 10 * distinct + 1000:
        raise BadInput(
            f"{dataset.train.name}: its labels run up to {dataset.classes - 1:,}, but only {distinct:,} of them occur. "
            f"Number the classes from 0 to {distinct - 1:,}."
        )


def resolve_recipe(network: str, recipe: Recipe | str | None, epochs: int | None = None) -> Recipe:
    """The recipe meant: an object, a name, or none for the network's own.

    `epochs`, if given, replaces its number of epochs.
    """
    if recipe is None:
        recipe = NETWORKS[network].recipe
    resolved = recipe_named(recipe) if isinstance(recipe, str) else recipe
    return replace(resolved, epochs=epochs) if epochs is not None else resolved


def resolve_device(device: str) -> str:
    """The device to train on: `auto` is `cuda` where there is one, else `cpu`.

    Raises `BadInput` if a device is asked for that is not there.
    """
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
) -> dict[int, Trained | Failed]:
    data = split(dataset.train, recipe.held_out, dataset.classes)
    if recipe.validate_on_test:
        data = replace(data, validation=dataset.test, held_out=data.validation)
    trials, device = [trial for trial, _ in missing], missing[0][0].device
    networks = [initial_network(trial, dataset.train.shape, dataset.classes) for trial in trials]
    groups = make_groups(networks, recipe, data, [trial.seed for trial in trials], device)
    of_member = dict(zip((member for group in groups for member in group.members), missing, strict=True))
    for trial, run in missing:
        if run:
            sweep(run.folder, older_than=0)
            run.begin(trial, environment(device, available_cores(), len(missing)))

    def work(group: Group, stop: Event) -> list[Trained | Failed]:
        ours = [of_member[member] for member in group.members]
        watches = [partial(watch, trial) if watch else None for trial, _ in ours]
        with ExitStack() as stack:
            for member, (_, run) in zip(group.members, ours, strict=True):
                if run:
                    stack.enter_context(reserve(run.folder, _room(member, recipe, dataset)))
            histories = run_group(group, recipe, data, [run for _, run in ours], watches, stop)
        return [
            _finish(member, trial, run, recipe, dataset, history, group.steps)
            for member, (trial, run), history in zip(group.members, ours, histories, strict=True)
        ]

    return {member.trial.seed: member for together in run_groups(groups, work) for member in together}


def _room(member: Member, recipe: Recipe, dataset: Dataset) -> int:
    """About the number of bytes that a member's results take.

    They are reserved before training, so that a full disk loses no result.
    """
    weights = sum(array.nbytes for array in member.weights().values())
    logits = 4 * len(dataset.test) * dataset.classes
    return (2 if recipe.validate_on_test else 1) * (weights + logits) + 2000 * recipe.epochs + 1_000_000


def _finish(
    member: Member, trial: Trial, run: Run | None, recipe: Recipe, dataset: Dataset, history: History, steps: int
) -> "Trained | Failed":
    if history.failure:
        return Failed(trial, history.failure, run.folder if run else None)
    logits = history.last.logits if history.last else shuffled_logits(member, dataset.test.images, recipe.epochs - 1)
    weights, best = member.weights(), history.best
    card = ModelCard(
        network=trial.network,
        parameters=dict(trial.parameters),
        input_shape=dataset.train.shape,
        classes=dataset.classes,
        mean=recipe.mean,
        sd=recipe.sd,
        seed=trial.seed,
        data=dataset.name,
        trial=trial.digest,
    )
    model = model_of(card, weights)
    # Asked in PyTorch too, as whoever loads it will: near the largest numbers two ways to add up differ in what
    # overflows.
    asked = predict(dataset.test.images[:ASKED], model=model, finite=False)
    if not (np.isfinite(logits).all() and np.isfinite(asked).all()):
        failure = Failure(recipe.epochs, steps, "an answer to an image of the test set")
        if run:
            run.fail(failure)
        return Failed(trial, failure, run.folder if run else None)
    if run:
        metrics = Metrics(tuple(history.metrics), best.epoch if best else None)
        predictions = {"test_logits": logits, **({"best_test_logits": best.logits} if best else {})}
        seconds = [epoch.seconds for epoch in history.metrics]
        run.finish(card.to_json(), weights, metrics, predictions, best.weights if best else None, seconds)
    return Trained(trial, model, tuple(history.metrics), logits, best, run.folder if run else None, reused=False)


def model_of(card: ModelCard, weights: Mapping[str, np.ndarray]) -> Classifier:
    """The model of a card with these weights, in evaluation mode."""
    model = Classifier.from_card(card)
    model.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return model.eval()


def _stored(trial: Trial, run: Run) -> Trained:
    run.tidy()
    run.check()
    metrics, predictions, card = run.metrics(Metrics), run.predictions(), ModelCard.from_json(run.card())
    epochs = with_seconds(metrics.epochs, run)
    best = None
    if metrics.best_epoch:
        best = Snapshot(metrics.best_epoch, run.best_weights(), predictions["best_test_logits"])
    return Trained(
        trial, model_of(card, run.weights()), epochs, predictions["test_logits"], best, run.folder, reused=True
    )


def with_seconds(epochs: Sequence[EpochMetrics], run: Run) -> tuple[EpochMetrics, ...]:
    """A finished run's epochs with their seconds.

    These are in its environment, if that is undamaged.
    """
    environment = run.environment()
    seconds = (environment and environment.seconds) or [None] * len(epochs)
    return tuple(replace(epoch, seconds=taken) for epoch, taken in zip(epochs, seconds, strict=True))
