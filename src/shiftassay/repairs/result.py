"""What repairs did, as data: accuracies before and after with paired intervals, costs, and the one that is recommended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool
from torch import nn

from shiftassay.models.classifier import Classifier
from shiftassay.models.fronted import Fronted
from shiftassay.statistics.intervals import Interval, difference_unpaired, wilson
from shiftassay.statistics.paired import bootstrap_difference, mcnemar

SCHEMA = "shiftassay.repair/1"
Right = Bool[np.ndarray, "_"]
Outcome = Literal["nothing_to_repair", "repaired", "partly_repaired", "cannot_be_repaired", "no_repair_found"]


@dataclass(frozen=True)
class Change:
    """Accuracy on the same images before a repair and after it."""

    n: int
    before: Interval
    after: Interval
    difference: Interval
    gained: int
    lost: int
    p_value: float

    @property
    def direction(self) -> Literal["higher", "lower", "undecided"]:
        """What the interval of the difference shows."""
        return "higher" if self.difference.low > 0 else "lower" if self.difference.high < 0 else "undecided"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "direction": self.direction}


@dataclass(frozen=True)
class Cost:
    """What one repaired model takes: parameters more than before, parameters trained, training images, passes, seconds."""

    parameters: int
    parameters_added: int
    parameters_trained: int
    images: int
    epochs: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Attempt:
    """A strategy that was tried. `attacked` is accuracy under a fresh attack on the model, where an attack was diagnosed.

    Of the two models that were fitted to a half of the variant each and judged on the other, `model` is the first half's;
    where both halves show the same shift, it is both's. `right` says which images were judged right: variant, attacked.
    """

    strategy: str
    what: str
    variant: Change
    clean: Change
    attacked: Change | None
    cost: Cost
    assumption: str
    model: nn.Module
    right: tuple[Right, Right | None]

    @property
    def deciding(self) -> Change:
        """What a repair is judged by: accuracy under a fresh attack, where there is one, else on the variant."""
        return self.attacked or self.variant

    @property
    def deciding_right(self) -> Right:
        return self.right[0] if self.right[1] is None else self.right[1]

    def to_json(self) -> dict[str, Any]:
        return {
            "strategy": self.strategy,
            "what": self.what,
            "variant": self.variant.to_json(),
            "clean": self.clean.to_json(),
            "attacked": self.attacked and self.attacked.to_json(),
            "cost": {name: value for name, value in asdict(self.cost).items() if name != "seconds"},
            "assumption": self.assumption,
        }


@dataclass(frozen=True, eq=False)
class Repair:
    """Everything that was tried, what was not and why, and the recommendation.

    `halves` are the verdicts on the two halves of the variant. `recommended` names an attempt, `none` included, or is None.
    `ceiling` is the most that can be reached, where the shift destroys what the image was.
    """

    outcome: Outcome
    recommended: str | None
    attempts: tuple[Attempt, ...]
    skipped: Mapping[str, str]
    halves: tuple[Mapping[str, Any], ...]
    clean: Interval
    variant: Interval
    missing: Interval
    ceiling: Mapping[str, Any] | None
    sentence: str
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, kw_only=True)

    @property
    def chosen(self) -> Attempt | None:
        """The attempt that is recommended."""
        return next((a for a in self.attempts if a.strategy == self.recommended), None)

    @property
    def model(self) -> nn.Module | None:
        """The recommended model."""
        return self.chosen.model if self.chosen else None

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "recommended": self.recommended,
            "sentence": self.sentence,
            "clean": asdict(self.clean),
            "variant": asdict(self.variant),
            "missing": asdict(self.missing),
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "skipped": dict(self.skipped),
            "halves": [dict(half) for half in self.halves],
            "ceiling": None if self.ceiling is None else dict(self.ceiling),
            "notes": list(self.notes),
            "environment": {
                "seconds": self.seconds,
                "attempts": {attempt.strategy: attempt.cost.seconds for attempt in self.attempts},
            },
        }


def change(before: Bool[np.ndarray, "n"], after: Bool[np.ndarray, "n"]) -> Change:
    """The change from one classification of some images to another of the same.

    >>> changed = change(np.array([True, False, False, False]), np.array([True, True, True, False]))
    >>> changed.difference.estimate, changed.gained, changed.lost
    (0.5, 2, 0)
    """
    n, gained, lost = len(before), int((after & ~before).sum()), int((before & ~after).sum())
    return Change(
        n=n,
        before=wilson(int(before.sum()), n),
        after=wilson(int(after.sum()), n),
        difference=bootstrap_difference(gained, lost, n),
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
    )


def missing(clean: Right, variant: Right, paired: bool) -> Interval:
    """Accuracy on the variant less that on clean images, image by image where they are the same ones."""
    if paired:
        return change(clean, variant).difference
    return difference_unpaired(int(variant.sum()), len(variant), int(clean.sum()), len(clean))


def lab_card(model: nn.Module) -> dict[str, Any] | None:
    """The card that a repaired model is kept with; None for a model that is not the lab's own."""
    if isinstance(model, Classifier):
        return {**model.card.to_json(), "trial": "repaired"}
    if isinstance(model, Fronted) and isinstance(model.model, Classifier):
        card = model.card.to_json()
        return {**card, "model": {**card["model"], "trial": "repaired"}}
    return None
