"""Shifts of labels: renumbered, noisy, out of step, and together with shifts of images."""

from collections.abc import Callable

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def labeled(n: int, without: int | None = None) -> ImageSet:
    test = load_dataset("mnist").test
    assert test.labels is not None
    chosen = np.flatnonzero(test.labels != without)[:n]
    return ImageSet(test.images[chosen], test.labels[chosen], "clean")


def relabeled(reference: ImageSet, labels: np.ndarray) -> Diagnosis:
    return diagnose(reference, ImageSet(reference.images, labels.astype(np.int64), "other"))


@pytest.mark.parametrize("n", [60, 500])
def test_labels_one_higher_are_a_renumbering_and_no_noise(n: int) -> None:
    reference = labeled(n)
    assert reference.labels is not None
    outcome = relabeled(reference, reference.labels + 1)
    assert outcome.verdict.family == "label_permutation"
    assert list(outcome.verdict.parameters["mapping"]) == list(range(1, 11))
    assert outcome.verdict.information == "preserved"
    assert "other: every label one higher (0 → 1, 1 → 2," in outcome.notes[-1]
    assert "label_permutation" in str(outcome)


@pytest.mark.parametrize("without", [None, 0, 6, 9])
@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("higher", lambda k: k + 3),
        ("round", lambda k: (k + 1) % 10),
        ("tens", lambda k: 10 * k + 10),
        ("turned", lambda k: 9 - k),
        ("ids", lambda k: np.array([45, 7, 901, 3, 88, 12, 60, 5, 33, 2])[k]),
        ("swapped", lambda k: np.array([1, 0, *range(2, 10)])[k]),
    ],
)
def test_one_to_one_renumberings_are_found_though_a_class_is_missing(
    name: str, new: Callable[[np.ndarray], np.ndarray], without: int | None
) -> None:
    reference = labeled(400, without)
    assert reference.labels is not None
    verdict = relabeled(reference, new(reference.labels)).verdict
    assert verdict.family == "label_permutation", name
    mapping = np.array(verdict.parameters["mapping"])
    assert np.array_equal(mapping[reference.labels], new(reference.labels))
    assert len(set(mapping.tolist())) == len(mapping)
    assert verdict.shift is not None
    again = verdict.shift.apply_to_set(reference, np.random.default_rng(0))
    assert again.labels is not None
    assert np.array_equal(again.labels, new(reference.labels))


def test_labels_from_one_on_are_taken_back_to_zero() -> None:
    digits = labeled(300)
    assert digits.labels is not None
    outcome = relabeled(ImageSet(digits.images, digits.labels + 1, "clean"), digits.labels)
    assert outcome.verdict.family == "label_permutation"
    assert list(outcome.verdict.parameters["mapping"])[1:] == list(range(10))
    assert "every label one lower (1 → 0, 2 → 1" in outcome.notes[-1]


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("merged", lambda y, rng: y // 2),
        ("all one", lambda y, rng: np.full_like(y, 3)),
        ("split", lambda y, rng: 2 * y + rng.integers(0, 2, len(y))),
        ("next class, by chance", lambda y, rng: np.where(rng.random(len(y)) < 0.3, (y + 1) % 10, y)),
    ],
)
def test_what_depends_on_the_class_is_never_called_noise(name: str, new: Change) -> None:
    reference = labeled(500)
    assert reference.labels is not None
    verdict = relabeled(reference, new(reference.labels, np.random.default_rng(1))).verdict
    assert verdict.family == "unknown", name


@pytest.mark.parametrize("fraction", [0.1, 0.6, 1.0])
@pytest.mark.parametrize("classes", [3, 10])
def test_labels_wrong_by_chance_are_noise(fraction: float, classes: int) -> None:
    digits = labeled(600)
    assert digits.labels is not None
    rng = np.random.default_rng(2)
    own = digits.labels % classes
    wrong = rng.random(600) < fraction
    given = np.where(wrong, (own + rng.integers(1, classes, 600)) % classes, own)
    verdict = relabeled(ImageSet(digits.images, own, "clean"), given).verdict
    assert verdict.family == "label_noise"
    assert verdict.parameters["fraction"] == pytest.approx(np.mean(given != own))


@pytest.mark.parametrize(
    ("new", "second"),
    [
        (lambda y, rng: np.where(rng.random(len(y)) < 0.15, rng.integers(1, 11, len(y)), y + 1), "label_noise"),
        (lambda y, rng: np.roll(y, 3) + 1, "label_misalignment"),
        (lambda y, rng: rng.permutation(y) + 1, "label_misalignment"),
    ],
)
def test_renumbered_labels_may_be_wrong_besides(new: Change, second: str) -> None:
    reference = labeled(500)
    assert reference.labels is not None
    verdict = relabeled(reference, new(reference.labels, np.random.default_rng(3))).verdict
    assert [part["family"] for part in verdict.parameters["parts"]] == ["label_permutation", second]
    assert list(verdict.parameters["parts"][0]["parameters"]["mapping"]) == list(range(1, 11))
