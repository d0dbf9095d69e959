import json

import numpy as np
import pytest

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
