import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import make, parse, shift


def test_images_keep_their_labels_in_another_order(digits):
    order = np.random.default_rng(0).permutation(200)
    shifted = shift(digits, make("reorder", {"order": order.tolist()}))
    assert np.array_equal(shifted.images, digits.images[order])
    assert np.array_equal(shifted.labels, digits.labels[order])
    drawn = shift(digits, "reorder")
    assert not np.array_equal(drawn.labels, digits.labels)
    assert np.array_equal(np.sort(drawn.labels), np.sort(digits.labels))


def test_classes_take_the_shares_they_are_given(mnist):
    share = [0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0, 0]
    shifted = shift(mnist.test, make("class_prior", {"proportions": share}))
    assert np.bincount(shifted.labels, minlength=10) / len(shifted) == pytest.approx(share, abs=0.001)
    assert len(shifted) == pytest.approx(980 / 0.3, abs=5)  # every zero there is
    known = {image.tobytes(): label for image, label in zip(mnist.test.images, mnist.test.labels, strict=True)}
    assert all(known[image.tobytes()] == label for image, label in zip(shifted.images, shifted.labels, strict=True))


def test_labels_are_renamed(digits):
    mapping = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    shifted = shift(digits, make("label_permutation", {"mapping": mapping}))
    assert np.array_equal(shifted.labels, (digits.labels + 1) % 10)
    assert np.array_equal(shifted.images, digits.images)


def test_labels_are_renamed_to_numbers_that_no_class_had(digits):
    relabeling = make("label_permutation", {"mapping": list(range(10, 110, 10))})
    shifted = shift(digits, relabeling)
    assert np.array_equal(shifted.labels, 10 * digits.labels + 10)
    assert relabeling.to_json()["parameters"] == {"mapping": list(range(10, 110, 10))}
    back = np.argsort(relabeling.mapping)[np.searchsorted(np.sort(relabeling.mapping), shifted.labels)]
    assert np.array_equal(back, digits.labels)
    assert np.array_equal(relabeling.undo(shifted.images, np.random.default_rng(0)), digits.images)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ([1, 2, 3], "every label one higher"),
        ([-1, 0, 1], "every label one lower"),
        ([100, 101], "every label 100 higher"),
        ([0, 10, 20], "label k became 10 k"),
        ([10, 20, 30], "label k became 10 k + 10"),
        ([2, 1, 0], "label k became 2 − k"),
        ([1, 2, 0], None),
        ([0, 1, 2], None),
    ],
)
def test_a_renumbering_with_a_rule_is_told_in_words(mapping, words):
    assert make("label_permutation", {"mapping": mapping}).in_words == words


def test_as_many_labels_are_wrong_as_asked_for_and_in_all_ways(mnist):
    shifted = shift(mnist.test, "label_noise:fraction=0.3")
    step = (shifted.labels - mnist.test.labels) % 10
    assert (step != 0).mean() == pytest.approx(0.3, abs=0.02)
    assert np.bincount(step, minlength=10)[1:] / len(step) == pytest.approx(np.full(9, 0.3 / 9), abs=0.008)


def test_labels_fall_out_of_step(digits):
    shifted = shift(digits, "label_misalignment:offset=1")
    assert np.array_equal(shifted.labels[1:], digits.labels[:-1])
    shuffled = shift(digits, "label_misalignment").labels
    assert np.array_equal(np.sort(shuffled), np.sort(digits.labels))
    assert (shuffled == digits.labels).mean() < 0.3


@pytest.mark.parametrize(
    "text",
    ["reorder", "class_prior:proportions=[0.4,0.6,0,0,0,0,0,0,0,0]", "label_noise:fraction=0.5", "label_misalignment"],
)
def test_the_same_seed_draws_the_same_sample_and_another_seed_another(text, digits):
    one, again, other = (shift(digits, text, seed) for seed in (1, 1, 2))
    assert one.digest == again.digest != other.digest


def test_a_composition_may_change_images_and_labels(digits):
    shifted = shift(digits, "invert+label_misalignment:offset=1")
    assert np.array_equal(shifted.images, 1 - digits.images)
    assert np.array_equal(shifted.labels[1:], digits.labels[:-1])


@pytest.mark.parametrize(
    "family", ["class_prior:proportions=[0.5,0.5]", "label_noise:fraction=1", "label_misalignment"]
)
def test_without_labels_it_says_so(family, digits):
    with pytest.raises(BadInput, match="has none"):
        shift(ImageSet(digits.images), family)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reorder:order=[0,0]", "each place"),
        ("class_prior:proportions=[0.5,0.6]", "sum to 1"),
        ("label_permutation:mapping=[0,0]", "each class"),
        ("label_noise:fraction=2", "between 0 and 1"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reorder:order=[1,0]", "200 images"),
        ("class_prior:proportions=[0.5,0.5]", "labels up to 9"),
        ("label_permutation:mapping=[1,0]", "2 classes"),
    ],
)
def test_parameters_that_do_not_fit_the_set_are_refused(text, message, digits):
    with pytest.raises(BadInput, match=message):
        shift(digits, text)
