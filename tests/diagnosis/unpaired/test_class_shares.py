"""How often each class stands in a set without labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.unpaired.class_shares import class_prior
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.estimation.summary_statistics import feature_basis

RNG = np.random.default_rng(0)
LABELS = np.arange(300) % 3
# Three classes that are told apart by which third of the picture is bright.


def _images(labels):
    images = RNG.normal(0.2, 0.05, (len(labels), 1, 6, 6)).astype(np.float32)
    for row in range(2):
        images[np.arange(len(labels)), 0, 2 * labels + row] += 0.6
    return images


LEARN, TEST = (ImageSet(_images(LABELS), LABELS) for _ in range(2))


@given(st.lists(st.integers(1, 60), min_size=3, max_size=3))
def test_shares_of_separable_classes_are_found_without_labels(counts):
    labels = np.repeat(np.arange(3), counts)
    shifted = _images(labels)
    basis = feature_basis(shifted)
    ((blind, _),) = class_prior(LEARN, TEST, shifted, None, basis)
    ((counted, _),) = class_prior(LEARN, TEST, shifted, labels, basis)
    assert counted == pytest.approx(np.array(counts) / sum(counts))
    assert blind == pytest.approx(counted, abs=0.05)
    assert sum(blind) == pytest.approx(1)


def test_a_class_that_is_missing_gives_no_shares():
    few = LEARN.images[LABELS < 2]
    half = ImageSet(few, np.where(LABELS[LABELS < 2] == 1, 2, 0))
    assert class_prior(half, TEST, LEARN.images, None, feature_basis(LEARN.images)) == []
