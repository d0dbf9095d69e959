"""Accuracy by the strength of a change: random, aimed in one step, and a set of attacks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from shiftassay.evaluation.attack_set import Robustness, attack_set
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import aimed_at, copied, labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.repairs.strategy import Task, by_intrusiveness
from shiftassay.shifts.ascent import Ball, gradient_of, log_odds_against
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.subset import evenly_spaced


@dataclass(frozen=True)
class AtStrength(Record):
    """Accuracy at one strength; `attacks` is what the set of attacks did."""

    times: float
    epsilon: float
    random: Interval
    one_step: Interval
    strongest: Interval
    attacks: Robustness


@dataclass(frozen=True)
class StrengthSweep(Record):
    """The unmodified and the repaired model at several times the variant's `epsilon`.

    `models` is by name; `repair` is the name of the repaired one. `clean` are accuracies on the same images unchanged.
    """

    aimed: str
    epsilon: float
    norm: str
    images: int
    repair: str | None
    clean: Mapping[str, Interval]
    models: Mapping[str, tuple[AtStrength, ...]]


def vary_strength(context: StudyContext, aimed: str, ball: Ball) -> StrengthSweep:
    """Vary an attack's strength, on the model as it is and on the repaired one."""
    spec, budget = context.study.experiments, context.argument.attacks.budget
    clean = evenly_spaced(context.variants.clean, min(spec.strength_images, budget.images))
    models: dict[str, nn.Module] = {"unmodified": context.model}
    repair = _repaired(context, aimed)
    if repair is not None:
        models |= {repair[0]: repair[1]}
    return StrengthSweep(
        aimed=aimed,
        epsilon=ball.epsilon,
        norm=ball.norm,
        images=len(clean),
        repair=repair[0] if repair else None,
        clean={name: _accuracy(model, clean.images, clean) for name, model in models.items()},
        models={
            name: tuple(_at_strength(context, model, clean, ball, times) for times in spec.strengths)
            for name, model in models.items()
        },
    )


def _repaired(context: StudyContext, aimed: str) -> tuple[str, nn.Module] | None:
    """The recommended repair, made again: a study that resumes has only its numbers."""
    recommended = context.repairs[aimed].recommended if aimed in context.repairs else None
    strategy = next((strategy for strategy in by_intrusiveness() if strategy.name == recommended), None)
    shift = context.diagnoses[aimed].shift
    if strategy is None or shift is None:
        return None
    data = context.dataset
    task = Task(
        shift=shift,
        share=1.0,
        model=context.model,
        train=data.train,
        held_out=None,
        classes=data.classes,
        shape=data.train.shape,
        epochs=context.argument.epochs,
        images=len(data.train),
        seed=0,
        device=context.device,
    )
    made = None if strategy.unfit(task) else strategy.make(task)
    return None if made is None or isinstance(made, str) else (strategy.name, made.model)


def _at_strength(context: StudyContext, model: nn.Module, clean: ImageSet, ball: Ball, times: float) -> AtStrength:
    ball = Ball(times * ball.epsilon, ball.norm)
    images, labels = torch.from_numpy(clean.images), torch.from_numpy(clean.required_labels)
    generator = torch.Generator().manual_seed(seed_for("contrast", "strength"))
    random = ball.ascend(images, torch.rand(images.shape, generator=generator) - 0.5, labels, aimed_at(model), steps=0)
    frozen = copied(model).to("cpu").eval().requires_grad_(False)
    at = images.clone().requires_grad_()
    gradient = gradient_of(log_odds_against(aimed_at(frozen)(at), labels).sum(), at)
    one_step = ball.ascend(images, gradient, labels, aimed_at(frozen), steps=0)
    result = attack_set(clean, ball, model=model, budget=context.argument.attacks.budget, seed=0)
    return AtStrength(
        times=times,
        epsilon=ball.epsilon,
        random=_accuracy(model, random.numpy(), clean),
        one_step=_accuracy(model, one_step.numpy(), clean),
        strongest=wilson(result.survived, result.images),
        attacks=result,
    )


def _accuracy(model: nn.Module, images: np.ndarray, clean: ImageSet) -> Interval:
    right = labels_of(predict(images, model=model)) == clean.required_labels
    return wilson(int(right.sum()), len(right))
