"""Figures that a source claims, compared with those of runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.runs.results import TrainingTimes
from shiftassay.studies.architectures.claims import check_claim, check_lowest_loss
from shiftassay.studies.architectures.network_runs import NetworkRuns
from shiftassay.studies.architectures.study import Claim

IMAGES = 1000


def runs_with(losses):
    """The runs of a network whose losses, by seed and epoch, are these."""
    losses = tuple(map(tuple, losses))
    accuracies = tuple(tuple(1 - loss for loss in by_epoch) for by_epoch in losses)
    last = tuple(by_epoch[-1] for by_epoch in losses)
    best = tuple(map(max, accuracies))
    return NetworkRuns(
        seeds=tuple(range(len(losses))),
        best_accuracy=best,
        best_epoch=(1,) * len(losses),
        last_accuracy=best,
        losses=losses,
        accuracies=accuracies,
        training_losses=losses,
        last=last,
        lowest=tuple(map(min, losses)),
        median_of_last=last,
        environment=TrainingTimes((None,) * len(losses)),
    )


def claim(**changes):
    return Claim(**{"network": "a", "name": "A", "epochs": 2, "parameters": 1, "best_accuracy": 0.9, **changes})


@given(st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)), min_size=2, max_size=6), st.floats(0, 1))
def test_a_figure_is_within_if_the_prediction_interval_covers_it(losses, reported):
    [_, figure] = check_claim(claim(losses={2: reported}), runs_with(losses), IMAGES).figures
    assert figure.expected is not None
    low, high = figure.expected
    assert low <= np.mean(figure.ours) <= high or low == pytest.approx(high)
    assert figure.within == (low <= reported <= high)


def test_a_single_seed_predicts_nothing():
    [best] = check_claim(claim(), runs_with([(0.2, 0.1)]), IMAGES).figures
    assert (best.expected, best.within) == (None, None)


def test_only_figures_of_epochs_that_were_trained_are_compared():
    checked = check_claim(
        claim(epochs=300, losses={1: 0.2, 300: 0.1}, right={2: 900}), runs_with([(0.2, 0.1)] * 2), IMAGES
    )
    assert not checked.whole
    assert [figure.quantity for figure in checked.figures] == ["loss, epoch 1", "accuracy, epoch 2"]
    assert checked.figures[1].reported == 0.9


def test_jumps_are_compared_on_a_logarithmic_scale():
    rng = np.random.default_rng(0)
    losses = [np.abs(rng.normal(size=300)) + 0.01 for _ in range(4)]
    figure = check_claim(claim(largest_jump=1.0), runs_with(losses), IMAGES).figures[-1]
    assert figure.quantity.startswith("largest jump")
    assert figure.expected is not None
    assert figure.expected[0] > 0


def test_the_lowest_loss_is_tested_in_pairs_of_seeds():
    losses = {
        name: [(1.0, level + 0.01 * seed) for seed in range(4)] for name, level in (("a", 0.5), ("b", 0.4), ("c", 0.3))
    }
    runs = {name: runs_with(values) for name, values in losses.items()}
    tests = check_lowest_loss("c", runs)
    assert len(tests) == 6
    assert all(test.network == "c" and test.is_lower for test in tests)
    assert not any(test.is_lower for test in check_lowest_loss("a", runs))


def test_seconds_of_older_results_are_read():
    content = replace(runs_with([(0.2, 0.1)]), environment=TrainingTimes((3.0,))).to_json()
    older = {key: value for key, value in content.items() if key != "environment"} | {"seconds": [3.0]}
    assert NetworkRuns.from_json(older) == NetworkRuns.from_json(content)
