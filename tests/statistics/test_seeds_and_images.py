"""Accuracies and differences for new seeds and new images: within their range, and covering the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.statistics.intervals import wilson
from shiftassay.statistics.seeds import paired
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images, mean_over_seeds_and_images


@st.composite
def answers(draw, groups: int = 1) -> np.ndarray:
    """Which images are right, by group and seed, from none to all of them."""
    seeds, images = draw(st.integers(1, 5)), draw(st.integers(2, 60))
    shares = draw(st.lists(st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]), min_size=groups, max_size=groups))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.random((groups, seeds, images)) < np.array(shares)[:, None, None]


@given(st.integers(0, 200), st.floats(0.5, 0.999))
def test_a_single_seed_has_wilsons_interval(right, level):
    ours, expected = mean_over_seeds_and_images(np.arange(200)[None] < right, level), wilson(right, 200, level)
    assert (ours.estimate, ours.low, ours.high) == pytest.approx((expected.estimate, expected.low, expected.high))


@given(answers())
def test_an_accuracy_lies_in_its_interval_and_that_between_none_and_all(group):
    interval = mean_over_seeds_and_images(group[0])
    assert 0 <= interval.low <= interval.estimate + 1e-12
    assert interval.estimate - 1e-12 <= interval.high <= 1
    assert interval.low < interval.high


@given(answers(groups=2), st.booleans())
def test_a_difference_lies_in_its_interval_and_that_between_minus_one_and_one(groups, is_paired):
    interval = difference_over_seeds_and_images(*groups, paired=is_paired)
    reverse = difference_over_seeds_and_images(*groups[::-1], paired=is_paired)
    assert -1 <= interval.low <= interval.estimate + 1e-12
    assert interval.estimate - 1e-12 <= interval.high <= 1
    assert interval.low < interval.high
    assert (interval.low, interval.high) == pytest.approx((-reverse.high, -reverse.low))


def test_seeds_far_apart_leave_the_range_no_more():
    """Two networks under fog, five seeds each, which the sum of variances put at -101 to +30 points."""
    images = 10_000
    accuracies = ((0.6669, 0.2773, 0.2917, 0.5, 0.2), (0.6797, 0.7992, 0.7231, 0.76, 0.75))
    groups = [np.arange(images)[None] < images * np.array(values)[:, None] for values in accuracies]
    interval = difference_over_seeds_and_images(*groups, level=0.9995)
    assert -1 < interval.low < interval.high < 1


def test_many_images_leave_the_spread_over_seeds(rng):
    skill = np.array([0.90, 0.92, 0.91, 0.93])
    right, others = (np.arange(200_000)[None] < (200_000 * (skill + more))[:, None] for more in (0.0, 0.001))
    interval = difference_over_seeds_and_images(right, others[::-1])
    over_seeds = paired(right.mean(1), others[::-1].mean(1))
    assert over_seeds is not None
    assert interval.high - interval.low == pytest.approx(
        over_seeds.interval().high - over_seeds.interval().low, rel=0.01
    )


def test_images_that_nobody_gets_right_only_once_are_no_proof_that_there_are_none():
    """Among 100 images without a discordant one, 1 in 50 may well be."""
    right = np.ones((1, 100), bool)
    interval = difference_over_seeds_and_images(right, right)
    assert interval.low < -0.02
    assert interval.high > 0.02
