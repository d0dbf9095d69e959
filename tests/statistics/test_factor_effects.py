"""One model of all factors: seeds are blocks, networks are units."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from shiftassay.statistics.factor_effects import factor_effects

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "spatial-attention.json"
TRANSFORMER = [False, True, False, True, False, False]


def test_a_balanced_factor_is_tested_by_the_contrast_of_every_seed_and_by_the_means_of_networks(rng):
    values = rng.normal(size=(6, 5))
    has = np.array([True, True, True, False, False, False])
    effect = factor_effects(values, {"a": has.tolist()})["a"]
    by_seed = values[has].mean(0) - values[~has].mean(0)
    assert effect.estimate == pytest.approx(by_seed.mean())
    assert effect.seeds.p_value == pytest.approx(ttest_1samp(by_seed, 0).pvalue)
    assert effect.networks.p_value == pytest.approx(ttest_ind(values[has].mean(1), values[~has].mean(1)).pvalue)
    assert effect.p_value == max(effect.seeds.p_value, effect.networks.p_value, effect.both.p_value)


def test_a_factor_is_told_apart_from_the_others(rng):
    factors = {"a": [False, True, False, True, False], "b": [False, False, True, True, True]}
    truth = 3.0 * np.array(factors["a"]) - 1.0 * np.array(factors["b"])
    values = truth[:, None] + rng.normal(size=(1, 5)) + 1e-6 * rng.normal(size=(5, 5))
    effects = factor_effects(values, factors)
    assert effects["a"].estimate == pytest.approx(3, abs=1e-5)
    assert effects["b"].estimate == pytest.approx(-1, abs=1e-5)
    assert all(effect.p_value < 1e-4 for effect in effects.values())


def test_a_seed_that_suits_all_networks_alike_counts_for_nothing(rng):
    values = rng.normal(size=(6, 5))
    shifted = factor_effects(values + 100 * rng.normal(size=5), {"a": TRANSFORMER})["a"]
    assert shifted.p_value == pytest.approx(factor_effects(values, {"a": TRANSFORMER})["a"].p_value)


def test_what_these_networks_cannot_tell_is_not_estimated(rng):
    values = rng.normal(size=(4, 5))
    two = [True, True, False, False]
    assert factor_effects(values, {"all": [True] * 4, "none": [False] * 4}) == {}
    assert factor_effects(values, {"a": two, "the same": two, "opposite": [not has for has in two]}) == {}
    assert list(factor_effects(values, {"a": two, "all": [True] * 4})) == ["a"]
    assert factor_effects(values[:2], {"a": [True, False]}) == {}, "each network is the only one of its kind"
    assert factor_effects(values[:, :1], {"a": two}) == {}, "one seed"


def test_values_counted_in_steps_have_at_least_the_spread_of_rounding():
    values = np.repeat([[0.99], [0.99], [0.98], [0.98]], 3, axis=1)
    factors = {"a": [True, True, False, False]}
    assert factor_effects(values, factors)["a"].p_value < 1e-20
    assert 0 < factor_effects(values, factors, resolution=0.01)["a"].p_value < 0.1


def published(section: str, network: str) -> dict:
    sections = json.loads(RESULTS.read_text())["sections"]
    return sections[section]["networks"][network]


NETWORKS = ("trunk", "stn", "attention", "coordconv-stn", "attention-across-batch", "coordconv")


def test_the_figures_of_an_independent_examination_come_out():
    """Computed by others from the same accuracies and jumps: the transformer's effect, paired by seed."""
    accuracies = 100 * np.array([published("reproduction", name)["last_accuracy"] for name in NETWORKS])
    effect = factor_effects(accuracies, {"transformer": TRANSFORMER})["transformer"]
    assert effect.estimate == pytest.approx(-0.142, abs=5e-4)
    assert effect.seeds.p_value == pytest.approx(0.015, abs=5e-4)
    jumps = np.log([published("stability", name)["rms"] for name in NETWORKS])
    effect = factor_effects(jumps, {"transformer": TRANSFORMER})["transformer"]
    interval = effect.seeds.interval()
    assert np.exp([effect.estimate, interval.low, interval.high]).round(1).tolist() == [17.5, 4.9, 62.7]
    medians = np.log([published("stability", name)["median"] for name in NETWORKS])
    effect = factor_effects(medians, {"transformer": TRANSFORMER})["transformer"]
    assert np.exp(effect.estimate) == pytest.approx(5.5, abs=0.05)
