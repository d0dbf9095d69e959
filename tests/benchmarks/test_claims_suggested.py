"""Rows that the spatial study has where it was run with held-out images, variants of attention and short recipes."""

import numpy as np
import pytest
from benchmarks.claimed import suggested
from benchmarks.claimed.lines import faults

from shiftassay.records import JsonObject
from shiftassay.studies.architectures.factorial import Factorial, FactorialRun, ShortTraining
from shiftassay.studies.architectures.judged_accuracies import judge_early_stopping, judge_held_out
from shiftassay.studies.architectures.judged_modules import judge_heads, judge_positions, judge_recipe
from shiftassay.studies.architectures.protocols import HeldOutRuns
from shiftassay.studies.architectures.sections.heads import Heads, Variant
from shiftassay.studies.architectures.sections.selection import Selection

SEEDS, EPOCHS, IMAGES = 5, 80, 10_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def curves(rng: np.random.Generator, start: float, end: float, noise: float) -> tuple[tuple[float, ...], ...]:
    """By seed and epoch, from one value to another."""
    way = end + (start - end) * np.exp(-np.arange(EPOCHS) / 8)
    return tuple(map(tuple, (way + rng.normal(0, noise, (SEEDS, EPOCHS))).round(4).tolist()))


def selection(rng: np.random.Generator) -> Selection:
    runs = {
        name: HeldOutRuns(
            curves(rng, 0.9, 0.99, 0.0004),
            curves(rng, 0.3, 0.03, 0.001),
            curves(rng, 0.9, 0.99, 0.0006),
            curves(rng, 0.3, 0.03, 0.002),
        )
        for name in ("trunk", "stn")
    }
    return Selection({}, IMAGES, EPOCHS, 5000, runs)


def heads(rng: np.random.Generator) -> Heads:
    means = {"1 head": 0.988, "2 heads": 0.99, "5 heads": 0.9901, "2 heads, position code": 0.985}
    variants = {
        name: Variant(25_460, tuple(rng.normal(mean, 0.0004, SEEDS)), tuple(rng.normal(4 - 4 * mean, 0.001, SEEDS)))
        for name, mean in means.items()
    }
    return Heads("attention", "2 heads", variants, (10, 20), 30, IMAGES)


def recipes(rng: np.random.Generator) -> Factorial:
    rows = tuple(
        ShortTraining(
            FactorialRun(network, 0.25, "one_cycle", "momentum", 15, 0.994),
            0.03,
            tuple(rng.normal(0.9945, 0.0003, SEEDS)),
            tuple(rng.normal(mean, 0.0003, SEEDS)),
            300,
            p_corrected,
        )
        for network, mean, p_corrected in (("trunk", 0.992, 1e-5), ("stn", 0.9944, 0.5))
    )
    return Factorial((), {}, (), 5000, confirmed=rows, images=IMAGES)


def rows(rng: np.random.Generator) -> tuple[dict[str, JsonObject], list[str]]:
    """The sections as results have them, and the rows as the study prints them."""
    chosen, variants, short = selection(rng), heads(rng), recipes(rng)
    judged = [judge_held_out(chosen), judge_early_stopping(chosen), judge_heads(variants), judge_positions(variants)]
    judged.append(judge_recipe(short))
    sections = {"selection": chosen.to_json(), "heads": variants.to_json(), "suggestions": short.to_json()}
    return sections, [" | ".join(row) for row in judged if row is not None]


def test_they_are_worked_out_as_the_study_prints_them(rng):
    sections, printed = rows(rng)
    assert len(printed) == 5
    assert list(faults([row.replace("\u00a0", " ") for row in printed], list(suggested.lines(sections)))) == []


def test_other_values_give_other_rows(rng):
    _, printed = rows(rng)
    others, _ = rows(rng)
    assert len(list(faults(printed, list(suggested.lines(others))))) == 5


def test_sections_that_are_not_there_have_no_rows():
    assert list(suggested.lines({})) == []
