"""What a shift does to a network's accuracy.

One test over all images and seeds, and one word for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, log, sqrt
from typing import ClassVar

import numpy as np
from scipy.stats import t

from shiftassay.evaluation.evaluate import Comparison, Effect, Evaluation, change_in_words, shown_in_words
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval
from shiftassay.words.lists import plural

HARMS: tuple[Effect, ...] = ("harmed", "slightly harmed")


@dataclass(frozen=True)
class EffectOverSeeds(Record):
    """The comparison of a set with its reference over all seeds.

    `of_seeds` are the effects that each seed's own test shows. Of several seeds, `comparison` is for new ones too:
    seeds are blocks, each compared with itself on the reference. `reference_errors` is the mean error rate on the
    reference.
    """

    name: str
    images: int
    seeds: int
    comparison: Comparison
    reference_errors: float
    of_seeds: tuple[Effect, ...]
    derived: ClassVar = ("effect",)

    @property
    def effect(self) -> Effect:
        """What happened to accuracy: the word that everything said of the set uses.

        What is shown for new seeds; or else what every seed's own test shows, which is then said of these models alone
        (all have to reject at 5%, so together they err no more often): two or three seeds show little of new ones.
        """
        if self.comparison.differs:
            return self.comparison.effect
        if self.lower == self.seeds:
            return "harmed" if "harmed" in self.of_seeds else "slightly harmed"
        return "improved" if self.higher == self.seeds else "not shown to change"

    @property
    def lower(self) -> int:
        """How many seeds' own tests show that accuracy is lower."""
        return sum(effect in HARMS for effect in self.of_seeds)

    @property
    def higher(self) -> int:
        """How many seeds' own tests show that accuracy is higher."""
        return self.of_seeds.count("improved")

    @property
    def harms(self) -> bool:
        """Whether accuracy is shown to be lower, be it only slightly."""
        return self.effect in HARMS

    @property
    def measured_on(self) -> str:
        """Of how many images and seeds it is."""
        return f"{self.images:,} images" + (f" and {plural(self.seeds, 'seed')}" if self.seeds > 1 else ", one seed")

    def __str__(self) -> str:
        """The effect with its numbers."""
        shown = shown_in_words(self.comparison, self.reference_errors)
        count, word = (self.higher, "higher") if self.higher > self.lower else (self.lower, "lower")
        if self.effect != self.comparison.effect:
            shown = f"accuracy is {word} with each of these {self.seeds} models; for new seeds that is not shown"
        elif self.seeds > 1:
            shown += f"; {word} in {count} of {self.seeds} seeds alone"
        return f"{self.effect}: {change_in_words(self.comparison)} ({self.measured_on}); {shown}"


def effect_over_seeds(evaluations: Sequence[Evaluation]) -> EffectOverSeeds:
    """What happened on a set, from the evaluation of each seed's model on it."""
    comparisons = [e.comparison for e in evaluations if e.comparison is not None]
    if len(comparisons) < len(evaluations):
        raise ValueError(f"{evaluations[0].name} was not compared with a reference")
    return EffectOverSeeds(
        name=evaluations[0].name,
        images=evaluations[0].n,
        seeds=len(evaluations),
        comparison=comparisons[0] if len(evaluations) == 1 else _over_seeds(comparisons),
        reference_errors=float(np.mean([evaluation.reference_errors for evaluation in evaluations])),
        of_seeds=tuple(comparison.effect for comparison in comparisons),
    )


def _over_seeds(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison for new seeds and new images; whether it differs is said by its interval."""
    ratios = [comparison.error_ratio for comparison in comparisons]
    error_ratio = None
    if all(ratio is not None and ratio.low > 0 for ratio in ratios):
        logs = [Interval(log(r.estimate), log(r.low), log(r.high)) for r in ratios if r is not None]
        joined = joined_over_seeds(logs)
        error_ratio = Interval(exp(joined.estimate), exp(joined.low), exp(joined.high))
    first = comparisons[0]
    difference = joined_over_seeds([comparison.difference for comparison in comparisons], (-1.0, 1.0))
    return Comparison(first.reference, difference, first.paired, None, None, None, None, first.margin, error_ratio)


def joined_over_seeds(of_seeds: Sequence[Interval], bounds: tuple[float, float] = (-inf, inf)) -> Interval:
    """The interval of the mean for new seeds and new images.

    It is made of each seed's interval for new images.

    The variation of the seeds (Student's interval) is joined with that of the images (the mean of the seeds' intervals,
    as if all seeds erred on the same images: never too narrow), as Zou and Donner (2008) join limits.

    Of one seed it is that seed's own.

    >>> print(joined_over_seeds([Interval(-0.003, -0.005, -0.001), Interval(-0.002, -0.004, 0.0)]))
    -0.0025 [-0.0092, 0.0042]
    """
    if len(of_seeds) == 1:
        return of_seeds[0]
    estimates = np.array([interval.estimate for interval in of_seeds])
    center = float(estimates.mean())
    seeds = float(t.isf(0.025, len(estimates) - 1) * estimates.std(ddof=1) / sqrt(len(estimates)))
    below, above = (
        hypot(seeds, float(np.mean(distances)))
        for distances in ([i.estimate - i.low for i in of_seeds], [i.high - i.estimate for i in of_seeds])
    )
    return Interval(center, max(center - below, bounds[0]), min(center + above, bounds[1]))
