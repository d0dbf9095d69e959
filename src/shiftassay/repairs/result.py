"""Results of repairs: accuracies before and after, costs, and what is recommended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool
from torch import nn

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.attack_set import Robustness
from shiftassay.evaluation.evaluate import ALPHA
from shiftassay.records import Record, not_kept
from shiftassay.statistics.intervals import Interval, difference_unpaired, wilson
from shiftassay.statistics.paired import difference_paired, mcnemar
from shiftassay.words.html import html_table, paragraphs
from shiftassay.words.lists import in_columns
from shiftassay.words.numbers import DASH, minus, percent_with_interval, points

SCHEMA = "shiftassay.repair/1"
Right = Bool[np.ndarray, "_"]
Outcome = Literal[
    "nothing_to_repair", "repaired", "partly_repaired", "cannot_be_repaired", "information_lost", "no_repair_found"
]
"""`cannot_be_repaired` is said only where that is proved. `information_lost`: no repair that was tried comes near clean
accuracy, and by an estimate no classifier would."""


@dataclass(frozen=True)
class AccuracyChange(Record):
    """Accuracy on the same images before a repair and after it.

    `p_value` is that of McNemar's exact test; the interval of the difference excludes 0 where that rejects at 5%, and
    only there.
    """

    n: int
    before: Interval
    after: Interval
    difference: Interval
    gained: int
    lost: int
    p_value: float
    derived: ClassVar = ("direction",)

    @property
    def direction(self) -> Literal["higher", "lower", "undecided"]:
        """What McNemar's test shows."""
        if self.p_value >= ALPHA:
            return "undecided"
        return "higher" if self.gained > self.lost else "lower"

    def __str__(self) -> str:
        return f"{points(self.before.estimate)} → {percent_with_interval(self.after)}"


@dataclass(frozen=True)
class Cost(Record):
    """The cost of one repaired model.

    Parameters in all, added and trained; training images and epochs.
    """

    parameters: int
    parameters_added: int
    parameters_trained: int
    images: int
    epochs: int


@dataclass(frozen=True)
class Attempt(Record):
    """A strategy that was tried, with the accuracies that it led to.

    `attacked` is accuracy under a set of fresh attacks on the model, where an attack was diagnosed, and `under_attack`
    how much each of them takes.
    Two models were fitted to a half of the variant each and judged on the other half; `model` is that of the first
    half. Where both halves show the same shift, there is one model. `variant_right` and `attacked_right` say which
    images were judged right, `seconds` is the time of one model.
    """

    strategy: str
    what: str
    variant: AccuracyChange
    clean: AccuracyChange
    attacked: AccuracyChange | None
    cost: Cost
    assumption: str
    under_attack: Robustness | None = None
    model: nn.Module = not_kept()
    variant_right: Right = not_kept()
    attacked_right: Right | None = not_kept()
    seconds: float = not_kept(0.0)

    @property
    def deciding(self) -> AccuracyChange:
        """What the repair is judged by.

        Accuracy under a fresh attack, if there is one, else on the variant.
        """
        return self.attacked or self.variant

    @property
    def deciding_right(self) -> Right:
        """Which images were right in `deciding`."""
        return self.variant_right if self.attacked_right is None else self.attacked_right


@dataclass(frozen=True)
class HalfOfVariant(Record):
    """One half of the variant: how many images it has, and the verdict on it.

    Its parameters are estimated from this half alone.
    """

    images: int
    verdict: Verdict


@dataclass(frozen=True)
class Timing(Record):
    """Seconds in all, and for one model of each attempt."""

    seconds: float
    attempts: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Repair(Record):
    """Everything that was tried, what was skipped and why, and the recommendation.

    `clean` and `variant` are accuracies before any repair, `missing` is their difference. `recommended` is the
    strategy of an attempt, which may be `none`; None if nothing helps. `ceiling` is the most that can be reached,
    where the shift destroys what the image was. Judged by `agreement`, accuracies are shares of images that are
    answered as the unrepaired model answers their partners in the reference.
    """

    schema: Literal["shiftassay.repair/1"] = SCHEMA
    outcome: Outcome
    recommended: str | None
    sentence: str
    clean: Interval
    variant: Interval
    missing: Interval
    attempts: tuple[Attempt, ...]
    skipped: Mapping[str, str]
    halves: tuple[HalfOfVariant, ...]
    ceiling: Ceiling | None
    notes: tuple[str, ...]
    judged_by: Literal["labels", "agreement"] = "labels"
    environment: Timing = Timing(0.0, {})

    @property
    def chosen(self) -> Attempt | None:
        """The attempt that is recommended."""
        return next((attempt for attempt in self.attempts if attempt.strategy == self.recommended), None)

    @property
    def model(self) -> nn.Module | None:
        """The recommended model."""
        return self.chosen.model if self.chosen else None

    def rows(self) -> list[tuple[str, ...]]:
        """A table of the attempts, its heading first; nothing where nothing was tried."""
        if not self.attempts:
            return []
        attacked = next((attempt.attacked for attempt in self.attempts if attempt.attacked), None)
        under_attack, first = attacked is not None, self.attempts[0]
        attack = [f"fresh attack on {attacked.n:,}"] if attacked else []
        sets = (f"variant, {first.variant.n:,} images", *attack, f"clean, {first.clean.n:,}")
        heading = ("strategy", *sets, "parameters", "seconds", "needs")
        return [heading, *(self._row(attempt, under_attack) for attempt in self.attempts)]

    def _row(self, attempt: Attempt, under_attack: bool) -> tuple[str, ...]:
        added = attempt.cost.parameters_added
        attacked = [str(attempt.attacked) if attempt.attacked else DASH] if under_attack else []
        return (
            attempt.strategy,
            str(attempt.variant),
            *attacked,
            str(attempt.clean),
            f"{attempt.cost.parameters:,} ({'±0' if added == 0 else minus(f'{added:+,}')})",
            f"{self.environment.attempts.get(attempt.strategy, 0.0):.1f}",
            "no variant id" if attempt.assumption.startswith("no variant id") else "the variant id",
        )

    def __str__(self) -> str:
        return "\n".join([*in_columns(self.rows()), *self.notes, self.sentence])

    def __repr__(self) -> str:
        best = f" by {self.chosen.strategy}, {self.chosen.deciding}" if self.chosen else ""
        return f"<Repair: {self.outcome}{best}; {len(self.attempts)} tried, {len(self.skipped)} skipped>"

    def _repr_html_(self) -> str:
        heading, *rows = self.rows() or [()]
        skipped = [f"Not tried: {name}, since {why}." for name, why in self.skipped.items()]
        return html_table(heading, rows) * bool(rows) + paragraphs(*skipped, *self.notes, self.sentence)


def accuracy_change(before: Bool[np.ndarray, "n"], after: Bool[np.ndarray, "n"]) -> AccuracyChange:
    """The change from one classification of some images to another of the same images.

    >>> change = accuracy_change(np.array([True, False, False, False]), np.array([True, True, True, False]))
    >>> change.difference.estimate, change.gained, change.lost
    (0.5, 2, 0)
    """
    n, gained, lost = len(before), int((after & ~before).sum()), int((before & ~after).sum())
    return AccuracyChange(
        n=n,
        before=wilson(int(before.sum()), n),
        after=wilson(int(after.sum()), n),
        difference=difference_paired(gained, lost, n),
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
    )


def accuracy_difference(clean: Right, variant: Right, paired: bool) -> Interval:
    """Accuracy on the variant minus that on clean images.

    It is taken image by image if these are the same images.
    """
    if paired:
        return accuracy_change(clean, variant).difference
    return difference_unpaired(int(variant.sum()), len(variant), int(clean.sum()), len(clean))
