"""Architectures compared over seeds and images: every pair of groups, with all that a claim about them needs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from shiftassay.errors import BadInput
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.paired import bootstrap_difference, equivalence, mcnemar
from shiftassay.statistics.seeds import (
    difference_over_seeds,
    difference_over_seeds_and_images,
    equivalence_over_seeds,
    mean_over_seeds,
    probability_higher,
    smallest_visible,
    welch,
)

ALPHA = 0.05
MARGIN = 0.002


@dataclass(frozen=True)
class Accuracies:
    """One group: the accuracy of each seed, their mean (its interval is None for a single seed) and sd."""

    name: str
    accuracies: tuple[float, ...]
    mean: float
    interval: Interval | None
    sd: float | None


@dataclass(frozen=True)
class Pair:
    """Accuracy of `first` minus that of `second`.

    `difference` is over seeds, on these images; `on_new_images` over seeds and images. `p_value` says that there is none
    (Welch's test over seeds), `p_corrected` the same after Holm's correction for all pairs; `equivalence_p`, corrected too,
    that it is `margin` or more. `visible` is the smallest difference that this pair's test finds with 80% power,
    `visible_corrected` the same at the level that so many pairs leave to each. Of groups of a single seed, images are all there is to test: McNemar's and Tango's tests
    compare those two models, not their architectures, and `over` says so.
    """

    first: str
    second: str
    over: Literal["seeds", "images"]
    difference: Interval
    on_new_images: Interval
    p_value: float
    p_corrected: float
    equivalence_p: float
    probability_higher: float
    visible: float | None
    visible_corrected: float | None

    @property
    def differs(self) -> bool:
        """Whether a difference is shown, be it so small that the two are equivalent."""
        return self.p_corrected < ALPHA

    @property
    def verdict(self) -> Literal["equivalent", "lower", "higher", "undecided"]:
        if self.equivalence_p < ALPHA:
            return "equivalent"
        if not self.differs:
            return "undecided"
        return "lower" if self.difference.estimate < 0 else "higher"


@dataclass(frozen=True)
class ComparisonOfGroups:
    """All groups and all pairs of them, on `n` images."""

    groups: tuple[Accuracies, ...]
    pairs: tuple[Pair, ...]
    margin: float
    n: int

    def to_json(self) -> dict[str, Any]:
        content = asdict(self)
        for pair, written in zip(self.pairs, content["pairs"], strict=True):
            written["verdict"] = pair.verdict
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "ComparisonOfGroups":
        def read(found: dict[str, Any]) -> dict[str, Any]:
            intervals = {key: Interval(**value) for key, value in found.items() if isinstance(value, dict)}
            return {**found, **intervals}

        groups = tuple(
            Accuracies(**{**read(group), "accuracies": tuple(group["accuracies"])}) for group in content["groups"]
        )
        pairs = tuple(Pair(**read({k: v for k, v in pair.items() if k != "verdict"})) for pair in content["pairs"])
        return cls(**{**content, "groups": groups, "pairs": pairs})


def compare(groups: Mapping[str, Bool[np.ndarray, "seeds n"]], margin: float = MARGIN) -> ComparisonOfGroups:
    """Compare groups of models that answered the same images, from which image each seed got right.

    Raises `BadInput` for fewer than two groups, groups that answered different numbers of images, or some with one seed and
    some with several.

    >>> rng = np.random.default_rng(0)
    >>> found = compare({"weak": rng.random((5, 2000)) < 0.90, "strong": rng.random((5, 2000)) < 0.95})
    >>> found.pairs[0].verdict, found.pairs[0].p_corrected < 0.001
    ('lower', True)
    """
    sizes = {right.shape[1] for right in groups.values()}
    if len(groups) < 2 or len(sizes) != 1:
        raise BadInput(
            f"expected two or more groups of models on the same images, found {len(groups)} on {sorted(sizes)} images."
        )
    counts = {name: len(right) for name, right in groups.items()}
    if min(counts.values()) == 1 < max(counts.values()):
        raise BadInput(f"seeds of each group: {counts}. Give several of each, or one of each.")
    accuracies = {name: right.mean(axis=1) for name, right in groups.items()}
    pairs = list(combinations(groups, 2))
    tested = [_pair(first, second, groups, margin, len(pairs)) for first, second in pairs]
    for column in ("p_corrected", "equivalence_p"):
        for pair, corrected in zip(tested, holm([pair[column] for pair in tested]), strict=True):
            pair[column] = corrected
    return ComparisonOfGroups(
        groups=tuple(
            Accuracies(
                name,
                tuple(values.tolist()),
                float(values.mean()),
                mean_over_seeds(values),
                float(values.std(ddof=1)) if len(values) > 1 else None,
            )
            for name, values in accuracies.items()
        ),
        pairs=tuple(Pair(**pair) for pair in tested),
        margin=margin,
        n=sizes.pop(),
    )


def _pair(first: str, second: str, groups: Mapping[str, np.ndarray], margin: float, pairs: int) -> dict[str, Any]:
    right, others = groups[first], groups[second]
    values, other_values = right.mean(axis=1), others.mean(axis=1)
    image, seeds = 1 / right.shape[1], min(len(right), len(others))
    over_seeds = difference_over_seeds(values, other_values, resolution=image)
    p = welch(values, other_values, image)
    equivalence_p = equivalence_over_seeds(values, other_values, margin, image)
    sd = float(np.sqrt((values.var(ddof=1) + other_values.var(ddof=1)) / 2)) if seeds > 1 else 0.0
    if over_seeds is None or p is None or equivalence_p is None:
        gained, lost = int((right[0] & ~others[0]).sum()), int((~right[0] & others[0]).sum())
        n = right.shape[1]
        over_seeds, p = bootstrap_difference(gained, lost, n), mcnemar(gained, lost)
        equivalence_p = equivalence(gained, lost, n, margin)
    return {
        "first": first,
        "second": second,
        "over": "seeds" if seeds > 1 else "images",
        "difference": over_seeds,
        "on_new_images": difference_over_seeds_and_images(right, others),
        "p_value": p,
        "p_corrected": p,
        "equivalence_p": equivalence_p,
        "probability_higher": probability_higher(values, other_values),
        "visible": smallest_visible(sd, seeds),
        "visible_corrected": smallest_visible(sd, seeds, ALPHA / pairs),
    }
