"""The factorial experiment's runs by their levels, and what is said of factors."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.statistics.factorial import analyze
from shiftassay.studies.architectures.factorial import Factorial, FactorialRun, ShortTraining, TriedRate, log_error
from shiftassay.studies.architectures.sections.suggestions import findings

LEVELS = {
    "network": ("trunk",),
    "dropout": (0.0, 0.5),
    "schedule": ("constant", "one_cycle"),
    "optimiser": ("sgd", "adamw"),
    "epochs": (5, 15),
}


def factorial(accuracy_of):
    runs = tuple(FactorialRun(*levels, accuracy_of(*levels)) for levels in product(*LEVELS.values()))
    varied = [factor for factor, levels in LEVELS.items() if len(levels) > 1]
    effects = analyze([{f: run.levels[f] for f in varied} for run in runs], [log_error(r.accuracy, 100) for r in runs])
    return Factorial(runs, LEVELS, tuple(effects), 100)


def dropout_alone(network, dropout, schedule, optimizer, epochs):
    return 0.95 - 0.1 * dropout + 0.0001 * (epochs == 5) * (schedule == "constant") * (optimizer == "sgd")


def test_a_run_is_found_by_its_levels():
    measured = factorial(dropout_alone)
    assert len(measured.accuracies()) == 16
    assert len(measured.accuracies(dropout=0.5, optimiser="sgd")) == 4
    assert measured.accuracies(dropout=0.5, optimiser="sgd", schedule="one_cycle", epochs=15) == [pytest.approx(0.9)]


def test_the_factor_that_matters_is_named():
    [finding] = findings(factorial(dropout_alone))
    assert "Dropout: " in finding.sentences[1]
    assert "of the variance, p <" in finding.sentences[1]
    assert "best and worst: 0.0 95.0" in finding.sentences[1]
    assert "dropout explains the largest part" in finding.sentences[0]
    assert any(
        sentence.startswith("Schedule: 0% of the variance, no effect is shown, p") for sentence in finding.sentences
    )
    assert "the highest of 16" in finding.sentences[-1]


def test_a_rate_at_the_edge_of_the_grid_is_told():
    tried = tuple(
        TriedRate("sgd", "constant", rate, {"trunk": a}, rate == 0.1) for rate, a in ((0.1, 0.9), (1.0, None))
    )
    [finding] = findings(replace(factorial(dropout_alone), tried=tried))
    assert "edge of those tried for sgd with constant (0.1)" in finding.sentences[-1]
    assert finding.tables[1].rows[1][2:] == ("diverged", "diverged", "")
    assert tried[1].mean is None


def test_the_best_combination_is_compared_over_seeds_on_the_test_set():
    best = FactorialRun("trunk", 0.0, "one_cycle", "momentum", 15, 0.994)
    row = ShortTraining(best, 0.03, (0.9941, 0.9939, 0.9944), (0.9921, 0.9924, 0.9920), 300, 0.01)
    [finding] = findings(replace(factorial(dropout_alone), confirmed=(row,), images=10_000))
    assert (
        "With momentum, one cycle and dropout 0, trunk gets 99.41 ± 0.03% of 10,000 test images right after 15 epochs, "
        "and 99.22 ± 0.02% after 300 epochs of the study's recipe (+0.20 [0.08, 0.31] points, 3 seeds, p =\xa00.01)."
    ) in finding.sentences
    alone = replace(row, accuracies=(0.9941,), by_the_study=(0.992,), p_corrected=None)
    [finding] = findings(replace(factorial(dropout_alone), confirmed=(alone,), images=10_000))
    assert "(one seed each)." in finding.sentences[-1]


def test_what_is_written_is_read():
    measured = factorial(dropout_alone)
    assert Factorial.from_json(measured.to_json()) == measured
    assert measured.to_json()["runs"][0]["optimiser"] == "sgd"


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10_000))
def test_the_response_falls_with_accuracy_and_is_finite(accuracy, other, n):
    low, high = sorted((accuracy, other))
    assert log_error(low, n) >= log_error(high, n) > -20
