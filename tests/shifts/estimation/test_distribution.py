import numpy as np
import pytest

from shiftassay.shifts.catalog import from_json
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.families.tone_curves import Quantize
from shiftassay.shifts.parameters import Choice


def test_whole_numbers_are_summarized_by_whole_numbers():
    assert distribution(np.array([7.0, 8.0]), 3.0) == 7
    values = distribution(np.array([2.0, 2, 7, 8] * 10), 0.5)
    assert isinstance(values, Choice)
    assert all(value.is_integer() for value in values.values)


@pytest.mark.parametrize("levels", [[2, 2, 7, 8], [3, 4], [16, 16, 17, 64]])
def test_levels_drawn_for_each_picture_can_be_made_again(levels):
    shift = Quantize.from_draws(np.array(levels * 10, float)[:, None])
    assert from_json(shift.to_json()) == shift
