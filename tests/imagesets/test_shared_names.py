"""Which pictures of two sets go by one name."""

import pytest

from shiftassay.imagesets.shared_names import are_numbers, same_names, shared_names


def pairs(reference, other):
    return [(reference[i], other[j]) for i, j in zip(*shared_names(reference, other), strict=True)]


def test_whole_names_come_first_then_names_without_ending():
    reference, other = ["a.png", "b.png", "c.png"], ["b.jpg", "a.png", "a.jpg", "d.png"]
    assert pairs(reference, other) == [("a.png", "a.png"), ("b.png", "b.jpg")]


def test_folders_count_where_they_tell():
    reference = ["cat/1.png", "dog/1.png"]
    assert pairs(reference, ["dog/1.jpg", "cat/1.jpg"]) == [("cat/1.png", "cat/1.jpg"), ("dog/1.png", "dog/1.jpg")]
    assert pairs(reference, ["1.png", "2.png"]) == []


def test_pictures_of_classes_pair_with_those_of_a_flat_folder():
    assert pairs(["cat/x.png", "dog/y.png"], ["y.jpg", "x.jpg"]) == [("cat/x.png", "x.jpg"), ("dog/y.png", "y.jpg")]


def test_a_name_that_stands_for_several_pairs_with_none():
    assert pairs(["a.png", "b.png"], ["a.jpg", "a.webp", "b.png"]) == [("b.png", "b.png")]


def test_composed_and_decomposed_letters_are_the_same():
    assert pairs(["caf\u00e9.png"], ["cafe\u0301.png"]) == [("caf\u00e9.png", "cafe\u0301.png")]


def test_a_few_names_in_common_are_chance():
    reference = [f"a{n}.png" for n in range(100)]
    assert pairs(reference, [f"b{n}.png" for n in range(91)] + reference[:9]) == []
    assert len(pairs(reference, [f"b{n}.png" for n in range(90)] + reference[:10])) == 10


@pytest.mark.parametrize(
    ("other", "same"),
    [(["a.jpg", "b.png"], True), (["b.png", "a.png"], False), (["a.png"], False), (None, None)],
)
def test_the_same_names_are_in_the_same_order(other, same):
    assert same_names(["a.png", "b.png"], other) is same


def test_numbers_are_no_names():
    assert are_numbers(["cat/0001.png", "2.jpg"])
    assert not are_numbers(["1.png", "IMG_2.png"])
