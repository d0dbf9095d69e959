"""No family's estimate fails on pictures that it was not made for."""

import numpy as np
import pytest

from shiftassay.diagnosis.paired.candidate import estimate
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES


def beyond_black_and_white(digits):
    """The pictures, and the same in a fog, with values from -0.4 to 1.4."""
    wide = digits.images[:40] * 1.8 - 0.4
    fog = shift(digits, "fog:amount=1.5,decay=3").images[:40] - digits.images[:40]
    return wide, wide + fog


def blank(digits):
    return np.zeros((20, 1, 28, 28)), np.full((20, 1, 28, 28), 0.3)


def gray_from_ink(digits):
    return digits.images[:30], np.full((30, 1, 28, 28), 0.5)


def small_and_few(digits):
    return digits.images[:3, :, 10:14, 10:14], 1.5 * digits.images[:3, :, 10:14, 10:14]


def in_color(digits):
    color = np.repeat(digits.images[:20], 3, 1) * np.array([0.4, 1.3, -0.5])[:, None, None]
    return color, color[:, ::-1] + 0.2


@pytest.mark.parametrize("sides", [beyond_black_and_white, blank, gray_from_ink, small_and_few, in_color])
@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].composable()])
def test_an_estimate_fails_on_no_pictures(family, sides, digits):
    pairs = Pairs(*(side.astype(np.float32) for side in sides(digits)))
    assert all(found.family == family for found in estimate(family, pairs))
