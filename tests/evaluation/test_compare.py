import json

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.evaluation.compare import ComparisonOfGroups, compare


def group(rng, accuracy, seeds=5, n=5000):
    return rng.random((seeds, n)) < accuracy


def test_a_real_difference_is_found_and_equal_groups_are_equivalent(rng):
    found = compare({"a": group(rng, 0.99), "b": group(rng, 0.99), "c": group(rng, 0.96)}, margin=0.005)
    verdicts = {(pair.first, pair.second): pair.verdict for pair in found.pairs}
    assert verdicts == {("a", "b"): "equivalent", ("a", "c"): "higher", ("b", "c"): "higher"}
    assert found.visible is not None
    assert found.visible_corrected is not None
    assert found.visible < found.visible_corrected


def test_equal_groups_are_told_apart_no_more_often_than_the_level(rng):
    alarms = [
        any(pair.p_corrected < 0.05 for pair in compare({name: group(rng, 0.9, 4, 200) for name in "abcd"}).pairs)
        for _ in range(400)
    ]
    assert np.mean(alarms) < 0.08


def test_single_seeds_are_compared_image_by_image(rng):
    right = rng.random((1, 4000)) < 0.9
    worse = right & (rng.random((1, 4000)) < 0.97)
    [pair] = compare({"better": right, "worse": worse}).pairs
    assert (pair.over, pair.verdict) == ("images", "higher")


def test_it_comes_back_from_json(rng):
    for seeds in (1, 3):
        found = compare({"a": group(rng, 0.9, seeds), "b": group(rng, 0.8, seeds)})
        assert ComparisonOfGroups.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_groups_that_cannot_be_compared_are_refused(rng):
    with pytest.raises(BadInput, match="two or more groups"):
        compare({"a": group(rng, 0.9)})
    with pytest.raises(BadInput, match="same images"):
        compare({"a": group(rng, 0.9), "b": group(rng, 0.9, n=10)})
