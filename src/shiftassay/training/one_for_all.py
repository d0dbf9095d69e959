"""Training one model for several variants on a mixture of them.

A design takes as many steps on as many images as the plain network; what attacks cost beside that is counted.
"""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event

import torch

from shiftassay.execution.cores import available_cores
from shiftassay.files import reserve
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet, digest_of
from shiftassay.models.one_for_all import OneForAll, OneForAllCard
from shiftassay.models.predict import predict
from shiftassay.random_stream import seed_for
from shiftassay.records import Record, plain
from shiftassay.runs.environment import environment
from shiftassay.runs.recipe import Recipe, check_fits
from shiftassay.runs.results import EpochMetrics, Failure
from shiftassay.runs.store import Damaged, Mended, Run, Store
from shiftassay.runs.trial import Trial
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Context, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.training.engine import SEMANTICS, run_group, split
from shiftassay.training.group import Group, Member
from shiftassay.training.history import Diverged, History
from shiftassay.training.mixture import ATTACK_STEPS, ROUND, MixtureGroup, share_of
from shiftassay.training.path import run_groups
from shiftassay.training.train import REUSED, Watch, resolve_device, resolve_recipe, with_seconds
from shiftassay.words.numbers import DASH, percent

BEST_DESIGN = "undo"
WIDTHS = (500, 500, 500, 200, 200, 100, 50)


@dataclass(frozen=True)
class MixtureMetrics(Record):
    """Epochs, held-out accuracy on each variant, and the number of attacked images.

    The last counts the images whose gradient was taken.
    """

    epochs: tuple[EpochMetrics, ...]
    held_out: dict[str, float]
    attacks: int


@dataclass(frozen=True)
class TrainedForAll:
    """A trained model for several variants.

    `held_out` is its accuracy on held-out training images shown as each variant; `attacks` counts the images whose
    gradient was taken for attacks to train against.
    """

    trial: Trial
    model: OneForAll
    metrics: tuple[EpochMetrics, ...]
    held_out: dict[str, float]
    attacks: int
    folder: Path | None
    reused: bool

    def __str__(self) -> str:
        accuracies = ", ".join(f"{name} {percent(accuracy, 2)}" for name, accuracy in self.held_out.items())
        return f"{self.folder or self.trial.name}  validation {accuracies or DASH}{REUSED * self.reused}"

    def __repr__(self) -> str:
        return f"<TrainedForAll {self}>"


def train_one_for_all(
    shifts: Mapping[str, Shift],
    dataset: Dataset,
    *,
    design: str = BEST_DESIGN,
    recipe: Recipe | str = "mlp",
    epochs: int | None = None,
    seed: int = 0,
    widths: Sequence[int] = WIDTHS,
    store: Path | None = None,
    device: str = "auto",
    watch: Watch | None = None,
) -> TrainedForAll:
    """Train a design for the variants that these shifts make.

    The first is usually clean (`Identity`). With a `store` the result is kept there, and read if it is there already.
    Raises `BadInput`.
    """
    resolved = resolve_recipe("mlp", recipe, epochs)
    check_fits(resolved, len(dataset.train))
    realized = fixed(shifts, dataset.train.shape)
    variants = {name: dict(shift.to_json()) for name, shift in realized.items()}
    trial = Trial(
        network=f"one-for-all-{design}",
        parameters={
            "widths": list(widths),
            "variants": plain(variants),
            "round": ROUND,
            "shares": [share_of(shift) for shift in realized.values()],
            "attack_steps": ATTACK_STEPS,
        },
        recipe=resolved,
        data=dataset.name,
        data_digest=digest_of(dataset.train.images, dataset.train.labels),
        seed=seed,
        device=resolve_device(device),
        semantics=SEMANTICS,
    )
    card = OneForAllCard(
        design,
        realized,
        tuple(widths),
        dataset.train.shape,
        dataset.classes,
        resolved.mean,
        resolved.sd,
        seed,
        dataset.name,
        trial.digest,
    )
    run = Store(store).run(trial) if store else None
    if run is None:
        return _train(trial, card, realized, resolved, dataset, run, watch)
    if (stored := _stored(trial, run)) is not None:
        return stored
    with run.locked():
        return _stored(trial, run) or _train(trial, card, realized, resolved, dataset, run, watch)


def fixed(shifts: Mapping[str, Shift], shape: tuple[int, int, int]) -> dict[str, Shift]:
    """The shifts with shared parameters drawn as with seed 0.

    Those that choose images become the identity.
    """
    return {
        name: Identity() if shift.group == "sample" else shift.realize(shape, catalog.generator(shift, 0, "shared"))
        for name, shift in shifts.items()
    }


def held_out_accuracies(
    model: OneForAll, shifts: Mapping[str, Shift], validation: ImageSet, images: int = 1000
) -> dict[str, float]:
    """Accuracy on held-out training images shown as each variant.

    Attacks are fresh, on so many images.
    """
    accuracies = {}
    for name, shift in shifts.items():
        shown = validation.first(images) if shift.needs_model else validation
        assert shown.labels is not None
        on_variant = model.on(name)
        aimed_at = model.on(name, straight=True).requires_grad_(False)
        context = Context(shown.labels, aimed_at) if shift.needs_model else None
        shifted = catalog.shift(shown, shift, seed_for("held out"), context)
        accuracies[name] = float((predict(shifted.images, model=on_variant).argmax(1) == shown.labels).mean())
    return accuracies


def _train(
    trial: Trial,
    card: OneForAllCard,
    shifts: Mapping[str, Shift],
    recipe: Recipe,
    dataset: Dataset,
    run: Run | None,
    watch: Watch | None,
) -> TrainedForAll:
    model = OneForAll(card)
    data = split(dataset.train, recipe.held_out, dataset.classes)
    group = MixtureGroup(model, shifts, recipe, data, trial)
    n = group.size * group.rounds
    trained = replace(data, images=data.images[:n], labels=data.labels[:n], validation=None)

    def work(group: Group, stop: Event) -> History:
        with reserve(run.folder, _room(group.members[0])) if run else nullcontext():
            [history] = run_group(group, recipe, trained, [run], [partial(watch, trial) if watch else None], stop)
        return history

    if run:
        run.begin(trial, environment(trial.device, available_cores()))
    [history] = run_groups([group], work)
    if history.failure:
        raise _diverged(trial, history.failure)
    weights = group.member.weights()
    model.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    attacks = group.attacks * recipe.epochs
    held_out = held_out_accuracies(model.eval(), shifts, data.validation) if data.validation else {}
    if run:
        metrics = MixtureMetrics(tuple(history.metrics), held_out, attacks)
        run.finish(card.to_json(), weights, metrics, {}, seconds=[epoch.seconds for epoch in history.metrics])
    return TrainedForAll(
        trial, model, tuple(history.metrics), held_out, attacks, run.folder if run else None, reused=False
    )


def _diverged(trial: Trial, failure: Failure) -> Diverged:
    return Diverged(f"{trial.network} seed {trial.seed} failed: {failure}. A lower learning rate may help.")


def _room(member: Member) -> int:
    """About the bytes that the results take."""
    return sum(array.nbytes for array in member.weights().values()) + 1_000_000


def _stored(trial: Trial, run: Run) -> TrainedForAll | None:
    """The stored result of a trial; None if there is none.

    A damaged one counts as none, with a warning. Raises `Diverged`.
    """
    if (failure := run.failure()) is not None:
        raise _diverged(trial, failure)
    if not run.complete:
        return None
    try:
        run.tidy()
        run.check()
        card, weights, metrics = run.card(), run.weights(), run.metrics(MixtureMetrics)
    except Damaged as error:
        warnings.warn(error.and_so("It is trained again"), Mended, stacklevel=3)
        return None
    model = OneForAll(OneForAllCard.from_json(card))
    model.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    epochs = with_seconds(metrics.epochs, run)
    return TrainedForAll(trial, model.eval(), epochs, metrics.held_out, metrics.attacks, run.folder, reused=True)
