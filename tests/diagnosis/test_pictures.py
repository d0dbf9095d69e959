"""The pictures of a verdict are made from it."""

from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.pictures import SHOWN, pictures
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.shifts.catalog import shift


@pytest.fixture(scope="module")
def inverted(digits):
    return shift(digits, "invert")


@pytest.fixture(scope="module")
def diagnosis(digits, inverted) -> Diagnosis:
    return diagnose(digits, inverted)


def test_a_remake_stands_below_what_it_remakes(digits, inverted, diagnosis):
    shown = pictures(digits, inverted, diagnosis)
    assert shown.paired
    assert len(shown.reference) == SHOWN
    np.testing.assert_allclose(shown.remade, shown.shifted, atol=1e-6)
    np.testing.assert_allclose(shown.undone, shown.reference, atol=1e-6)
    np.testing.assert_array_equal(shown.residual, shown.shifted - shown.remade)
    assert shown.maps == ()


def test_the_images_shown_are_of_as_many_classes_as_there_are(digits, inverted, diagnosis):
    shown = pictures(digits, inverted, diagnosis)
    labels = [int(digits.labels[np.abs(digits.images - image).sum((1, 2, 3)).argmin()]) for image in shown.reference]
    assert labels == sorted(labels)
    assert set(labels) == set(digits.labels.tolist())


def test_without_a_verdict_maps_show_what_candidates_leave(digits, inverted, diagnosis):
    unknown = replace(diagnosis, verdict=Verdict(None, {}, {}, 1.0, 0.5))
    shown = pictures(digits, inverted, unknown)
    assert shown.remade is None
    assert shown.residual is None
    whole, nearest, *_ = shown.maps
    assert whole.candidate is None
    np.testing.assert_allclose(whole.mean_square, ((inverted.images - digits.images) ** 2).mean((0, 1)), rtol=1e-5)
    assert nearest.candidate is not None
    assert nearest.mean_square.mean() < 0.01 * whole.mean_square.mean()
    families = [frozenset(p.family for p in m.candidate.parts) for m in shown.maps if m.candidate is not None]
    assert len(set(families)) == len(families)


def test_images_without_partners_have_no_residual(digits, inverted, diagnosis):
    unpaired = replace(diagnosis, pairing=replace(diagnosis.pairing, kind="unpaired", order=None))
    shown = pictures(digits, inverted, unpaired)
    assert not shown.paired
    assert shown.residual is None
    assert shown.remade is not None
