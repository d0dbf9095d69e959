"""How often each test over seeds errs where there is nothing to find, and each interval misses what it should cover.

`python -m benchmarks.type_one_errors --json docs/results/type-one-errors.json`. Every test and interval is simulated as
it is used, with seeds whose members are correlated, and networks that differ; so are the ones that these replace.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from time import perf_counter
from typing import Literal

import numpy as np
from benchmarks.result_file import result_file
from scipy.stats import norm, ttest_ind

from shiftassay.evaluation.compare import compare
from shiftassay.records import Record
from shiftassay.runs.environment import environment
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.factor_effects import factor_effects
from shiftassay.statistics.factorial import analyze
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.seeds import independent, mean_over_seeds, new_draw, paired
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images, mean_over_seeds_and_images

Status = Literal["used", "replaced", "assumption broken"]
LEVEL = 0.05
SURE = 0.9998
CORRELATIONS = (-0.5, 0.0, 0.5)
NETWORK_SDS = (0.0, 0.5, 1.0, 2.0)
FACTORS = {  # the study's networks: trunk, stn, attention, coordconv-stn, attention-across-batch, coordconv
    "transformer": [False, True, False, True, False, False],
    "coordinates": [False, False, False, True, False, True],
    "attention": [False, False, True, False, True, False],
}
ALONE = {"transformer": FACTORS["transformer"]}
HARD, MIXED = 2.0, 1.0  # sds of how hard images are, beside a unit of chance: most errors are common, or fewer


@dataclass(frozen=True)
class Case:
    """One situation in which a test has nothing to find; `errs` simulates it once."""

    test: str
    situation: str
    errs: Callable[[np.random.Generator], bool]
    status: Status = "used"
    share: float = 1.0
    """Of the repeats, where one takes long."""


@dataclass(frozen=True)
class Measured(Record):
    """How often a case erred in so many repeats, with the 95% interval of that rate.

    `status`: used, replaced by one that is, or used where what it assumes does not hold.
    """

    test: str
    situation: str
    repeats: int
    errors: int
    rate: Interval
    status: Status

    @property
    def too_often(self) -> bool:
        """Whether that is more than the level, not by chance: there are hundreds of cases."""
        return self.status == "used" and wilson(self.errors, self.repeats, SURE).low > LEVEL


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.type_one_errors", description=__doc__)
    parser.add_argument("--repeats", type=int, default=4_000, help="of each case")
    parser.add_argument("--json", type=result_file)
    asked = parser.parse_args()
    here, began, rows = environment(), perf_counter(), []
    for case in cases():
        rows.append(measured(case, asked.repeats))
        print(f"{rows[-1].rate.estimate:.4f}  {case.status}  {case.test}: {case.situation}", flush=True)
    too_often = sum(row.too_often for row in rows)
    print(f"{too_often} of {len(rows)} err more often than {LEVEL}; {perf_counter() - began:.0f} s.")
    if asked.json:
        command = f"python -m benchmarks.type_one_errors --repeats {asked.repeats}"
        content = {
            "command": command,
            "environment": here.to_json(),
            "level": LEVEL,
            "rows": [row.to_json() for row in rows],
        }
        asked.json.write_text(json.dumps(content, indent=1) + "\n")
    return int(too_often > 0)


def measured(case: Case, repeats: int, seed: int = 0) -> Measured:
    """A case simulated so many times."""
    rng = np.random.default_rng([seed, *case.test.encode(), *case.situation.encode()])
    times = max(1, round(repeats * case.share))
    errors = sum(case.errs(rng) for _ in range(times))
    return Measured(case.test, case.situation, times, errors, wilson(errors, times), case.status)


def cases() -> Iterator[Case]:
    """Every test and interval over seeds, in all situations."""
    yield from _pairs()
    yield from _factors()
    yield from _means()
    yield from _images()
    yield from _families()


def _pairs() -> Iterator[Case]:
    for seeds, correlation in product((2, 3, 5), CORRELATIONS):
        situation = f"{seeds} seeds, correlation {correlation:g}"
        yield Case("paired t", situation, lambda rng, s=seeds, c=correlation: _rejects(paired(*_pair(rng, s, c))))
        yield Case(
            "paired equivalence, at the margin", situation, lambda rng, s=seeds, c=correlation: _equal(rng, s, c)
        )
    for correlation in CORRELATIONS:
        yield Case(
            "Welch's t",
            f"5 seeds in common, correlation {correlation:g}",
            lambda rng, c=correlation: _rejects(independent(*_pair(rng, 5, c))),
            status="replaced",
        )
    for seeds, others, sd in ((2, 2, 1), (3, 5, 1), (5, 5, 1), (5, 5, 4), (3, 5, 4), (5, 3, 4)):
        yield Case(
            "Welch's t",
            f"{seeds} and {others} seeds, none in common, sds 1 and {sd}",
            lambda rng, n=seeds, m=others, sd=sd: _rejects(independent(rng.normal(size=n), sd * rng.normal(size=m))),
        )
    for seeds, images in product((2, 3, 5), (100, 1000)):
        yield Case(
            "paired t",
            f"{seeds} seeds, accuracies counted in {images} images",
            lambda rng, s=seeds, n=images: _rejects(
                paired(*(rng.binomial(n, 0.99, (2, s)) / n), resolution=1 / n),
            ),
        )


def _factors() -> Iterator[Case]:
    designs = {"one factor, 2 networks against 4": ALONE, "three factors, 6 networks": FACTORS}
    for (design, factors), seeds, correlation, sd in product(designs.items(), (2, 3, 5), CORRELATIONS, NETWORK_SDS):
        yield Case(
            "effect of a factor",
            f"{design}, {seeds} seeds, correlation {correlation:g}, network sd {sd:g}",
            lambda rng, f=factors, s=seeds, c=correlation, sd=sd: (
                factor_effects(_runs(rng, s, c, sd), f)["transformer"].p_value < LEVEL
            ),
        )
    for scale in (0.2, 5.0):
        yield Case(
            "effect of a factor",
            f"three factors, 6 networks, 5 seeds, runs with it vary {scale:g} times as much",
            lambda rng, k=scale: factor_effects(_runs(rng, 5, 0, 0, k), FACTORS)["transformer"].p_value < LEVEL,
        )
    for sd in (1.0, 2.0):
        yield Case(
            "effect of a factor",
            f"three factors, 6 networks, 5 seeds, network sd {sd:g}, three times that with the factor",
            lambda rng, sd=sd: factor_effects(_runs(rng, 5, 0, sd, 1, 3), FACTORS)["transformer"].p_value < LEVEL,
            status="assumption broken",
        )
    for correlation, sd in product(CORRELATIONS, NETWORK_SDS):
        yield Case(
            "runs with and without a factor, pooled",
            f"2 networks against 4, 5 seeds, correlation {correlation:g}, network sd {sd:g}",
            lambda rng, c=correlation, sd=sd: _pooled(_runs(rng, 5, c, sd)),
            status="replaced",
        )


def _means() -> Iterator[Case]:
    for seeds in (2, 3, 5):
        yield Case(
            "mean over seeds, interval",
            f"{seeds} seeds",
            lambda rng, s=seeds: _misses(mean_over_seeds(rng.normal(size=s)), 0),
        )
        yield Case(
            "prediction of a new seed, interval",
            f"{seeds} seeds",
            lambda rng, s=seeds: _misses(new_draw(rng.normal(size=s)), rng.normal()),
        )


def _images() -> Iterator[Case]:
    for seeds, images, accuracy, sd, hard in product((2, 3, 5), (100, 1000), (0.85, 0.97), (0.1, 0.4), (HARD, MIXED)):
        situation = f"{seeds} seeds, {images} images, accuracy {accuracy:g}, seed sd {sd:g}, image sd {hard:g}"
        share = 0.2 if images > 100 else 0.5
        yield Case(
            "accuracy over seeds and images, interval",
            situation,
            lambda rng, s=seeds, n=images, a=accuracy, sd=sd, h=hard: _misses(
                mean_over_seeds_and_images(_answers(rng, s, n, a, sd, h)[0]), a
            ),
            share=share,
        )
        yield Case(
            "difference over seeds and images, interval",
            situation,
            lambda rng, s=seeds, n=images, a=accuracy, sd=sd, h=hard: _misses(
                difference_over_seeds_and_images(*_answers(rng, s, n, a, sd, h, groups=2)), 0
            ),
            share=share,
        )
    for images, accuracy in product((100, 1000), (0.85, 0.97, 0.99)):
        yield Case(
            "difference over images, one seed, interval",
            f"{images} images, accuracy {accuracy:g}",
            lambda rng, n=images, a=accuracy: _misses(
                difference_over_seeds_and_images(*_answers(rng, 1, n, a, 0.0, HARD, groups=2)), 0
            ),
            share=0.5,
        )


def _families() -> Iterator[Case]:
    for correlation in CORRELATIONS:
        yield Case(
            "any of 15 pairs, after Holm",
            f"6 networks, 5 seeds, correlation {correlation:g}",
            lambda rng, c=correlation: _any_pair(rng, c),
        )
    yield Case(
        "any of 15 pairs of a comparison",
        "6 networks, 5 seeds, 1,000 images",
        lambda rng: any(pair.differs for pair in compare(_comparison(rng), 0.002).pairs),
        share=0.05,
    )
    runs = [{"a": a, "b": b, "c": c} for a, b, c in product(range(3), range(2), range(4)) for _ in range(2)]
    yield Case(
        "any effect of an analysis of variance, after Holm",
        "three factors, 48 runs",
        lambda rng: any((effect.p_corrected or 1) < LEVEL for effect in analyze(runs, rng.normal(size=len(runs)))),
        share=0.2,
    )
    yield Case(
        "any effect of a factor, after Holm",
        "three factors, 6 networks, 5 seeds, correlation 0, network sd 1",
        lambda rng: min(holm([e.p_value for e in factor_effects(_runs(rng, 5, 0, 1), FACTORS).values()])) < LEVEL,
    )


def _pair(rng: np.random.Generator, seeds: int, correlation: float) -> np.ndarray:
    """Values of two networks with the same mean, by seed."""
    one, other = rng.normal(size=(2, seeds))
    return np.stack([one, correlation * one + np.sqrt(1 - correlation**2) * other])


def _equal(rng: np.random.Generator, seeds: int, correlation: float) -> bool:
    """Whether two networks that differ by the margin are called equivalent."""
    one, other = _pair(rng, seeds, correlation)
    difference = paired(one + 1.0, other)
    return difference is not None and difference.equivalence(1.0) < LEVEL


def _runs(
    rng: np.random.Generator,
    seeds: int,
    correlation: float,
    network_sd: float,
    scale: float = 1,
    network_scale: float = 1,
) -> np.ndarray:
    """Values by network and seed.

    Half the variance of a run is its own, half is common to the networks of its level and seed, which correlates
    between the levels. `scale` is that of runs with the factor, `network_scale` of what such networks differ by.
    """
    has = np.array(FACTORS["transformer"])
    common = _pair(rng, seeds, correlation)[has.astype(int)]
    runs = (common + rng.normal(size=common.shape)) / np.sqrt(2) * np.where(has, scale, 1)[:, None]
    return runs + network_sd * rng.normal(size=(len(has), 1)) * np.where(has, network_scale, 1)[:, None]


def _pooled(values: np.ndarray) -> bool:
    has = np.array(FACTORS["transformer"])
    return bool(ttest_ind(values[has].ravel(), values[~has].ravel(), equal_var=False).pvalue < LEVEL)


def _answers(
    rng: np.random.Generator, seeds: int, images: int, accuracy: float, sd: float, hard: float, groups: int = 1
) -> np.ndarray:
    """Which images are right, by group and seed, of new seeds and new images whose mean accuracy is that."""
    threshold = norm.ppf(accuracy) * np.sqrt(1 + sd**2 + hard**2)
    skill = sd * rng.normal(size=(groups, seeds, 1))
    return rng.normal(size=(groups, seeds, images)) < threshold + skill + hard * rng.normal(size=images)


def _any_pair(rng: np.random.Generator, correlation: float) -> bool:
    """Whether any pair of six networks is found to differ; networks of either half share half of each seed."""
    halves = _pair(rng, 5, correlation).repeat(3, axis=0)
    values = (halves + rng.normal(size=halves.shape)) / np.sqrt(2)
    tests = [paired(values[i], values[j]) for i in range(6) for j in range(i)]
    return min(holm([test.p_value for test in tests if test])) < LEVEL


def _comparison(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return dict(zip("abcdef", _answers(rng, 5, 1000, 0.97, 0.1, HARD, groups=6), strict=True))


def _rejects(difference: object) -> bool:
    return getattr(difference, "p_value", 1.0) < LEVEL


def _misses(interval: Interval | None, truth: float) -> bool:
    return interval is not None and not interval.low <= truth <= interval.high


if __name__ == "__main__":
    sys.exit(main())
