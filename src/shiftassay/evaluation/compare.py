"""Architectures compared over seeds and images, with all that a claim about a pair needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool

from shiftassay.errors import BadInput
from shiftassay.records import Record
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.paired import difference_paired, equivalence, mcnemar
from shiftassay.statistics.seeds import independent, mean_over_seeds, paired, probability_higher, within
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images
from shiftassay.words.html import html_table, paragraphs
from shiftassay.words.numbers import brackets, p_cell, p_value, percent, percent_with_interval, points

ALPHA = 0.05
MARGIN = 0.002


@dataclass(frozen=True)
class Accuracies(Record):
    """One group's accuracies: of each seed, their mean and sd.

    The mean's interval is None for a single seed.
    """

    name: str
    accuracies: tuple[float, ...]
    mean: float
    interval: Interval | None
    sd: float | None

    def __str__(self) -> str:
        if self.interval is None or self.sd is None:
            return f"{self.name}: {percent(self.mean, 2)} (one seed)."
        seeds = len(self.accuracies)
        return f"{self.name}: {percent_with_interval(self.interval)}, sd {points(self.sd)} over {seeds} seeds."


@dataclass(frozen=True)
class Pair(Record):
    """Accuracy of `first` minus that of `second`.

    `difference` is over seeds, on these images; `on_new_images` over seeds and images. `p_value` tests that there is
    none; `p_corrected` is the same after Holm's correction for all pairs. `equivalence_p`, corrected too, tests that
    the difference is `margin` or more. Tests are paired over the `common_seeds`; without any (0), they are Welch's,
    of independent seeds. `visible` is the smallest difference that this pair's test finds with 80% power,
    `visible_corrected` the same at the level that so many pairs leave to each. With a single seed of each group only
    images can be tested: McNemar's and Tango's tests compare those two models, not their architectures, and `over` is
    then "images".
    """

    first: str
    second: str
    over: Literal["seeds", "images"]
    common_seeds: int
    difference: Interval
    on_new_images: Interval
    p_value: float
    p_corrected: float
    equivalence_p: float
    probability_higher: float
    visible: float | None
    visible_corrected: float | None
    derived: ClassVar = ("verdict",)

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

    def sentence(self, margin: float) -> str:
        """What the comparison of these two groups shows."""
        only = " (one seed each: these two models, not their architectures)" if self.over == "images" else ""
        if self.over == "seeds" and not self.common_seeds:
            only = " (no seed in common: Welch's test)"
        difference = f"{points(self.difference.estimate, 3, sign=True)} points {brackets(self.difference, digits=3)}"
        pair = f"{self.first} − {self.second}: {difference}{only}"
        p, equivalence_p = p_value(self.p_corrected), p_value(self.equivalence_p)
        if self.verdict == "equivalent" and self.differs:
            below = f"that it is below {100 * margin:g} points (p {equivalence_p})"
            return f"{pair}: a difference is shown (p {p}), and {below}."
        if self.verdict == "equivalent":
            return f"{pair}: equivalent, shown to be within ±{100 * margin:g} points (p {equivalence_p})."
        if self.verdict == "undecided":
            return f"{pair}: neither a difference (p {p}) nor equivalence (p {equivalence_p}) is shown."
        return f"{pair}: {self.first} is {self.verdict} (p {p})."


@dataclass(frozen=True)
class ComparisonOfGroups(Record):
    """All groups and all pairs of them, on `n` images."""

    groups: tuple[Accuracies, ...]
    pairs: tuple[Pair, ...]
    margin: float
    n: int

    def sentences(self) -> list[str]:
        """Each group's accuracy, what each pair shows, and the smallest difference to be seen."""
        pairs = [pair.sentence(self.margin) for pair in self.pairs]
        return [*map(str, self.groups), *pairs, self.sensitivity()]

    def sensitivity(self) -> str:
        """How small a difference the comparison could find, in a sentence."""
        alone = [pair.visible for pair in self.pairs if pair.visible is not None]
        paired_over = sorted({pair.common_seeds for pair in self.pairs if pair.common_seeds})
        corrected = [pair.visible_corrected for pair in self.pairs if pair.visible_corrected is not None]
        if not alone:
            return f"{self._margin_in_words()} With one seed of a network nothing can be said of what another would do."
        return (
            f"{self._margin_in_words()} The smallest difference that a pair's test finds four times in five is "
            f"{_range(alone)} points, by the spread of the two, and {_range(corrected)} at the level that "
            f"{len(self.pairs)} pairs leave to each. "
            f"Verdicts are for these {self.n:,} images{_blocks(paired_over)}; p-values are corrected after Holm."
        )

    def _margin_in_words(self) -> str:
        errors = 1 - sum(group.mean for group in self.groups) / len(self.groups)
        share = f", {percent(self.margin / errors)} of the errors that they make on average" if errors > 0 else ""
        return f"Equivalent is what differs by less than {100 * self.margin:g} points{share}."

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        return f"<ComparisonOfGroups of {len(self.groups)} groups in {len(self.pairs)} pairs on {self.n:,} images>"

    def _repr_html_(self) -> str:
        heading = ("pair", "difference in points", "on new images", "p", "p of no equivalence", "verdict")
        rows = [
            (
                f"{pair.first} − {pair.second}",
                f"{points(pair.difference.estimate, sign=True)} {brackets(pair.difference)}",
                brackets(pair.on_new_images),
                p_cell(pair.p_corrected),
                p_cell(pair.equivalence_p),
                pair.verdict,
            )
            for pair in self.pairs
        ]
        return paragraphs(*map(str, self.groups)) + html_table(heading, rows) + paragraphs(self.sensitivity())


def compare(
    groups: Mapping[str, Bool[np.ndarray, "seeds n"]],
    margin: float = MARGIN,
    *,
    seeds: Mapping[str, Sequence[int]] | None = None,
) -> ComparisonOfGroups:
    """Compare groups of models that answered the same images, from which image each seed got right.

    `seeds` names those of each group's rows; unless it is given, row i of every group is seed i. Members of one seed
    share batches and masks, so two groups are compared seed by seed, on the seeds that they have in common. Where they
    have none they are independent. Where they have fewer than half of the smaller group's, or a single one, the larger
    group goes without these, and the rest is independent. Raises `BadInput` for fewer than two groups, groups that
    answered different numbers of images, some with one seed and some with several, or seeds that allow neither.

    >>> rng = np.random.default_rng(0)
    >>> comparison = compare({"weak": rng.random((5, 2000)) < 0.90, "strong": rng.random((5, 2000)) < 0.95})
    >>> comparison.pairs[0].verdict, comparison.pairs[0].common_seeds, comparison.pairs[0].p_corrected < 0.001
    ('lower', 5, True)
    """
    sizes = {right.shape[1] for right in groups.values()}
    if len(groups) < 2 or len(sizes) != 1:
        raise BadInput(
            f"expected two or more groups of models on the same images, found {len(groups)} on {sorted(sizes)} images."
        )
    counts = {name: len(right) for name, right in groups.items()}
    if min(counts.values()) == 1 < max(counts.values()):
        raise BadInput(f"seeds of each group: {counts}. Give several of each, or one of each.")
    named = {name: list(seeds[name]) if seeds else list(range(count)) for name, count in counts.items()}
    for name, of_group in named.items():
        if len(set(of_group)) < len(of_group) or len(of_group) != counts[name]:
            raise BadInput(f"{name}: seeds {of_group} for {counts[name]} models. Give each model a seed of its own.")
    pairs = list(combinations(groups, 2))
    tested = [_pair(_matched(first, second, groups, named), margin, len(pairs)) for first, second in pairs]
    tested = [
        replace(pair, p_corrected=p, equivalence_p=equivalence_p)
        for pair, p, equivalence_p in zip(
            tested,
            holm([pair.p_value for pair in tested]),
            holm([pair.equivalence_p for pair in tested]),
            strict=True,
        )
    ]
    accuracies = [_accuracies(name, right.mean(axis=1)) for name, right in groups.items()]
    return ComparisonOfGroups(tuple(accuracies), tuple(tested), margin, sizes.pop())


def _accuracies(name: str, values: np.ndarray) -> Accuracies:
    interval = mean_over_seeds(values)
    return Accuracies(
        name,
        tuple(values.tolist()),
        float(values.mean()),
        within(interval, 0.0, 1.0) if interval else None,
        float(values.std(ddof=1)) if len(values) > 1 else None,
    )


@dataclass(frozen=True, eq=False)
class _Matched:
    """Two groups as they are compared: row i of both is one seed if they are `paired`."""

    first: str
    second: str
    right: Bool[np.ndarray, "seeds n"]
    others: Bool[np.ndarray, "others n"]
    paired: bool


def _matched(first: str, second: str, groups: Mapping[str, np.ndarray], seeds: Mapping[str, Sequence[int]]) -> _Matched:
    right, others = groups[first], groups[second]
    common = sorted(set(seeds[first]) & set(seeds[second]))
    smaller = min(len(right), len(others))
    if smaller == 1:
        return _Matched(first, second, right, others, paired=bool(common))
    if len(common) >= max(2, smaller / 2):
        places, other_places = ([seeds[name].index(seed) for seed in common] for name in (first, second))
        return _Matched(first, second, right[places], others[other_places], paired=True)
    larger = first if len(right) >= len(others) else second
    kept = [place for place, seed in enumerate(seeds[larger]) if seed not in common]
    if len(kept) < 2:
        raise BadInput(
            f"{first} and {second}: seeds {seeds[first]} and {seeds[second]}, of which too few are in common to pair "
            "by, and too few are not to compare independent ones. Give both the same seeds."
        )
    if larger == first:
        return _Matched(first, second, right[kept], others, paired=False)
    return _Matched(first, second, right, others[kept], paired=False)


def _pair(matched: _Matched, margin: float, pairs: int) -> Pair:
    """Two groups compared, before any correction for the number of pairs."""
    right, others = matched.right, matched.others
    values, other_values = right.mean(axis=1), others.mean(axis=1)
    n = right.shape[1]
    tested = (paired if matched.paired else independent)(values, other_values, resolution=1 / n)
    if tested is None:
        gained, lost = int((right[0] & ~others[0]).sum()), int((~right[0] & others[0]).sum())
        difference, p = difference_paired(gained, lost, n), mcnemar(gained, lost)
        equivalence_p, on_new_images = equivalence(gained, lost, n, margin), difference
    else:
        difference, p = within(tested.interval(), -1.0, 1.0), tested.p_value
        equivalence_p = tested.equivalence(margin)
        on_new_images = difference_over_seeds_and_images(right, others, paired=matched.paired)
    return Pair(
        first=matched.first,
        second=matched.second,
        over="images" if tested is None else "seeds",
        common_seeds=len(right) if matched.paired else 0,
        difference=difference,
        on_new_images=on_new_images,
        p_value=p,
        p_corrected=p,
        equivalence_p=equivalence_p,
        probability_higher=probability_higher(values, other_values),
        visible=None if tested is None else tested.smallest_visible(),
        visible_corrected=None if tested is None else tested.smallest_visible(ALPHA / pairs),
    )


def _blocks(paired_over: Sequence[int]) -> str:
    """How many seeds the pairs were compared on, for a sentence; nothing where none was paired."""
    if not paired_over:
        return ""
    counts = str(paired_over[0]) if len(paired_over) == 1 else f"{paired_over[0]} to {paired_over[-1]}"
    return f", paired over {counts} seeds, whose members share batches and masks"


def _range(shares: Sequence[float]) -> str:
    low, high = (points(share) if share <= 1 else "over 100" for share in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"
