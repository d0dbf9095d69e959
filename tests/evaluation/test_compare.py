import json

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from shiftassay.errors import BadInput
from shiftassay.evaluation.compare import ComparisonOfGroups, compare


def group(rng, accuracy, seeds=5, n=5000):
    return rng.random((seeds, n)) < accuracy


def test_a_real_difference_is_found_and_equal_groups_are_equivalent(rng):
    result = compare({"a": group(rng, 0.99), "b": group(rng, 0.99), "c": group(rng, 0.96)}, margin=0.005)
    verdicts = {(pair.first, pair.second): pair.verdict for pair in result.pairs}
    assert verdicts == {("a", "b"): "equivalent", ("a", "c"): "higher", ("b", "c"): "higher"}
    for pair in result.pairs:
        assert pair.visible is not None
        assert pair.visible_corrected is not None
        assert pair.visible < pair.visible_corrected


def test_a_difference_below_the_margin_is_shown_and_equivalent(rng):
    base = rng.random(20_000) < 0.99
    worse = base & (np.arange(20_000) >= 20)  # a thousandth fewer
    noise = [rng.choice(20_000, 3, replace=False) for _ in range(10)]
    groups = {}
    for name, right, drawn in (("a", base, noise[:5]), ("b", worse, noise[5:])):
        seeds = np.repeat(right[None], 5, axis=0)
        for seed, places in zip(seeds, drawn, strict=True):
            seed[places] = ~seed[places]
        groups[name] = seeds
    [pair] = compare(groups, margin=0.005).pairs
    assert pair.differs
    assert pair.verdict == "equivalent"
    assert "a difference is shown" in pair.sentence(0.005)


def test_seeds_that_agree_by_chance_are_no_proof(rng):
    right = np.ones((2, 10_000), bool)
    others = right.copy()
    others[:, 0] = False  # one image, in both seeds
    [pair] = compare({"a": right, "b": others}).pairs
    assert pair.verdict == "equivalent"
    assert not pair.differs


def test_one_seed_against_several_is_refused(rng):
    with pytest.raises(BadInput, match="several of each, or one of each"):
        compare({"a": group(rng, 0.9, 1), "b": group(rng, 0.9, 5)})


def of_seeds(rng, seeds, networks=2, n=2000):
    """Networks of the same accuracy, each of whose seeds has its own ups and downs, and these answers are alike."""
    skill = {seed: rng.random(n) < rng.uniform(0.85, 0.95) for seed in sorted({s for group in seeds for s in group})}
    return [np.stack([skill[s] ^ (rng.random(n) < 0.01) for s in group]) for group in seeds[:networks]]


def test_members_of_a_seed_are_compared_with_each_other(rng):
    """What seeds have in common is no noise: one network loses 20 images of each seed."""
    a, _ = of_seeds(rng, [range(5), range(5)])
    b = a.copy()
    for row in b:
        row[np.flatnonzero(row)[:20]] = False
    [pair] = compare({"a": a, "b": b}).pairs
    assert pair.common_seeds == 5
    assert pair.p_value == pytest.approx(ttest_rel(a.mean(1), b.mean(1)).pvalue, abs=1e-3)
    [apart] = compare({"a": a, "b": b}, seeds={"a": range(5), "b": range(5, 10)}).pairs
    assert apart.common_seeds == 0
    assert apart.p_value == pytest.approx(ttest_ind(a.mean(1), b.mean(1), equal_var=False).pvalue, abs=1e-3)
    assert pair.p_value < 0.001 < 0.05 < apart.p_value
    assert "no seed in common: Welch's test" in apart.sentence(0.002)


def test_the_order_of_seeds_does_not_matter(rng):
    a, b = of_seeds(rng, [range(4), range(4)])
    [pair] = compare({"a": a, "b": b}, seeds={"a": [0, 1, 2, 3], "b": [0, 1, 2, 3]}).pairs
    [mixed] = compare({"a": a[[2, 0, 3, 1]], "b": b}, seeds={"a": [2, 0, 3, 1], "b": [0, 1, 2, 3]}).pairs
    assert pair.p_value == pytest.approx(mixed.p_value)
    assert pair.on_new_images.low == pytest.approx(mixed.on_new_images.low)


@pytest.mark.parametrize(
    ("seeds", "others", "common"),
    [
        ([0, 1, 2, 3, 4], [2, 3, 4], 3),  # the seeds that both have
        ([0, 1, 2, 3, 4], [3, 4, 5, 6], 2),
        ([0, 1, 2, 3, 4], [4, 5, 6], 0),  # a single one, which the larger group goes without
        (list(range(10)), list(range(8, 18)), 0),  # too few to pair by
    ],
)
def test_seeds_that_only_one_network_has(seeds, others, common, rng):
    a, b = of_seeds(rng, [seeds, others])
    [pair] = compare({"a": a, "b": b}, seeds={"a": seeds, "b": others}).pairs
    assert pair.common_seeds == common
    [turned] = compare({"b": b, "a": a}, seeds={"a": seeds, "b": others}).pairs
    assert turned.common_seeds == common


def test_seeds_that_allow_neither_pairs_nor_independent_groups_are_refused(rng):
    a, b = of_seeds(rng, [[0, 1], [1, 2]])
    with pytest.raises(BadInput, match="Give both the same seeds"):
        compare({"a": a, "b": b}, seeds={"a": [0, 1], "b": [1, 2]})
    with pytest.raises(BadInput, match="a seed of its own"):
        compare({"a": a, "b": b}, seeds={"a": [0, 0], "b": [1, 2]})


def test_accuracies_and_differences_stay_possible(rng):
    a = np.stack([np.ones(50, bool), np.arange(50) < 25])
    comparison = compare({"a": a, "b": ~a[::-1]})
    for group in comparison.groups:
        assert group.interval is not None
        assert 0 <= group.interval.low <= group.interval.high <= 1
    for interval in (comparison.pairs[0].difference, comparison.pairs[0].on_new_images):
        assert -1 <= interval.low <= interval.high <= 1


@pytest.mark.torture
def test_equal_groups_are_told_apart_no_more_often_than_the_level(rng):
    alarms = [
        any(pair.differs for pair in compare({name: group(rng, 0.9, 4, 200) for name in "abcd"}).pairs)
        for _ in range(400)
    ]
    assert 0.01 < np.mean(alarms) < 0.08


def test_single_seeds_are_compared_image_by_image(rng):
    right = rng.random((1, 4000)) < 0.9
    worse = right & (rng.random((1, 4000)) < 0.97)
    [pair] = compare({"better": right, "worse": worse}).pairs
    assert (pair.over, pair.verdict) == ("images", "higher")


def test_it_comes_back_from_json(rng):
    for seeds in (1, 3):
        result = compare({"a": group(rng, 0.9, seeds), "b": group(rng, 0.8, seeds)})
        assert ComparisonOfGroups.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_groups_that_cannot_be_compared_are_refused(rng):
    with pytest.raises(BadInput, match="two or more groups"):
        compare({"a": group(rng, 0.9)})
    with pytest.raises(BadInput, match="same images"):
        compare({"a": group(rng, 0.9), "b": group(rng, 0.9, n=10)})


def test_a_comparison_is_printed_in_sentences_and_shown_as_a_table(rng):
    comparison = compare({"a": group(rng, 0.99), "b": group(rng, 0.99), "c": group(rng, 0.96)}, margin=0.005)
    assert len(str(comparison).splitlines()) == 3 + 3 + 1
    assert "b − c: " in str(comparison)
    assert len(repr(comparison)) < 200
    assert comparison._repr_html_().count("<tr>") == 1 + 3
