"""Which epoch counts: what each protocol reads, and what the report says of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.studies.architectures.protocols import (
    BEST,
    HELD_OUT,
    LAST,
    LAST_OF_HELD_OUT,
    LOWEST_LOSS,
    SETTLED,
    mean_bias,
    protocol_accuracies,
    settled_epochs,
)
from shiftassay.studies.architectures.sections.selection import NEEDED, Selection, findings

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "spatial-attention.json"

series = st.integers(1, 30).flatmap(
    lambda epochs: st.lists(st.lists(st.floats(0, 1), min_size=epochs, max_size=epochs), min_size=1, max_size=4)
)


@given(series)
def test_no_protocol_reads_more_than_the_best_epoch(accuracies):
    read = protocol_accuracies(accuracies, [[1 - value for value in by_epoch] for by_epoch in accuracies])
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
    assert "best on the test set is off by +0.132 [0.128, 0.13" in text
    assert "held-out images is not measured" in text
    rows = [row for row in finding.tables[0].rows if row[0] == "stn"]
    assert [row[1] for row in rows] == [BEST, LOWEST_LOSS, HELD_OUT, LAST, SETTLED]
    assert rows[2][2] == NEEDED
    assert "10,000 test images, 5 seeds, 300 epochs" in finding.tables[0].caption


def test_an_epoch_that_was_chosen_on_held_out_images_is_compared_with_the_last_of_the_same_training(measured):
    chosen = {HELD_OUT: (0.990, 0.991, 0.992, 0.991, 0.990), LAST_OF_HELD_OUT: (0.989, 0.990, 0.990, 0.990, 0.989)}
    trunk = measured.networks["trunk"]
    networks = {**measured.networks, "trunk": replace(trunk, accuracies={**trunk.accuracies, **chosen})}
    [finding] = findings(replace(measured, networks=networks, held_out=5000))
    assert "trunk: the epoch that is best on 5,000 held-out images has 99.080" in " ".join(finding.sentences)
    assert "points more than the last epoch of the same trainings" in " ".join(finding.sentences)


def test_few_epochs_tell_nothing(measured):
    [finding] = findings(replace(measured, epochs=3))
    assert settled_epochs(3) == 1
    assert "too few" in finding.sentences[0]
