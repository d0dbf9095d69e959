"""The best classifier that a study found for a variant: the lower end of its ceiling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shiftassay.records import Record
from shiftassay.repairs.result import Repair
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.contrast import Contrast
from shiftassay.studies.shifted.served_variants import ServedVariants
from shiftassay.words.lists import plural
from shiftassay.words.numbers import percent_with_interval


@dataclass(frozen=True)
class BestFound(Record):
    """A classifier, its accuracy on a variant, and of how many images and seeds that is."""

    what: str
    accuracy: Interval
    images: int
    seeds: int

    def __str__(self) -> str:
        over = f" and {self.seeds} seeds" if self.seeds > 1 else ", one seed"
        return f"{self.what}, {percent_with_interval(self.accuracy, 1)} of {plural(self.images, 'image')}{over}"


def best_found(
    name: str, repair: Repair, contrasts: Sequence[Contrast], served: ServedVariants | None
) -> BestFound | None:
    """The most accurate classifier on a variant, None if there is none.

    Of its repairs, the oracles of its ceiling, designs of one model for all, and networks of contrasts. Of attacks
    designs are left out: accuracy on a file of attacks on another model is no accuracy under attack.
    """
    classifiers = [*_repairs(repair), *_served(name, served), *_learned(name, contrasts)]
    return max(classifiers, key=lambda one: one.accuracy.estimate, default=None)


def _repairs(repair: Repair) -> Iterator[BestFound]:
    for attempt in repair.attempts:
        change = attempt.deciding
        yield BestFound(f"the repair by {attempt.strategy}", change.after, change.n, 1)
    for oracle in repair.ceiling.oracles if repair.ceiling else ():
        yield BestFound(f"an oracle ({oracle.name})", oracle.accuracy, oracle.judged_on, 1)


def _served(name: str, served: ServedVariants | None) -> Iterator[BestFound]:
    if served is None or name not in served.variants or served.variants[name].attack:
        return
    for design, measured in served.designs.items():
        reached = measured.accuracy[name]
        accuracy = Interval(reached.estimate, reached.low, reached.high)
        yield BestFound(f"the design {design} of one model for all", accuracy, served.images, served.seeds)


def _learned(name: str, contrasts: Sequence[Contrast]) -> Iterator[BestFound]:
    for contrast in contrasts:
        if contrast.draws is not None and contrast.draws.each == name:
            learned = contrast.draws.with_most_images[-1].learned
            yield BestFound("a network trained on such images alone", learned, contrast.draws.images, 1)
