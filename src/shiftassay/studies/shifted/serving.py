"""One model for all variants, told which variant an image is from: designs against one specialist for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from rich.console import Console
from torch import nn

from shiftassay.evaluation.fresh_attack import right_under_attack
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronts import front_of
from shiftassay.models.one_for_all import OneForAll, design_of
from shiftassay.models.predict import predict
from shiftassay.networks.mlp import Mlp
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.results import total_seconds
from shiftassay.shifts.family import Shift
from shiftassay.statistics.seeds import difference_over_seeds_and_images, mean_over_seeds_and_images
from shiftassay.studies.shifted.lab import spread_over
from shiftassay.training.one_for_all import WIDTHS, TrainedForAll, fixed, train_one_for_all
from shiftassay.training.progress import progress
from shiftassay.training.router import train_router
from shiftassay.words.terminal import spoken

SPECIALISTS = "specialists"
BEST_TWO = ("undo", "undo-and-id")
FRESH = ", fresh attack"
ASKED = 2000  # images that are shown under every id, and attacked afresh

Right = dict[str, Bool[np.ndarray, "seeds n"]]
"""For each column (a variant, or a fresh attack), which image the model of each seed gets right."""


@dataclass(frozen=True)
class Served:
    """What the designs are trained for and judged on. `target` is what an attack in `sets` was made on.

    `sets` holds clean first and is in the order of `shifts`, whose names are theirs.
    """

    shifts: Mapping[str, Shift]
    sets: Sequence[ImageSet]
    target: nn.Module
    dataset: Dataset

    @property
    def attacks(self) -> list[str]:
        return [name for name, how in self.shifts.items() if how.needs_model]


def measure(
    served: Served,
    *,
    recipe: Recipe,
    designs: Sequence[str] = BEST_TWO,
    seeds: Sequence[int] = (0,),
    asked: int = ASKED,
    widths: Sequence[int] = WIDTHS,
    out: Path | None = None,
    device: str = "auto",
    console: Console | None = None,
) -> dict[str, Any]:
    """Train the designs, each once for each seed, and judge them on every variant, under wrong ids and under inferred ones."""
    console = console or Console(quiet=True)
    shifts = fixed(served.shifts, served.dataset.train.shape)
    trained: dict[str, dict[str, list[TrainedForAll]]] = {}
    for design in designs:
        console.print(spoken(f"one for all ({design}): {len(seeds)} × {recipe.epochs} epochs"))
        jobs = {name: {name: how} for name, how in shifts.items()} if design == SPECIALISTS else {"": shifts}
        trained[design] = {
            job: [
                _trained(served, own, "undo" if design == SPECIALISTS else design, recipe, seed, widths, out, device, console)
                for seed in seeds
            ]
            for job, own in jobs.items()
        }  # fmt: skip
    right = {design: _right(served, shifts, found, asked) for design, found in trained.items()}
    console.print(spoken("one for all: asking with wrong ids, and with inferred ones"))
    router = train_router(shifts, served.dataset, served.target, held_out=recipe.held_out, store=out)
    routed = {
        found.name: predict(spread_over(found, asked).images, model=router.model).argmax(1) for found in served.sets
    }
    plain = _parameters(Mlp(served.dataset.train.shape, served.dataset.classes, tuple(widths)))
    return {
        "variants": {
            name: {
                "shift": str(served.shifts[name]),
                "front": str(front_of(how, served.dataset.train.shape)),
                "information": how.information,
                "attack": how.needs_model,
            }
            for name, how in shifts.items()
        },
        "images": len(served.sets[0]),
        "asked": len(spread_over(served.sets[0], asked)),
        "seeds": len(seeds),
        "epochs": recipe.epochs,
        "plain_parameters": plain,
        "designs": {
            design: {
                **_costs(design, shifts, found, served.dataset, tuple(widths)),
                "accuracy": {column: _accuracy(of_it) for column, of_it in right[design].items()},
                "minus_specialists": _differences(right, design),
                "wrong_id": None if design == SPECIALISTS else _wrong_ids(served, found[""], asked),
                "inferred": None if design == SPECIALISTS else _inferred(served, found[""], routed, asked),
            }
            for design, found in trained.items()
        },
        "router": {
            "parameters": _parameters(router.model),
            "accuracy": {n: float((ids == place).mean()) for place, (n, ids) in enumerate(routed.items())},
            "taken_for": {n: np.bincount(ids, minlength=len(routed)).tolist() for n, ids in routed.items()},
        },
    }


def _trained(
    served: Served,
    shifts: Mapping[str, Shift],
    design: str,
    recipe: Recipe,
    seed: int,
    widths: Sequence[int],
    out: Path | None,
    device: str,
    console: Console,
) -> TrainedForAll:
    with progress(1, recipe.epochs, console) as watch:
        return train_one_for_all(
            shifts,
            served.dataset,
            design=design,
            recipe=recipe,
            seed=seed,
            widths=widths,
            store=out,
            device=device,
            watch=watch,
        )


def _right(
    served: Served, shifts: Mapping[str, Shift], trained: Mapping[str, Sequence[TrainedForAll]], asked: int
) -> Right:
    """What the models get right on each variant, told the truth, and under fresh attacks on themselves."""
    right: Right = {}
    clean = spread_over(served.sets[0], asked)
    for found in served.sets:
        members = trained.get(found.name) or trained[""]
        right[found.name] = np.stack([_answers(m.model, found.name, found) == found.labels for m in members])
        if found.name in served.attacks:
            how = shifts[found.name]
            attacked = [
                right_under_attack(found.name, clean, model=m.model, attack=how, seed=m.trial.seed) for m in members
            ]
            right[found.name + FRESH] = np.stack(attacked)
    return right


def _wrong_ids(served: Served, members: Sequence[TrainedForAll], asked: int) -> dict[str, dict[str, float]]:
    """Mean accuracy of the images of each variant when the model is told each id."""
    return {
        shown.name: {
            said: float(np.mean([_answers(m.model, said, shown) == shown.labels for m in members]))
            for said in served.shifts
        }
        for shown in (spread_over(found, asked) for found in served.sets)
    }


def _inferred(
    served: Served, members: Sequence[TrainedForAll], routed: Mapping[str, np.ndarray], asked: int
) -> dict[str, float]:
    """Mean accuracy when the id is what the router makes of each image."""
    names, accuracies = list(served.shifts), {}
    for found in served.sets:
        shown, ids = spread_over(found, asked), routed[found.name]
        right = []
        for member in members:
            by_id = np.stack([_answers(member.model, name, shown) for name in names])
            right.append(by_id[ids, np.arange(len(ids))] == shown.labels)
        accuracies[found.name] = float(np.mean(right))
    return accuracies


def _answers(model: OneForAll, said: str, found: ImageSet) -> np.ndarray:
    return predict(found.images, model=model.on(said)).argmax(1)


def _accuracy(right: Bool[np.ndarray, "seeds n"]) -> dict[str, Any]:
    interval = mean_over_seeds_and_images(right)
    return {**_ends(interval), "seeds": right.mean(1).tolist()}


def _differences(right: Mapping[str, Right], design: str) -> dict[str, dict[str, float]] | None:
    if SPECIALISTS not in right or design == SPECIALISTS:
        return None
    return {
        column: _ends(difference_over_seeds_and_images(of_it, right[SPECIALISTS][column]))
        for column, of_it in right[design].items()
    }


def _ends(interval: Any) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _costs(
    design: str,
    shifts: Mapping[str, Shift],
    trained: Mapping[str, Sequence[TrainedForAll]],
    dataset: Dataset,
    widths: tuple[int, ...],
) -> dict[str, Any]:
    """Parameters in all and for one variant more, training images, gradients for attacks, held-out accuracy: means over seeds."""
    members = [member for group in trained.values() for member in group]
    seeds = len(next(iter(trained.values())))
    if design == SPECIALISTS:
        more = _parameters(members[0].model.network)
        total = more * len(shifts)
    else:
        grown = [*shifts.items(), ("one more", list(shifts.values())[-1])]
        sizes = [
            _parameters(design_of(design, dict(some), dataset.train.shape, dataset.classes, widths).network())
            for some in (grown[:-1], grown)
        ]
        total, more = sizes[0], sizes[1] - sizes[0]
    return {
        "parameters": total,
        "for_one_more": more,
        "attacks": sum(member.attacks for member in members) / seeds,
        "environment": {"seconds": [total_seconds(member.metrics) for member in members]},
        "held_out": {
            name: float(np.mean([m.held_out[name] for m in members if name in m.held_out]))
            for name in shifts
            if any(name in m.held_out for m in members)
        },
    }


def _parameters(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())
