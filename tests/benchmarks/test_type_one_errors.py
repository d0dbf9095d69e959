"""Tests and intervals over seeds err no more often than they say, and the simulation sees where they would."""

import pytest
from benchmarks.type_one_errors import LEVEL, Case, cases, measured

from shiftassay.statistics.intervals import wilson

CASES = {f"{case.test}: {case.situation}": case for case in cases()}
WORST = [  # of each test, the situations that are hardest for it
    "paired t: 2 seeds, correlation -0.5",
    "paired t: 5 seeds, correlation 0.5",
    "paired t: 5 seeds, accuracies counted in 100 images",
    "paired equivalence, at the margin: 5 seeds, correlation -0.5",
    "paired equivalence, at the margin: 5 seeds, correlation 0.5",
    "Welch's t: 5 and 3 seeds, none in common, sds 1 and 4",
    "effect of a factor: one factor, 2 networks against 4, 5 seeds, correlation -0.5, network sd 0",
    "effect of a factor: one factor, 2 networks against 4, 5 seeds, correlation 0, network sd 0.5",
    "effect of a factor: one factor, 2 networks against 4, 5 seeds, correlation 0.5, network sd 2",
    "effect of a factor: three factors, 6 networks, 5 seeds, correlation -0.5, network sd 1",
    "effect of a factor: three factors, 6 networks, 2 seeds, correlation 0, network sd 2",
    "effect of a factor: three factors, 6 networks, 5 seeds, runs with it vary 5 times as much",
    "mean over seeds, interval: 3 seeds",
    "prediction of a new seed, interval: 5 seeds",
    "accuracy over seeds and images, interval: 2 seeds, 100 images, accuracy 0.85, seed sd 0.4, image sd 2",
    "accuracy over seeds and images, interval: 3 seeds, 100 images, accuracy 0.97, seed sd 0.1, image sd 2",
    "accuracy over seeds and images, interval: 5 seeds, 1000 images, accuracy 0.97, seed sd 0.4, image sd 1",
    "difference over seeds and images, interval: 2 seeds, 100 images, accuracy 0.85, seed sd 0.1, image sd 2",
    "difference over seeds and images, interval: 5 seeds, 1000 images, accuracy 0.85, seed sd 0.4, image sd 2",
    "difference over images, one seed, interval: 100 images, accuracy 0.99",
    "any of 15 pairs, after Holm: 6 networks, 5 seeds, correlation 0.5",
    "any effect of an analysis of variance, after Holm: three factors, 48 runs",
]


@pytest.mark.parametrize("name", WORST)
def test_it_errs_no_more_often_than_its_level(name):
    assert not measured(CASES[name], 2000).too_often, name


@pytest.mark.torture
def test_none_errs_more_often_than_its_level_in_any_situation():
    rows = [measured(case, 2000, seed=1) for case in CASES.values()]
    assert [f"{row.test}: {row.situation}: {row.rate}" for row in rows if row.too_often] == []


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("Welch's t: 5 seeds in common, correlation -0.5", 0.09),
        (
            "runs with and without a factor, pooled: 2 networks against 4, 5 seeds, correlation -0.5, network sd 2",
            0.4,
        ),
    ],
)
def test_what_was_replaced_errs_more_often(name, rate):
    row = measured(CASES[name], 2000)
    assert row.rate.low > LEVEL
    assert row.rate.estimate == pytest.approx(rate, abs=0.06)
    assert not row.too_often, "it is not in use"


def test_a_test_that_errs_too_often_is_seen():
    row = measured(Case("one that is wrong", "one in ten", lambda rng: bool(rng.random() < 0.1)), 2000)
    assert row.too_often
    assert (row.rate.low, row.rate.high) == (wilson(row.errors, 2000).low, wilson(row.errors, 2000).high)
