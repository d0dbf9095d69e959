"""Which epoch counts: what each protocol reads, and what the report says of it."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.studies.architectures.early_stopping import CRITERIA, PATIENCE, stopping_rules
from shiftassay.studies.architectures.protocols import (
    BEST,
    HELD_OUT,
    HELD_OUT_LOSS,
    LAST,
    LOWEST_LOSS,
    SETTLED,
    HeldOutRuns,
    mean_bias,
    protocol_accuracies,
    settled_epochs,
)
from shiftassay.studies.architectures.sections.selection import Selection, findings

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "spatial-attention.json"

series = st.integers(1, 30).flatmap(
    lambda epochs: st.lists(st.lists(st.floats(0, 1), min_size=epochs, max_size=epochs), min_size=1, max_size=4)
)


@given(series)
def test_no_protocol_reads_more_than_the_best_epoch(accuracies):
    read = protocol_accuracies(accuracies, [[-value for value in by_epoch] for by_epoch in accuracies])
    for protocol in (LOWEST_LOSS, LAST, SETTLED):
        assert (np.subtract(read.accuracies[BEST], read.accuracies[protocol]) >= -1e-12).all()
    assert read.accuracies[LOWEST_LOSS] == read.accuracies[BEST], "the loss is lowest where accuracy is highest"
    assert (read.bias(SETTLED) == 0).all()


def test_the_best_of_many_noisy_epochs_is_biased_and_the_last_is_not(rng):
    accuracies = 0.99 + 0.001 * rng.normal(size=(200, 300))
    losses = 0.03 - accuracies / 100 + 0.001 * rng.normal(size=accuracies.shape)
    read = protocol_accuracies(accuracies.tolist(), losses.tolist())
    best, last = (mean_bias({"a": read}, protocol) for protocol in (BEST, LAST))
    assert best[0] == pytest.approx(0.0028, abs=2e-4), "the expected largest of 300 normal draws is 2.8 sd"
    assert last[1] is not None
    assert last[1].low < 0 < last[1].high
    assert read.sd_within == pytest.approx(0.001, rel=0.05)
    assert np.std(read.bias(LAST)) == pytest.approx(0.001, rel=0.2)


@pytest.fixture(scope="module")
def measured() -> Selection:
    networks = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]["reproduction"]["networks"]
    read = {name: protocol_accuracies(runs["accuracies"], runs["losses"]) for name, runs in networks.items()}
    return Selection(read, images=10_000, epochs=300, held_out=0)


def test_all_protocols_stand_in_the_report_with_what_they_cost(measured):
    [finding] = findings(measured)
    text = " ".join(finding.sentences)
    assert "best epoch on the test set is +0.132 [0.128, 0.13" in text
    assert "This choice is optimistic" in text
    assert "No training here kept images apart" in text
    rows = [row for row in finding.tables[0].rows if row[0] == "stn"]
    assert [row[2] for row in rows] == [BEST, LOWEST_LOSS, LAST, SETTLED]
    assert "10,000 test images, 300 epochs" in finding.tables[0].caption


@pytest.fixture
def held_out_runs(rng) -> HeldOutRuns:
    """Three trainings of 60 epochs that learn for 20 of them, and are measured with noise."""
    learned = 0.99 - 0.05 * np.exp(-np.arange(60) / 4)
    tested, held_out = (learned + 0.0005 * rng.normal(size=(3, 60)) for _ in range(2))
    curves = (tested, 1 - tested, held_out, 1 - held_out)
    return HeldOutRuns(*(tuple(map(tuple, curve.tolist())) for curve in curves))


def test_an_epoch_that_is_chosen_on_held_out_images_is_read_on_the_test_set(measured, held_out_runs):
    read = held_out_runs.protocols
    epochs = np.argmax(held_out_runs.held_out_accuracies, axis=1)
    expected = [curve[epoch] for curve, epoch in zip(held_out_runs.accuracies, epochs, strict=True)]
    assert read.accuracies[HELD_OUT] == tuple(expected) == read.accuracies[HELD_OUT_LOSS]
    assert max(expected) < max(map(max, held_out_runs.accuracies))
    [finding] = findings(replace(measured, epochs=60, held_out=5000, held_out_runs={"trunk": held_out_runs}))
    text = " ".join(finding.sentences)
    assert "best on 5,000 held-out images is" in text
    assert "1 network, 3 seeds" in text
    assert "a patience of 5 epochs stops at epoch" in text
    assert [row[2] for row in finding.tables[1].rows] == ["5", "10", "20", "50"] * 2


def test_a_patient_rule_stops_later_and_never_keeps_a_worse_epoch(held_out_runs):
    rules = [rule for rule in stopping_rules("a", held_out_runs) if rule.criterion == CRITERIA[0]]
    assert [rule.patience for rule in rules] == list(PATIENCE)
    for few, many in pairwise(rules):
        assert np.all(np.array(few.stopped) <= np.array(many.stopped))
        kept = [
            [curve[epoch - 1] for curve, epoch in zip(held_out_runs.held_out_losses, r.kept, strict=True)]
            for r in (few, many)
        ]
        assert np.all(np.array(kept[0]) >= np.array(kept[1]))
    assert all(
        stopped - kept in (rules[0].patience, 60 - kept)
        for stopped, kept in zip(rules[0].stopped, rules[0].kept, strict=True)
    )


def test_few_epochs_tell_nothing(measured):
    [finding] = findings(replace(measured, epochs=3))
    assert settled_epochs(3) == 1
    assert "too few" in finding.sentences[0]
