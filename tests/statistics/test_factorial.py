from itertools import product

import numpy as np
import pytest
from scipy.stats import f_oneway

from shiftassay.statistics.factorial import analyze


def balanced(rng, levels=(3, 2, 4), repeats=2):
    runs = [
        dict(zip("abc", combination, strict=True))
        for combination in product(*map(range, levels))
        for _ in range(repeats)
    ]
    return runs, rng.normal(size=len(runs))


def test_in_a_balanced_design_sums_of_squares_are_those_of_the_means(rng):
    runs, y = balanced(rng)
    effects = {effect.factors: effect for effect in analyze(runs, y)}
    total = ((y - y.mean()) ** 2).sum()
    for factor in "abc":
        of = np.array([run[factor] for run in runs])
        between = sum((of == level).sum() * (y[of == level].mean() - y.mean()) ** 2 for level in set(of.tolist()))
        assert effects[factor,].share == pytest.approx(between / total)
    a, b = (np.array([run[factor] for run in runs]) for factor in "ab")
    cells = sum(
        ((a == i) & (b == j)).sum() * (y[(a == i) & (b == j)].mean() - y.mean()) ** 2
        for i in range(3)
        for j in range(2)
    )
    interaction = cells / total - effects["a",].share - effects["b",].share
    assert effects["a", "b"].share == pytest.approx(interaction)
    assert (effects["a", "b"].freedom, effects["b", "c"].freedom) == (2, 3)


def test_one_factor_alone_is_scipys_analysis_of_variance(rng):
    runs = [{"a": place % 3} for place in range(30)]
    y = rng.normal(size=30) + 0.5 * (np.arange(30) % 3)
    [effect] = analyze(runs, y)
    expected = f_oneway(*(y[level::3] for level in range(3)))
    assert (effect.f, effect.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_an_interaction_is_found_where_there_is_one_and_only_there(rng):
    runs, noise = balanced(rng, repeats=4)
    y = 0.1 * noise + np.array([float(run["a"] == run["b"]) for run in runs])
    shown = {effect.factors for effect in analyze(runs, y) if effect.p_corrected < 1e-6}
    assert ("a", "b") in shown
    assert not shown & {("a", "c"), ("b", "c"), ("c",)}


def test_null_data_raise_an_alarm_no_more_often_than_the_level(rng):
    alarms = []
    for _ in range(300):
        runs, y = balanced(rng)
        alarms.append(any(effect.p_corrected < 0.05 for effect in analyze(runs, y)))
    assert 0.02 < np.mean(alarms) < 0.09


def test_without_degrees_of_freedom_left_nothing_is_tested():
    runs = [{"a": a, "b": b} for a in range(2) for b in range(2)]
    assert all(effect.p is None for effect in analyze(runs, [1.0, 2.0, 3.0, 5.0]))
