"""Pairs of images: which of them changed."""

import numpy as np
import pytest

from shiftassay.shifts.estimation.pairs import Pairs


@pytest.fixture
def between_levels(rng):
    return rng.random((6, 1, 5, 5)).astype(np.float32)


@pytest.mark.parametrize("convert", [np.rint, np.floor])
def test_a_conversion_to_bytes_is_no_change(between_levels, convert):
    assert not Pairs(between_levels, (convert(between_levels * 255) / 255).astype(np.float32)).changed.any()


def test_a_level_less_is_a_change_of_what_was_in_bytes(between_levels):
    in_bytes = (np.rint(between_levels * 250 + 2) / 255).astype(np.float32)
    assert Pairs(in_bytes, in_bytes - np.float32(1 / 255)).changed.all()


def test_a_level_more_is_a_change(between_levels):
    assert Pairs(between_levels, (np.floor(between_levels * 254) + 1) / np.float32(255)).changed.any()
