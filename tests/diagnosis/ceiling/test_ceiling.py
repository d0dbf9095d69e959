import json

import numpy as np
import pytest

from shiftassay.diagnosis.ceiling.ceiling import ceiling
from shiftassay.diagnosis.ceiling.nearest import bayes_error_bound, nearest_neighbor_ceiling
from shiftassay.diagnosis.ceiling.sufficiency import check_positions
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import parse, shift


@pytest.fixture(scope="module")
def images(mnist) -> ImageSet:
    return ImageSet(mnist.test.images[:2000], mnist.test.labels[:2000])


def test_arrangements_of_a_fresh_permutation_are_uniform(images):
    assert all(
        check_positions(shift(images, "pixel_permutation:scope=per_image", seed).images, images.labels).holds
        for seed in range(10)
    )


def test_the_tests_of_the_premise_hold_their_level(generator):
    labels = np.arange(120) % 3
    estimate = [check_positions(generator.random((120, 1, 6, 6)).astype(np.float32), labels) for _ in range(300)]
    for name in ("places", "classes", "neighbors", "followers"):
        rejected = np.mean([getattr(one, name) < 0.05 for one in estimate])
        assert rejected < 0.09, name
    assert np.mean([one.holds for one in estimate]) > 0.97


@pytest.mark.parametrize(
    ("spec", "by"),
    [
        ("pixel_permutation", "places"),
        ("row_permutation:scope=per_image", "neighbors"),
        ("block_permutation:block=2,scope=per_image", "neighbors"),
        ("phase_scramble:scope=per_image", "neighbors"),
        ("rotate:angle=-180..180,scope=per_image", "places"),
    ],
)
def test_what_keeps_something_of_the_arrangement_fails_the_premise(spec, by, images):
    estimate = check_positions(shift(images, spec, 0).images, images.labels)
    assert not estimate.holds
    assert getattr(estimate, by) < 1e-6


def test_an_arrangement_that_tells_the_class_alone_fails_the_premise(images):
    shuffled = shift(images, "pixel_permutation:scope=per_image", 0).images.copy().reshape(len(images), -1)
    for row, label in zip(shuffled, images.labels, strict=True):  # the brightest pixel stands where the class says
        brightest, there = row.argmax(), 28 * label
        row[brightest], row[there] = row[there], row[brightest]
    estimate = check_positions(shuffled.reshape(images.images.shape), images.labels)
    assert estimate.classes < 1e-6


@pytest.mark.parametrize("flipped", [0.0, 0.1, 0.3])
def test_the_estimate_lies_above_what_is_known_to_be_reachable(flipped, generator):
    values = generator.random((12_000, 2)).astype(np.float32)
    labels = (values[:, 0] > 0.5).astype(np.int64)
    labels = np.where(generator.random(len(labels)) < flipped, 1 - labels, labels)
    estimate = nearest_neighbor_ceiling(values[:10_000], labels[:10_000], values[10_000:], labels[10_000:], 2)
    assert estimate.ceiling[2] >= 1 - flipped
    # For two classes whose shares do not depend on x, the nearest neighbour errs 2 p (1 − p) and the bound is exact.
    assert estimate.ceiling[0] == pytest.approx(1 - flipped, abs=0.05)
    assert estimate.limit[1] <= 2 * flipped * (1 - flipped) + 0.01
    assert estimate.limit[2] >= 2 * flipped * (1 - flipped) - 0.01


def test_the_bayes_errors_bound_is_between_the_error_and_half_of_it():
    for error in np.linspace(0, 0.9, 19):
        assert error / 2 - 1e-12 <= bayes_error_bound(float(error), 10) <= error + 1e-12


def test_of_a_fresh_permutation_little_is_left_and_the_bracket_is_not_empty(mnist, images):
    spec = parse("pixel_permutation:scope=per_image")
    estimate = ceiling(spec, mnist.train, shift(images, spec, 5), quick=True)
    assert estimate.above is not None
    assert estimate.above.method == "values"
    assert 0.18 < estimate.below[1] < estimate.below[0] < estimate.above.low < estimate.above.high < 0.7
    assert "sorted pixel values" in estimate.best
    assert "no classifier can use more than the sorted values" in estimate.sentence
    assert "The ceiling is an estimate" in estimate.sentence
    assert not estimate.proved
    json.dumps(estimate.to_json())


def test_a_shared_permutation_costs_nothing_and_no_bound_from_above_is_claimed(mnist, images):
    spec = parse("pixel_permutation").realize(images.shape, np.random.default_rng(0))
    estimate = ceiling(spec, mnist.train, shift(images, spec, 5), quick=True)
    assert estimate.below[1] > 0.9
    assert estimate.above is None
    assert "the ceiling is that of the unshifted images" in estimate.sentence
    assert not estimate.proof


@pytest.mark.torture
def test_where_position_still_speaks_no_bound_is_claimed(mnist, images):
    spec = parse("phase_scramble:scope=per_image")
    estimate = ceiling(spec, mnist.train, shift(images, spec, 5), quick=True)
    assert estimate.above is None
    assert estimate.sufficiency is not None
    assert not estimate.sufficiency.holds
    assert "Position still matters" in estimate.sentence
    assert not estimate.proof
    assert "Fourier amplitudes" in estimate.best


def test_wrong_labels_bound_what_can_be_right(mnist, images):
    spec = parse("label_noise:fraction=0.4")
    estimate = ceiling(spec, mnist.train, shift(images, spec, 5), quick=True)
    assert estimate.above is not None
    assert estimate.above.high == pytest.approx(0.6)
    assert estimate.below[1] < 0.62
    assert estimate.proved


@pytest.mark.parametrize(
    "spec", ["pixel_permutation", "row_permutation", "column_permutation", "block_permutation:block=4"]
)
def test_invariants_are_what_a_shift_leaves(spec, images):
    spec = parse(f"{spec}{',' if ':' in spec else ':'}scope=per_image")
    _, invariant = spec.invariant
    few = ImageSet(images.images[:50])
    same = np.abs(invariant(shift(few, spec, 3).images) - invariant(few.images)).max((1, 2, 3)) == 0
    # Lines or blocks with equal sums may be taken in either order.
    assert same.mean() > 0.7
    assert (np.abs(shift(few, spec, 3).images - few.images).max((1, 2, 3)) > 0).all()


def test_what_is_missing_is_said(mnist, images):
    with pytest.raises(BadInput, match="labels"):
        ceiling(parse("invert"), mnist.train, ImageSet(images.images))
    with pytest.raises(BadInput, match="must be fixed"):
        ceiling(parse("pixel_permutation"), mnist.train, images)
    with pytest.raises(BadInput, match="aimed at a model"):
        ceiling(parse("adversarial:epsilon=0.1"), mnist.train, images)
    with pytest.raises(BadInput, match="same size"):
        ceiling(parse("invert"), mnist.train, ImageSet(images.images[:, :, 1:], images.labels))
