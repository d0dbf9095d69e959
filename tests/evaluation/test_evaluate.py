import json
from dataclasses import replace

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.evaluation.evaluate import Evaluation, assess
from shiftassay.imagesets.image_set import ImageSet


def logits_for(predicted, classes=10, confidence=5.0):
    return confidence * np.eye(classes, dtype=np.float32)[predicted]


def labeled(labels, name="set"):
    return ImageSet(np.zeros((len(labels), 1, 1, 1), np.float32), np.asarray(labels), name)


@pytest.fixture
def labels(rng):
    return rng.integers(0, 10, 10_000)


def wrong(labels, count):
    """Predictions that are wrong on the first `count` images."""
    predicted = labels.copy()
    predicted[:count] = (predicted[:count] + 1) % 10
    return predicted


def test_accuracy_recall_and_confusion_are_counted(labels):
    result = assess(labeled(labels), logits_for(wrong(labels, 100)))
    assert result.correct == 9900
    confusion = np.array(result.confusion)
    assert confusion.sum() == 10_000
    assert np.trace(confusion) == 9900
    for label in range(10):
        assert confusion[label].sum() == (labels == label).sum()
        assert result.recall[label] == confusion[label, label] / confusion[label].sum()


def test_a_class_that_is_absent_has_no_recall():
    result = assess(labeled([0, 0, 2]), logits_for(np.array([0, 1, 2]), classes=3))
    assert result.recall == (0.5, None, 1.0)


def test_what_did_not_change_is_shown_to_be_equivalent(labels):
    clean = labeled(labels, "clean")
    result = assess(labeled(labels), logits_for(wrong(labels, 210)), clean, logits_for(wrong(labels, 200)))
    assert result.comparison is not None
    assert (result.comparison.gained, result.comparison.lost) == (0, 10)
    assert result.comparison.verdict == "equivalent"
    assert result.comparison.effect == "slightly harmed"
    assert "accuracy is lower, by less than 0.5 points (25% of the errors on clean)" in str(result)


def test_a_small_loss_that_is_beyond_doubt_but_below_the_margin_is_equivalent_and_a_large_one_is_lower(labels):
    clean, base = labeled(labels, "clean"), logits_for(labels)
    changes = [assess(labeled(labels), logits_for(wrong(labels, lost)), clean, base).comparison for lost in (20, 80)]
    assert [change.verdict for change in changes] == ["equivalent", "lower"]
    assert [change.effect for change in changes] == ["slightly harmed", "harmed"]


def test_few_images_decide_nothing(rng):
    labels = rng.integers(0, 10, 100)
    result = assess(labeled(labels), logits_for(wrong(labels, 2)), labeled(labels, "clean"), logits_for(labels))
    assert result.comparison.verdict == "undecided"
    assert result.comparison.effect == "not shown to change"


def test_other_labels_mean_other_images_and_no_paired_test(labels, rng):
    other = rng.permutation(labels)
    result = assess(labeled(other), logits_for(wrong(other, 900)), labeled(labels, "clean"), logits_for(labels))
    assert not result.comparison.paired
    assert result.comparison.p_value is None
    assert result.comparison.verdict == "lower"


def test_it_round_trips_through_json(labels):
    result = assess(labeled(labels), logits_for(wrong(labels, 30)), labeled(labels, "clean"), logits_for(labels))
    assert Evaluation.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_labels_that_are_missing_or_out_of_range_are_refused(labels):
    with pytest.raises(BadInput, match="no labels"):
        assess(ImageSet(np.zeros((2, 1, 1, 1), np.float32)), logits_for(np.array([0, 1])))
    with pytest.raises(BadInput, match="10 classes"):
        assess(labeled([0, 10]), logits_for(np.array([0, 1])))


def test_answers_that_are_not_numbers_are_refused(labels):
    logits = logits_for(labels)
    logits[7, 3] = np.nan
    with pytest.raises(BadInput, match="NaN or infinite for 1 of 10000 images, the first is image 7"):
        assess(labeled(labels), logits)


def test_a_result_is_printed_as_a_sentence_and_shown_as_a_table(labels):
    clean = labeled(labels, "clean")
    result = assess(labeled(labels, "<b>" * 100), logits_for(wrong(labels, 300)), clean, logits_for(labels))
    assert "accuracy is lower (300 images are wrong now, 0 right now" in str(result)
    assert len(repr(result)) < 200
    assert "<b>" not in result._repr_html_()
    assert result._repr_html_().count("<tr>") == 11


def test_classes_are_called_by_their_names():
    images = replace(labeled([0, 0, 1]), classes=("cat & dog", "eel"))
    result = assess(images, logits_for(np.array([0, 1, 1]), classes=3))
    shown = result._repr_html_()
    assert "<td>cat &amp; dog</td><td>2</td>" in shown
    assert "<td>2</td><td>0</td>" in shown  # the model has a class more, which has no name
    assert Evaluation.from_json(json.loads(json.dumps(result.to_json()))).classes == ("cat & dog", "eel")


@pytest.mark.parametrize(("names", "paired"), [(("a.jpg", "b.png"), True), (("b.png", "a.png"), False), (None, True)])
def test_pictures_of_other_names_are_not_compared_in_pairs(names, paired):
    clean = replace(labeled([0, 0], "clean"), names=("a.png", "b.png"))
    answers = logits_for(np.array([0, 1]))
    comparison = assess(replace(labeled([0, 0]), names=names), answers, clean, answers).comparison
    assert comparison is not None
    assert comparison.paired is paired
