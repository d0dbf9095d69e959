import numpy as np

from shiftassay.shifts.estimation.moments import matched

STARTS = np.array([[1.0, 5.0], [9.0, 9.0]])
MEASURED = np.array([5.0, 6.0])


def sum_and_product(numbers):
    return np.array([numbers[0] + numbers[1], numbers[0] * numbers[1]])


def test_a_search_ends_at_numbers_with_the_moments():
    numbers, distance = matched(sum_and_product, MEASURED, STARTS, np.full(2, 0.3))
    np.testing.assert_allclose(sorted(numbers), [2, 3], atol=0.01)
    assert distance < 1e-3


def test_nothing_is_searched_from_a_hopeless_start():
    numbers, distance = matched(sum_and_product, MEASURED, STARTS, np.full(2, 0.3), hopeless=2.0)
    np.testing.assert_array_equal(numbers, STARTS[0])
    assert distance == 2.0
