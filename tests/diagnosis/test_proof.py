"""What a diagnosis says of accuracy: the same as an evaluation of the same files, and of how many images."""

from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis import identify as room
from shiftassay.diagnosis import proof
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.mechanisms import mechanisms
from shiftassay.diagnosis.proof import prove
from shiftassay.diagnosis.result import ImageCounts
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.evaluation.evaluate import evaluate
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.models.prepared import module_of
from shiftassay.shifts.catalog import parse, shift


@pytest.fixture(scope="module", autouse=True)
def few_families():
    """The verdict is not what is tried here: a few families to choose from are enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "searched_families", lambda: ["identity", "rotate", "invert", "gain"])
        yield


@pytest.fixture(scope="module")
def by_class(mnist) -> ImageSet:
    """The whole test set, sorted by class: its first 4,000 images show five digits, its first 2,000 two."""
    order = np.argsort(mnist.test.labels, kind="stable")
    return ImageSet(mnist.test.images[order], mnist.test.labels[order], "sorted")


@pytest.fixture(scope="module")
def turned(by_class) -> ImageSet:
    return replace(shift(by_class, "rotate:angle=15"), name="turned")


@pytest.fixture(scope="module")
def diagnosed(by_class, turned, perceptron):
    return diagnose(by_class, turned, model=perceptron)


def test_a_diagnosis_and_an_evaluation_of_the_same_files_agree(diagnosed, by_class, turned, perceptron):
    expected = evaluate(by_class, model=perceptron), evaluate(turned, model=perceptron, reference=by_class)
    assert diagnosed.evaluations == expected
    assert diagnosed.accuracy.reference == expected[0].accuracy.estimate
    assert diagnosed.accuracy.shifted == expected[1].accuracy.estimate
    sentence = " ".join(str(diagnosed).split())
    for one in expected:
        assert " ".join(str(one).split()) in sentence
        assert str(one) in diagnosed.explanation


def test_all_images_are_made_again_and_the_reasons_are_of_a_sample_that_is_said(diagnosed, by_class):
    assert diagnosed.images == ImageCounts(len(by_class), 2000)
    assert diagnosed.accuracy.reproduced == pytest.approx(diagnosed.accuracy.shifted, abs=0.003)
    assert "measured on 2,000 of the 10,000 images, drawn at random" in str(diagnosed)


def test_of_more_images_a_random_sample_is_made_again_and_that_is_said(by_class, turned, perceptron, monkeypatch):
    monkeypatch.setattr(proof, "SETTINGS", replace(SETTINGS, proved=1000))
    outcome = diagnose(by_class, turned, model=perceptron)
    assert outcome.images.remade == 1000
    assert outcome.accuracy.reproduced == pytest.approx(outcome.accuracy.shifted, abs=0.03)
    assert "1,000 of the 10,000 images" in str(outcome)
    assert "1,000 of the 10,000 images" in outcome.explanation


def test_sets_without_partners_have_their_accuracies_too(mnist, perceptron):
    halves = [
        ImageSet(mnist.test.images[a:b], mnist.test.labels[a:b], n) for a, b, n in ((0, 300, "a"), (300, 700, "b"))
    ]
    dark = replace(shift(halves[1], "gain:factor=0.3"), name="dark")
    outcome = diagnose(halves[0], dark, model=perceptron)
    assert outcome.pairing.kind == "unpaired"
    assert outcome.evaluations == (
        evaluate(halves[0], model=perceptron),
        evaluate(dark, model=perceptron, reference=halves[0]),
    )
    assert outcome.accuracy.shifted == outcome.evaluations[1].accuracy.estimate
    assert outcome.accuracy.reproduced is None


def test_where_one_set_has_labels_its_partners_have_them_too(few, perceptron):
    bare = replace(shift(few, "invert"), labels=None, name="bare")
    outcome = diagnose(few, bare, model=perceptron)
    assert outcome.accuracy.shifted == evaluate(replace(bare, labels=few.labels), model=perceptron).accuracy.estimate
    assert outcome.accuracy.restored_blind == outcome.accuracy.reference


def test_labels_that_the_model_has_no_output_for_are_refused_in_the_reference_and_said_of_the_other(few, perceptron):
    higher = replace(few, labels=few.labels + 1, name="higher")
    with pytest.raises(BadInput, match="higher: label 10 at place"):
        diagnose(higher, shift(few, "invert"), model=perceptron)
    outcome = diagnose(few, higher, model=perceptron)
    assert outcome.accuracy is None
    assert any("label 10" in note and "not measured" in note for note in outcome.notes)


def test_no_mechanism_takes_the_order_of_a_file_for_a_shift(by_class, perceptron):
    """Of a file that is sorted by class, the first images are of two classes, and leave many units silent."""
    half = [replace(by_class, images=by_class.images[i::2], labels=by_class.labels[i::2]) for i in (0, 1)]
    outcome = mechanisms(perceptron, *half, train=by_class, paired=False)
    assert [m.name for m in outcome if m.present] == []


def test_nothing_is_asked_twice_of_a_model_that_answers_alike_each_time(digits):
    asked: list[int] = []

    def model(images):
        asked.append(len(images))
        return images.reshape(len(images), -1)[:, 300:310]

    undoable = shift(digits, "gain:factor=0.5")
    verdict = Verdict(parse("gain:factor=0.5"), {"factor": 0.5}, {}, 1.0, 0.9)
    logits = tuple(predict(images.images, model=model) for images in (digits, undoable))
    order = np.arange(len(digits))
    counts = []
    for draws in (False, True):
        asked.clear()
        proof = prove(verdict, digits, undoable, order, module_of(model), logits, 0, "cpu", draws)
        counts.append(sum(asked))
        assert proof.agreement.restored_blind == proof.agreement.restored_with_partner == 1
    assert counts == [2 * len(digits), 4 * len(digits)]
