import numpy as np
import pytest

from shiftassay.statistics.calibration import expected_calibration_error


def test_a_classifier_that_knows_how_often_it_is_right_has_hardly_any_error(rng):
    confidence = rng.uniform(0.1, 1, 200_000)
    correct = rng.random(200_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.005


def test_certainty_that_is_half_wrong_is_off_by_a_half():
    assert expected_calibration_error(np.ones(100), np.arange(100) % 2 == 0) == pytest.approx(0.5)


def test_bins_are_closed_above_as_guo_defines_them():
    """1/15 belongs to the first bin: with its errors there, not in the second, the gaps of two bins cancel less."""
    confidence = np.array([1 / 15, 1 / 15 + 1e-9])
    correct = np.array([True, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx((1 - 1 / 15 + 1 / 15) / 2, abs=1e-6)
