"""One model for all variants, which is told the variant of an image.

Designs are compared with one specialist for each variant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from torch import nn

from shiftassay.evaluation.attack_set import QUICK, AttackBudget, Robustness, attack_set, joined
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronts import front_of
from shiftassay.models.one_for_all import OneForAll, design_of
from shiftassay.models.predict import predict
from shiftassay.networks.mlp import Mlp
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.results import total_seconds
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import wilson
from shiftassay.studies.shifted.served_accuracy import Right, accuracy_of, differences, when_told
from shiftassay.studies.shifted.served_variants import (
    AccuracyWhenTold,
    MeasuredDesign,
    MeasuredRouter,
    ServedVariant,
    ServedVariants,
    TrainingTimes,
)
from shiftassay.studies.shifted.subset import evenly_spaced
from shiftassay.training.one_for_all import WIDTHS, TrainedForAll, fixed, train_one_for_all
from shiftassay.training.progress import progress
from shiftassay.training.router import train_router
from shiftassay.words.terminal import spoken

SPECIALISTS = "specialists"
BEST_TWO = ("undo", "undo-and-id")
BASELINES = ("clean-only", "mixture")  # what the others are compared with, besides specialists
FRESH = ", fresh attack"
ASKED = 2000  # images that are shown under every id


@dataclass(frozen=True)
class SetsToServe:
    """What the designs are trained for and judged on.

    `target` is the model that an attack in `sets` was made on. `sets` holds clean first and is in the order of
    `shifts`, whose names are theirs.
    """

    shifts: Mapping[str, Shift]
    sets: Sequence[ImageSet]
    target: nn.Module
    dataset: Dataset

    @property
    def attacks(self) -> list[str]:
        return [name for name, shift in self.shifts.items() if shift.needs_model]


@dataclass(frozen=True)
class Trainer:
    """How every design is trained, and where that is kept."""

    recipe: Recipe
    seeds: Sequence[int] = (0,)
    widths: Sequence[int] = WIDTHS
    out: Path | None = None
    device: str = "auto"
    console: Console = field(default_factory=lambda: Console(quiet=True))

    def train(self, shifts: Mapping[str, Shift], dataset: Dataset, design: str) -> list[TrainedForAll]:
        """One model for each seed."""
        trained = []
        for seed in self.seeds:
            with progress(1, self.recipe.epochs, self.console) as watch:
                trained.append(
                    train_one_for_all(
                        shifts,
                        dataset,
                        design=design,
                        recipe=self.recipe,
                        seed=seed,
                        widths=self.widths,
                        store=self.out,
                        device=self.device,
                        watch=watch,
                    )
                )
        return trained


def serve(
    served: SetsToServe,
    trainer: Trainer,
    *,
    designs: Sequence[str] = BEST_TWO,
    asked: int = ASKED,
    attacks: AttackBudget = QUICK,
) -> ServedVariants:
    """Train the designs once for each seed, and judge them on every variant.

    They are also judged under wrong and inferred ids, and under fresh attacks on themselves.
    """
    dataset, console, recipe = served.dataset, trainer.console, trainer.recipe
    widths = tuple(trainer.widths)
    shifts = fixed(served.shifts, dataset.train.shape)
    trained: dict[str, dict[str, list[TrainedForAll]]] = {}
    for design in designs:
        console.print(spoken(f"one for all ({design}): {len(trainer.seeds)} × {recipe.epochs} epochs"))
        if design == SPECIALISTS:
            trained[design] = {name: trainer.train({name: own}, dataset, "undo") for name, own in shifts.items()}
        else:
            trained[design] = {"": trainer.train(shifts, dataset, design)}
    right = {design: _right(served, models) for design, models in trained.items()}
    console.print(spoken("one for all: attacking every model afresh"))
    attacked = {design: _attacked(served, shifts, models, attacks) for design, models in trained.items()}
    for design, columns in attacked.items():
        right[design] |= {f"{name}{FRESH}": np.stack([r.survives for r in of]) for name, of in columns.items()}
    console.print(spoken("one for all: asking with wrong ids, and with inferred ones"))
    router = train_router(shifts, dataset, served.target, held_out=recipe.held_out, store=trainer.out)
    routed = {
        images.name: predict(evenly_spaced(images, asked).images, model=router.model).argmax(1)
        for images in served.sets
    }
    return ServedVariants(
        variants={
            name: ServedVariant(
                shift=str(served.shifts[name]),
                front=str(front_of(shift, dataset.train.shape)),
                information=shift.information,
                attack=shift.needs_model,
            )
            for name, shift in shifts.items()
        },
        images=len(served.sets[0]),
        held_out_images=recipe.held_out,
        asked=len(evenly_spaced(served.sets[0], asked)),
        attacked=len(evenly_spaced(served.sets[0], attacks.images)) if served.attacks else 0,
        attacks=attacks,
        seeds=len(trainer.seeds),
        epochs=recipe.epochs,
        plain_parameters=_parameters(Mlp(dataset.train.shape, dataset.classes, widths)),
        designs={
            design: _measured(design, served, shifts, models, widths, right, attacked[design], routed, asked)
            for design, models in trained.items()
        },
        router=MeasuredRouter(
            parameters=_parameters(router.model),
            accuracy={
                name: wilson(int((ids == place).sum()), len(ids)) for place, (name, ids) in enumerate(routed.items())
            },
            taken_for={name: tuple(np.bincount(ids, minlength=len(routed)).tolist()) for name, ids in routed.items()},
        ),
    )


def _right(served: SetsToServe, trained: Mapping[str, Sequence[TrainedForAll]]) -> Right:
    """Which images the models get right on each variant, told the right id."""
    return {
        images.name: np.stack(
            [_classes(m.model, images.name, images) == images.labels for m in _models_for(images.name, trained)]
        )
        for images in served.sets
    }


def _attacked(
    served: SetsToServe,
    shifts: Mapping[str, Shift],
    trained: Mapping[str, Sequence[TrainedForAll]],
    budget: AttackBudget,
) -> dict[str, list[Robustness]]:
    """For each attack, what fresh ones of its size on each seed's model leave."""
    clean = evenly_spaced(served.sets[0], budget.images)
    return {
        name: [
            attack_set(clean, ball, model=m.model.on(name), budget=budget, seed=m.trial.seed)
            for m in _models_for(name, trained)
        ]
        for name in served.attacks
        if (ball := shifts[name].ball) is not None
    }


def _models_for(name: str, trained: Mapping[str, Sequence[TrainedForAll]]) -> Sequence[TrainedForAll]:
    """The models of every seed for a variant: its specialists, or those for all."""
    return trained.get(name) or trained[""]


def _measured(
    design: str,
    served: SetsToServe,
    shifts: Mapping[str, Shift],
    trained: Mapping[str, Sequence[TrainedForAll]],
    widths: tuple[int, ...],
    right: Mapping[str, Right],
    attacked: Mapping[str, Sequence[Robustness]],
    routed: Mapping[str, np.ndarray],
    asked: int,
) -> MeasuredDesign:
    members = [member for group in trained.values() for member in group]
    seeds = len(next(iter(trained.values())))
    special = design == SPECIALISTS
    parameters, for_one_more = _sizes(design, shifts, members[0], served.dataset, widths)
    return MeasuredDesign(
        parameters=parameters,
        for_one_more=for_one_more,
        attacks=sum(member.attacks for member in members) / seeds,
        environment=TrainingTimes(tuple(total_seconds(member.metrics) for member in members)),
        held_out={
            name: float(np.mean([m.held_out[name] for m in members if name in m.held_out]))
            for name in shifts
            if any(name in m.held_out for m in members)
        },
        accuracy={column: accuracy_of(which) for column, which in right[design].items()},
        under_attack={name: joined(of_seeds) for name, of_seeds in attacked.items()},
        minus_specialists=differences(right, design, SPECIALISTS),
        wrong_id=None if special else _wrong_ids(served, trained[""], asked),
        inferred=None if special else _inferred(served, trained[""], routed, asked),
        minus={other: minus for other in BASELINES if (minus := differences(right, design, other)) is not None},
    )


def _wrong_ids(
    served: SetsToServe, members: Sequence[TrainedForAll], asked: int
) -> dict[str, dict[str, AccuracyWhenTold]]:
    """Mean accuracy of the images of each variant when the model is told each id."""
    by_id = {}
    for shown in (evenly_spaced(images, asked) for images in served.sets):
        right = {
            name: np.stack([_classes(m.model, name, shown) == shown.labels for m in members]) for name in served.shifts
        }
        by_id[shown.name] = {name: when_told(of_id, right[shown.name]) for name, of_id in right.items()}
    return by_id


def _inferred(
    served: SetsToServe, members: Sequence[TrainedForAll], routed: Mapping[str, np.ndarray], asked: int
) -> dict[str, AccuracyWhenTold]:
    """Mean accuracy when the id is what the router makes of each image."""
    names, accuracies = list(served.shifts), {}
    for images in served.sets:
        shown, ids = evenly_spaced(images, asked), routed[images.name]
        by_router, right = [], []
        for member in members:
            by_id = np.stack([_classes(member.model, name, shown) for name in names])
            by_router.append(by_id[ids, np.arange(len(ids))] == shown.labels)
            right.append(by_id[names.index(images.name)] == shown.labels)
        accuracies[images.name] = when_told(np.stack(by_router), np.stack(right))
    return accuracies


def _classes(model: OneForAll, name: str, images: ImageSet) -> np.ndarray:
    """What the model takes images for when it is told that they are of this variant."""
    return predict(images.images, model=model.on(name)).argmax(1)


def _sizes(
    design: str, shifts: Mapping[str, Shift], member: TrainedForAll, dataset: Dataset, widths: tuple[int, ...]
) -> tuple[int, int]:
    """A design's parameters in all, and for one variant more."""
    if design == SPECIALISTS:
        own = _parameters(member.model.network)
        return own * len(shifts), own
    grown = [*shifts.items(), ("one more", list(shifts.values())[-1])]
    total, larger = (
        _parameters(design_of(design, dict(some), dataset.train.shape, dataset.classes, widths).network())
        for some in (grown[:-1], grown)
    )
    return total, larger - total


def _parameters(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())
