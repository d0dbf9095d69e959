"""What a diagnosis accepts, and what it says of what it does not."""

import numpy as np
import pytest

from shiftassay.diagnosis.inputs import check_sets
from shiftassay.errors import BadInput

IMAGES = np.random.default_rng(0).random((60, 8, 8), np.float32)


def test_arrays_become_image_sets_in_the_same_unit():
    reference, shifted, notes = check_sets((255 * IMAGES).astype(np.uint8), (255 * IMAGES[:, None]).astype(np.uint8))
    assert reference.shape == shifted.shape == (1, 8, 8)
    assert np.array_equal(reference.images, shifted.images)
    assert len(notes) == 2


def test_labels_are_those_of_both():
    labels = np.arange(60) % 10
    reference, shifted, _ = check_sets(IMAGES, IMAGES, labels)
    assert np.array_equal(reference.labels, labels)
    assert np.array_equal(shifted.labels, labels)


def test_labels_of_one_set_alone_are_noted():
    notes = check_sets(IMAGES, IMAGES[:55], np.arange(60) % 10).notes
    assert any("shifted has no labels: its images take those of their partners in reference" in note for note in notes)


@pytest.mark.parametrize(
    ("reference", "shifted", "message"),
    [
        (IMAGES, IMAGES[:, :6], "6 × 8, those of reference 8 × 8"),
        (IMAGES, np.full_like(IMAGES, np.nan), "NaN or infinity"),
        (IMAGES, np.zeros_like(IMAGES), "the same value, 0"),
        (IMAGES[0], IMAGES, r"found an array of shape \(8, 8\)"),
        (IMAGES[..., None], IMAGES, "channels last"),
        (IMAGES[:0], IMAGES, "no images in it"),
    ],
)
def test_what_can_not_be_compared_is_refused(reference, shifted, message):
    with pytest.raises(BadInput, match=message):
        check_sets(reference, shifted)


def test_labels_have_to_be_as_many_as_images():
    with pytest.raises(BadInput, match="7 labels for 60 images"):
        check_sets(IMAGES, IMAGES, np.zeros(7, np.int64))
