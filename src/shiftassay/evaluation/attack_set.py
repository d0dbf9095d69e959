"""A set of attacks on a model, after AutoAttack.

An image counts as right only if it survives all of them. Croce and Hein 2020, "Reliable evaluation of adversarial
robustness with an ensemble of diverse parameter-free attacks".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn

from shiftassay.evaluation.square import square_attack
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronted import Fronted
from shiftassay.models.one_for_all import OnVariant
from shiftassay.models.predict import aimed_at, copied, labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.records import Record, not_kept
from shiftassay.shifts.ascent import (
    STEPS,
    Ball,
    NoGradient,
    Objective,
    gradient_of,
    log_odds_against,
    margin_ratio_against,
)

CHUNK = 1000  # images: bounds the memory that an attack takes
PROBED = 8  # images on which two gradients are compared

Logits = Callable[[Tensor], Tensor]
Right = Bool[np.ndarray, "n"]
Places = Int64[np.ndarray, "k"]

OBJECTIVES: dict[str, Objective] = {"log-odds": log_odds_against, "margin": margin_ratio_against}


@dataclass(frozen=True)
class AttackBudget(Record):
    """What is spent on a set of attacks.

    At most `images` are attacked. Ascents take `steps` from each of `restarts` random starts, for each of two
    objectives, and then towards each of the `targets` likeliest wrong classes. The search without gradients asks
    for `queries` answers to each image.
    """

    images: int = 1000
    steps: int = STEPS
    restarts: int = 2
    targets: int = 2
    queries: int = 1000

    def __str__(self) -> str:
        """How an accuracy under attack was made, for a table's caption.

        >>> print(AttackBudget(restarts=1, targets=0))
        ascents of 20 steps on the log-odds and on the margin (1 start each), then Square attack with 1,000 queries
        """
        starts = f"{self.restarts} start{'s' * (self.restarts > 1)}"
        towards = f"the {self.targets} likeliest wrong classes" if self.targets > 1 else "the likeliest wrong class"
        return (
            f"ascents of {self.steps} steps on the log-odds and on the margin ({starts} each)"
            + f" and towards {towards}" * bool(self.targets)
            + f", then Square attack with {self.queries:,} queries" * bool(self.queries)
        )


THOROUGH = AttackBudget()  # 1,000 images, as RobustBench takes of a test set
QUICK = AttackBudget(images=100, restarts=1, targets=1, queries=100)


@dataclass(frozen=True)
class Robustness(Record):
    """What is left of a model's accuracy under every attack of a set.

    `right` images are right before any attack; `fell` says how many of them each attack makes wrong that none before it
    did. `survives` says which images survive all.
    """

    budget: AttackBudget
    images: int
    right: int
    fell: Mapping[str, int]
    survives: Right = not_kept()
    derived: ClassVar = ("survived",)

    @property
    def survived(self) -> int:
        return self.right - sum(self.fell.values())

    @property
    def adds(self) -> str:
        """How much each attack adds, in the order in which they were made.

        >>> Robustness(QUICK, 100, 98, {"log-odds": 40, "margin": 2}).adds
        'right before any attack 98; wrong after log-odds 40, margin 2 more; right after all 56'
        """
        fell = ", ".join(f"{name} {n}{' more' * bool(at)}" for at, (name, n) in enumerate(self.fell.items()))
        return f"right before any attack {self.right}; wrong after {fell}; right after all {self.survived}"


def joined(parts: Sequence[Robustness]) -> Robustness:
    """The outcome on several sets of images, or for several models, taken together."""
    fell = {name: sum(part.fell.get(name, 0) for part in parts) for name in parts[0].fell}
    images, right = sum(part.images for part in parts), sum(part.right for part in parts)
    survives = np.concatenate([part.survives for part in parts])
    return Robustness(parts[0].budget, images, right, fell, survives=survives)


def attack_set(
    clean: ImageSet, ball: Ball, *, model: nn.Module, budget: AttackBudget = THOROUGH, seed: int = 0
) -> Robustness:
    """Attack images within a ball around each.

    Every further attack is made only on images that are still right. In turn: projected gradient ascent on the log-odds
    and on the margin (DLR) from random starts, ascent towards the likeliest wrong classes, and Square attack, which
    needs no gradient. What stands in front of a model is attacked with its own gradient and with that of the identity,
    lest it look strong because its gradient vanishes (Athalye et al. 2018). A model without any gradient is attacked by
    Square attack alone.
    """
    model = copied(model).to("cpu").eval().requires_grad_(False)
    logits = predict(clean.images, model=model)
    state = _Attacked(clean, model, labels_of(logits) == clean.required_labels, seed)
    right, gradients = int(state.survives.sum()), _gradients(model, clean)
    for name, objective in OBJECTIVES.items():
        for _ in range(budget.restarts):
            for answer in gradients:
                state.attack(name, _Ascent(ball, answer, budget.steps, objective))
    wrong = logits.copy()
    wrong[np.arange(len(clean)), clean.required_labels] = -np.inf
    likeliest = torch.from_numpy(np.argsort(-wrong, axis=1))
    for rank in range(min(budget.targets, logits.shape[1] - 1)):
        for answer in gradients:
            state.attack("towards a class", _Ascent(ball, answer, budget.steps, likeliest[:, rank]))
    if budget.queries:
        state.attack("Square attack", _Search(ball, aimed_at(model), budget.queries))
    return Robustness(budget, len(clean), right, state.fell, survives=state.survives)


@dataclass(frozen=True, eq=False)
class _Ascent:
    """Ascent from a random start, of one objective for all images or towards a class of each."""

    ball: Ball
    answer: Logits
    steps: int
    upwards: Objective | Tensor

    def __call__(self, images: Tensor, labels: Tensor, places: Places, generator: torch.Generator) -> Tensor:
        start = 2 * torch.rand(images.shape, generator=generator) - 1
        objective = _towards(self.upwards[places]) if isinstance(self.upwards, Tensor) else self.upwards
        return self.ball.ascend(images, start, labels, self.answer, self.steps, objective, decaying=True)


@dataclass(frozen=True, eq=False)
class _Search:
    """The search that needs no gradient."""

    ball: Ball
    answer: Logits
    queries: int

    def __call__(self, images: Tensor, labels: Tensor, places: Places, generator: torch.Generator) -> Tensor:
        return square_attack(images, labels, self.answer, ball=self.ball, queries=self.queries, generator=generator)


@dataclass(eq=False)
class _Attacked:
    """Which images survive so far, and which attack the others fell to."""

    clean: ImageSet
    model: nn.Module
    survives: Right
    seed: int
    fell: dict[str, int] = field(default_factory=dict)
    attacks: int = 0

    def attack(self, name: str, attack: _Ascent | _Search) -> None:
        """Attack the images that survive, a part at a time."""
        survivors = np.flatnonzero(self.survives)
        generator = torch.Generator().manual_seed(seed_for(self.seed, "fresh attack", self.attacks))
        for places in np.split(survivors, range(CHUNK, len(survivors), CHUNK)) if len(survivors) else []:
            images, labels = self.clean.images[places], self.clean.required_labels[places]
            attacked = attack(torch.from_numpy(images), torch.from_numpy(labels), places, generator)
            self.survives[places] = labels_of(predict(attacked.numpy(), model=self.model)) == labels
        self.fell[name] = self.fell.get(name, 0) + len(survivors) - int(self.survives.sum())
        self.attacks += 1


def _towards(targets: Tensor) -> Objective:
    """The logit of each image's target less that of its label."""
    return lambda logits, labels: (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None]))[:, 0]


def _gradients(model: nn.Module, images: ImageSet) -> list[Logits]:
    """The model, once for each gradient by which it is attacked.

    One is its own, if it has one. In the other the identity's gradient replaces that of what stands in front of the
    model, where that makes a difference.
    """
    ways = [aimed_at(model)]
    if isinstance(model, Fronted | OnVariant):
        straight = copied(model)
        straight.straight = True
        ways.append(aimed_at(straight))
    gradients: list[Tensor] = []
    different = []
    for way in ways:
        gradient = _gradient(way, images)
        if gradient is not None and not any(torch.equal(gradient, other) for other in gradients):
            gradients.append(gradient)
            different.append(way)
    return different


def _gradient(answer: Logits, images: ImageSet) -> Tensor | None:
    """The gradient on a few images; None without one."""
    at = torch.from_numpy(images.images[:PROBED].copy()).requires_grad_()
    try:
        return gradient_of(log_odds_against(answer(at), torch.from_numpy(images.required_labels[:PROBED])).sum(), at)
    except NoGradient:
        return None
