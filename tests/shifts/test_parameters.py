"""Parameters and their distributions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.shifts.parameters import (
    BEYOND,
    Choice,
    PerImage,
    SearchRange,
    Uniform,
    candidates,
    count_numbers,
    draw_one,
    draws,
    extremes,
    is_drawn,
    plain,
)

numbers = st.floats(-100, 100)
ranges = st.tuples(numbers, numbers).map(lambda ends: Uniform(min(ends), max(ends)))
choices = st.lists(numbers, min_size=1, max_size=6).map(lambda values: Choice(tuple(values)))
drawn = ranges | choices
seeds = st.integers(0, 2**32)


@given(drawn, seeds)
def test_draws_stay_within_their_extremes(value, seed):
    sample = draws([value], 50, np.random.default_rng(seed))[0]
    low, high = min(extremes(value)), max(extremes(value))
    assert ((low <= sample) & (sample <= high)).all()
    assert low <= draw_one(value, np.random.default_rng(seed)) <= high


@given(st.lists(numbers | drawn, min_size=1, max_size=4), seeds, st.integers(1, 20))
def test_the_first_draws_do_not_depend_on_how_many_follow(values, seed, n):
    few, many = (draws(values, count, np.random.default_rng(seed)) for count in (n, n + 7))
    assert all(np.array_equal(one, other[:n]) for one, other in zip(few, many, strict=True))


@given(numbers, st.integers(1, 20), seeds)
def test_a_number_is_the_same_for_every_image(value, n, seed):
    assert (draws([value], n, np.random.default_rng(seed))[0] == value).all()
    assert not is_drawn(value)
    assert extremes(value) == (value,)


@given(st.lists(numbers, min_size=1, max_size=9))
def test_a_value_per_image_is_what_is_drawn(values):
    assert np.array_equal(draws([PerImage(np.array(values))], len(values), np.random.default_rng(0))[0], values)


@given(ranges, st.floats(0, 1))
def test_candidates_cover_a_range(value, step):
    search = SearchRange(tuple(np.linspace(-100, 100, 41).tolist()), step)
    tried = candidates(value, search)
    margin = BEYOND * (value.high - value.low) + 1e-9
    assert all(value.low - margin <= candidate <= value.high + margin for candidate in tried)
    if step:
        assert (min(tried), max(tried)) == (value.low, value.high)


@given(drawn)
def test_a_distribution_has_more_free_numbers_than_a_value_and_is_told_by_its_json(value):
    assert count_numbers(value) >= count_numbers(1.0)
    assert plain(value) in ({"low": min(extremes(value)), "high": max(extremes(value))}, {"values": [*extremes(value)]})
