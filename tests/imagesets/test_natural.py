"""Names in the order in which people count."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.imagesets.natural import natural_order, order_of_classes


def test_numbers_count_as_numbers():
    names = ["img1.png", "img2.png", "img10.png", "img010.png", "img11.png", "imga.png"]
    shuffled = random.Random(0).sample(names, len(names))
    ordered = sorted(shuffled, key=natural_order)
    assert ordered[0:2] == ["img1.png", "img2.png"]
    assert set(ordered[2:4]) == {"img10.png", "img010.png"}
    assert ordered[4:] == ["img11.png", "imga.png"]


@given(st.lists(st.text(max_size=8), unique=True))
def test_the_order_is_the_same_however_names_come(names):
    turned = names[::-1]
    assert sorted(names, key=natural_order) == sorted(turned, key=natural_order)


@pytest.mark.parametrize("names", [["cat", "dog"], ["0", "1", "2"], []])
def test_an_order_that_all_share_is_not_remarked(names):
    assert list(order_of_classes(names)) == []


def test_an_order_that_differs_from_that_of_text_is_said():
    [said] = order_of_classes([str(n) for n in range(11)])
    assert "label 2 is '2'" in said
    assert "'10'" in said


def test_numbers_that_are_not_the_labels_are_said():
    assert any("'1' has label 0" in said for said in order_of_classes(["1", "2", "3"]))
