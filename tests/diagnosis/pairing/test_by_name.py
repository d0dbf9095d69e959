"""Pairing by file name: names trump content, unless they are mere numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis.pairing.pair import Pairing, names_note, pair
from shiftassay.diagnosis.wording import pairing_in_words
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift


def named(images: ImageSet, names: list[str]) -> ImageSet:
    return replace(images, names=tuple(names))


@pytest.fixture
def words(digits: ImageSet) -> list[str]:
    return [f"photo-{n}.png" for n in range(len(digits))]


@pytest.fixture
def numbers(digits: ImageSet) -> list[str]:
    return [f"{n:04}.png" for n in range(len(digits))]


def test_pictures_of_the_same_names_are_paired_by_name(digits, words):
    pairing = pair(named(digits, words), named(shift(digits, "invert"), words))
    assert pairing.kind == "by_name"
    assert pairing.in_place
    assert pairing.partnered == 1.0
    assert "file names" in pairing_in_words(pairing)


def test_names_decide_in_whatever_order_they_come(digits, words):
    order = np.random.default_rng(0).permutation(len(digits))
    shifted = named(shift(digits, "invert"), words).subset(order)
    pairing = pair(named(digits, words), shifted)
    assert pairing.kind == "by_name"
    np.testing.assert_array_equal(pairing.order, order)


def test_names_trump_what_is_on_the_pictures(digits, words):
    order = np.random.default_rng(0).permutation(len(digits))
    pairing = pair(named(digits, words), replace(named(digits, words), images=digits.images[order]))
    assert pairing.kind == "by_name"
    assert pairing.in_place


def test_a_picture_without_a_namesake_has_no_partner(digits, words):
    shifted = named(digits, ["other.png", *words[1:]])
    pairing = pair(named(digits, words), shifted)
    assert pairing.order is not None
    assert pairing.order[0] == -1
    assert pairing.partnered == 1 - 1 / len(digits)


def test_numbers_are_confirmed_by_content(digits, numbers):
    pairing = pair(named(digits, numbers), named(shift(digits, "gaussian_blur:sd=1"), numbers))
    assert pairing.kind == "by_name"
    assert pairing.evidence.order is not None


def test_numbers_of_pictures_in_another_order_are_no_names(digits, numbers):
    before, after = named(digits, numbers), named(shift(digits, "reorder+invert", seed=1), numbers)
    after = replace(after, names=tuple(numbers))
    pairing = pair(before, after)
    assert pairing.kind == "reordered"
    assert "the names were not taken" in (names_note(before, after, pairing) or "")


def test_numbers_of_other_pictures_are_no_names(mnist, digits, numbers):
    other = mnist.test.subset(slice(1000, 1000 + len(digits)))
    assert pair(named(digits, numbers), named(other, numbers)).kind == "unpaired"


def test_numbers_are_believed_where_there_are_too_few_pictures_to_tell(digits, numbers):
    few = named(digits, numbers).first(10)
    assert pair(few, shift(few, "gaussian_blur:sd=1")).kind == "by_name"


def test_without_common_names_content_decides(digits, words):
    other = named(shift(digits, "invert"), [f"x-{name}" for name in words])
    pairing = pair(named(digits, words), other)
    assert pairing.kind == "same_order"
    assert names_note(named(digits, words), other, pairing) is None


def test_it_is_the_same_after_a_passage_through_json(digits, words):
    for names in (words, ["other.png", *words[1:]]):
        pairing = pair(named(digits, words), named(digits, names))
        content = json.loads(json.dumps(pairing.to_json()))
        assert content["kind"] == "by_name"
        np.testing.assert_array_equal(Pairing.from_json(content).order, pairing.order)
