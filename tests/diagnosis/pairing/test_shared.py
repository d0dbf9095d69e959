"""Images that are in both sets are counted, named and set apart, and say nothing of the others."""

from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis import identify as room
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.diagnosis.pairing.shared import places_in_words, shared_images
from shiftassay.diagnosis.unpaired.verdict import UnpairedVerdict
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import labels_of, predict
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.identity import Identity


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_dataset("mnist").test


def part(images: ImageSet, start: int, end: int, name: str = "images") -> ImageSet:
    assert images.labels is not None
    return ImageSet(images.images[start:end], images.labels[start:end], name)


def with_shared(others: ImageSet, theirs: np.ndarray, reference: ImageSet, ours: np.ndarray) -> ImageSet:
    images, labels = others.images.copy(), others.labels
    images[theirs] = reference.images[ours]
    if labels is not None and reference.labels is not None:
        labels = labels.copy()
        labels[theirs] = reference.labels[ours]
    return replace(others, images=images, labels=labels)


@pytest.mark.parametrize("labeled", [True, False])
@pytest.mark.parametrize("count", [10, 60, 200, 440])
def test_shared_images_at_the_same_places_do_not_pair_the_others(digits: ImageSet, count: int, labeled: bool) -> None:
    reference, others = part(digits, 0, 500), part(digits, 3000, 3500)
    places = np.sort(np.random.default_rng(count).permutation(500)[:count])
    shifted = with_shared(others, places, reference, places)
    if not labeled:
        reference, shifted = replace(reference, labels=None), replace(shifted, labels=None)
    result = pair(reference, shifted)
    assert result.kind == "unpaired"
    assert result.to_json()["shared"] == [[i, i] for i in places.tolist()]


@pytest.mark.parametrize("count", [10, 60, 200])
def test_shared_images_at_other_places_do_not_pair_the_others(digits: ImageSet, count: int) -> None:
    reference, others = part(digits, 0, 800), part(digits, 3000, 3500)
    ours, theirs = np.arange(40, 40 + count), np.arange(count)
    result = pair(reference, with_shared(others, theirs, reference, ours))
    assert result.kind == "unpaired"
    assert result.to_json()["shared"] == [[40 + i, i] for i in range(count)]


@pytest.mark.parametrize("spec", ["invert", "rotate:angle=15", "gaussian_noise:sd=0.3"])
def test_a_few_shared_images_under_a_shift_do_not_pair_the_others(digits: ImageSet, spec: str) -> None:
    reference, others = part(digits, 0, 1600), part(digits, 3000, 4600)
    places = np.random.default_rng(3).permutation(1600)[:190]
    assert pair(reference, shift(with_shared(others, places, reference, places), spec)).kind == "unpaired"


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("n", [60, 500])
def test_a_shift_that_touched_only_some_leaves_the_order(digits: ImageSet, n: int, share: float) -> None:
    reference = part(digits, 0, n)
    touched = np.random.default_rng(4).random(n) < share
    images = np.where(touched[:, None, None, None], shift(reference, "rotate:angle=40").images, reference.images)
    result = pair(reference, replace(reference, images=images))
    assert result.kind == "same_order"
    assert result.order is not None
    assert result.order.tolist() == list(range(n))


def test_a_shift_that_touched_few_of_few_leaves_the_others_their_partners(digits: ImageSet) -> None:
    reference = part(digits, 0, 60)
    order = np.random.default_rng(8).permutation(60)
    images = reference.images.copy()
    images[:20] = shift(reference, "rotate:angle=40").images[:20]
    result = pair(reference, ImageSet(images[order]))
    assert result.kind == "reordered"
    assert result.order is not None
    assert result.order.tolist() == np.where(order < 20, -1, order).tolist()


def test_what_replaced_a_few_of_very_many_images_has_no_partner(digits: ImageSet) -> None:
    reference = part(digits, 0, 1000)
    shifted = with_shared(reference, np.arange(60), part(digits, 5000, 5060), np.arange(60))
    result = pair(reference, shifted)
    assert result.kind == "same_order"
    assert result.order is not None
    assert result.order.tolist() == [-1] * 60 + list(range(60, 1000))
    assert result.to_json()["order"] == result.order.tolist()
    assert not result.complete


def test_all_black_images_are_no_evidence_and_no_hindrance(digits: ImageSet) -> None:
    rng = np.random.default_rng(5)
    reference, others = part(digits, 0, 300), part(digits, 3000, 3300)
    blank = [np.where((rng.random(300) < 0.6)[:, None, None, None], 0, s.images) for s in (reference, others)]
    foreign = pair(ImageSet(blank[0]), ImageSet(blank[1].astype(np.float32)))
    assert foreign.kind == "unpaired"
    assert foreign.shared == ()
    same = ImageSet(blank[0])
    assert pair(same, same).kind == "same_order"
    assert pair(same, shift(same, "rotate:angle=30")).kind == "same_order"


def test_few_specks_on_black_pair_nothing(digits: ImageSet) -> None:
    rng = np.random.default_rng(6)
    sets = [np.zeros((200, 1, 12, 12), np.float32) for _ in range(2)]
    for images in sets:
        images[rng.permutation(200)[:3], 0, 4, rng.integers(0, 12, 3)] = 1
    assert pair(ImageSet(sets[0]), ImageSet(sets[1])).kind == "unpaired"
    assert pair(ImageSet(sets[0]), ImageSet(sets[0])).kind == "same_order"


def test_black_images_and_images_that_come_again_are_found_in_another_order(digits: ImageSet) -> None:
    images = digits.images[:200].copy()
    images[:50] = 0
    images[60:90] = images[100:130]
    order = np.random.default_rng(7).permutation(200)
    result = pair(ImageSet(images), ImageSet(images[order]))
    assert result.kind == "reordered"
    assert result.order is not None
    placed = result.order >= 0
    assert placed.sum() == 150
    assert np.array_equal(images[result.order[placed]], images[order][placed])


def test_shared_images_are_found_after_rounding(digits: ImageSet) -> None:
    reference = part(digits, 0, 60)
    rounded = ImageSet(np.round(reference.images[20:], 4))
    assert shared_images(reference, rounded).pairs == tuple((20 + i, i) for i in range(40))


def test_places_are_told_in_few_words() -> None:
    assert places_in_words(np.array([5])) == "5"
    assert places_in_words(np.arange(1000, 3001)) == "1,000–3,000"
    assert places_in_words(np.arange(0, 100, 2)) == "0, 2, 4, 6, 8, 10 …"


def test_the_diagnosis_says_which_images_are_shared_and_judges_the_others(
    digits: ImageSet, perceptron: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, others = part(digits, 0, 500, "ours"), part(digits, 3000, 3500, "theirs")
    shifted = with_shared(others, np.arange(60), reference, np.arange(60))
    judged: list[int] = []

    def unpaired(before: ImageSet, after: ImageSet, families: object, seed: int, shared: int, watch: object) -> object:
        judged.extend((len(before), len(after), shared))
        return UnpairedVerdict(Verdict(Identity(), {}, {}, 1.0, 0.9), (), "The sets are alike.")

    monkeypatch.setattr(room, "unpaired_verdict", unpaired)
    result = diagnose(reference, shifted, model=perceptron)
    assert judged == [440, 440, 60]
    assert result.verdict.family == "identity"
    assert result.verdict.share == 1
    assert any("60 images are in both sets: at the same places, 0–59" in note for note in result.notes)
    content = result.to_json()
    assert content["pairing"]["shared"] == [[i, i] for i in range(60)]
    right = labels_of(predict(shifted.images, model=perceptron)) == shifted.labels
    assert content["accuracy"]["shifted"] == pytest.approx(right.mean())
    assert content["accuracy"]["shifted_without_shared"] == pytest.approx(right[60:].mean())
    assert any(f"{100 * right[60:].mean():.1f}% without" in note for note in result.notes)
    assert "60 of one set are in the other too" in str(result)
