"""The shift between two samples that share no image."""

import numpy as np
import pytest

from shiftassay.diagnosis.unpaired.candidates import estimate_unpaired
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.estimation.summary_statistics import feature_basis, summary_statistics
from shiftassay.shifts.estimation.unpaired_places import matched_places

FAMILIES = (
    "identity",
    "invert",
    "gain",
    "rescale",
    "rotate",
    "scale",
    "flip_horizontal",
    "gaussian_noise",
    "gaussian_blur",
)


@pytest.fixture(scope="module")
def halves() -> tuple[ImageSet, ImageSet]:
    test = load_dataset("mnist").test
    assert test.labels is not None
    order = np.random.default_rng(11).permutation(len(test))[:1600]
    one, other = (ImageSet(test.images[part], test.labels[part]) for part in (order[:800], order[800:]))
    return one, other


@pytest.mark.parametrize(
    ("spec", "name", "value", "tolerance"),
    [
        pytest.param("gain:factor=0.5", "factor", 0.5, 0.025, marks=pytest.mark.torture),
        pytest.param("rotate:angle=-100", "angle", -100, 1.0, marks=pytest.mark.torture),
        pytest.param("scale:factor=0.7", "factor", 0.7, 0.035, marks=pytest.mark.torture),
        ("gaussian_noise:sd=0.2", "sd", 0.2, 0.01),
        pytest.param("gaussian_blur:sd=1.5", "sd", 1.5, 0.075, marks=pytest.mark.torture),
        pytest.param("rescale:scale=3.2,offset=-0.42", "offset", -0.42, 0.02, marks=pytest.mark.torture),
    ],
)
def test_numbers_are_found_without_pairs(
    halves: tuple[ImageSet, ImageSet], spec: str, name: str, value: float, tolerance: float
) -> None:
    reference, others = halves
    best = estimate_unpaired(reference, ImageSet(shift(others, spec, seed=2).images), FAMILIES)[0]
    assert best.shift.family == spec.partition(":")[0]
    assert best.fit.fits
    assert best.shift.parameters[name] == pytest.approx(value, abs=tolerance)


def test_families_that_come_to_the_same_shift_are_one_candidate(halves: tuple[ImageSet, ImageSet]) -> None:
    reference, others = halves
    dark = ImageSet(shift(others, "gain:factor=0.3").images)
    candidates = estimate_unpaired(reference, dark, ("gain", "rescale", "gamma", "quantize", "threshold"))
    families = [candidate.shift.family for candidate in candidates]
    assert families[0] == "gain"
    assert len(set(families)) == len(families)


@pytest.mark.torture
def test_halves_of_one_set_are_identical(halves: tuple[ImageSet, ImageSet]) -> None:
    best = estimate_unpaired(halves[0], halves[1], FAMILIES)[0]
    assert best.shift.family == "identity"
    assert best.fit.fits


@pytest.mark.torture
def test_what_is_not_among_the_families_stays_far_from_the_null(halves: tuple[ImageSet, ImageSet]) -> None:
    reference, others = halves
    best = estimate_unpaired(reference, ImageSet(shift(others, "shear:factor=0.6").images), FAMILIES)[0]
    assert best.misfit > 4 * best.by_chance


@pytest.mark.torture
def test_class_shares_are_found_without_labels() -> None:
    test = load_dataset("mnist").test
    assert test.labels is not None
    order = np.random.default_rng(12).permutation(len(test))
    reference, others = (ImageSet(test.images[part], test.labels[part]) for part in (order[:1500], order[1500:6500]))
    wanted = (0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02)
    fewer = shift(others, f"class_prior:proportions={list(wanted)}".replace(" ", ""))
    best = estimate_unpaired(reference, ImageSet(fewer.images), ("identity", "rotate", "class_prior"))[0]
    assert best.shift.family == "class_prior"
    assert best.shift.parameters["proportions"] == pytest.approx(wanted, abs=0.06)


def test_permutation_is_found_where_places_differ(halves: tuple[ImageSet, ImageSet]) -> None:
    reference, others = halves
    order = np.random.default_rng(3).permutation(784)
    moved = ImageSet(others.images.reshape(len(others), -1)[:, order].reshape(others.images.shape))
    result = matched_places(reference.images, moved.images)
    assert sorted(result) == list(range(784))
    inked = reference.images.mean(axis=0).ravel()[order] > 0.1
    assert np.mean((result == order)[inked]) > 0.8


def test_portraits_of_samples_are_about_one_sampling_error_apart(halves: tuple[ImageSet, ImageSet]) -> None:
    one, other = (summary_statistics(side.images, feature_basis(halves[0].images)) for side in halves)
    assert 0.2 < one.distance(other) < 1.6
    assert one.distance(one) == 0
