"""The factorial experiment's runs by their levels, and what is said of factors."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.statistics.factorial import analyze
from shiftassay.studies.architectures.sections.suggestions import Factorial, FactorialRun, _log_error, findings

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
    effects = analyze([{f: run.levels[f] for f in varied} for run in runs], [_log_error(r.accuracy, 100) for r in runs])
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
    assert "Dropout matters" in finding.sentences[1]
    assert "dropout explains the largest part" in finding.sentences[0]
    assert any("Schedule is not shown to matter" in sentence for sentence in finding.sentences)
    assert "is the best of 16" in finding.sentences[-1]


def test_what_is_written_is_read():
    measured = factorial(dropout_alone)
    assert Factorial.from_json(measured.to_json()) == measured
    assert measured.to_json()["runs"][0]["optimiser"] == "sgd"


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10_000))
def test_the_response_falls_with_accuracy_and_is_finite(accuracy, other, n):
    low, high = sorted((accuracy, other))
    assert _log_error(low, n) >= _log_error(high, n) > -20
