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
    found = [check_positions(generator.random((120, 1, 6, 6)).astype(np.float32), labels) for _ in range(300)]
    for name in ("places", "classes", "neighbors", "followers"):
        rejected = np.mean([getattr(one, name) < 0.05 for one in found])
        assert rejected < 0.09, name
    assert np.mean([one.holds for one in found]) > 0.97


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ("pixel_permutation", "places"),
        ("row_permutation:scope=per_image", "neighbors"),
        ("block_permutation:block=2,scope=per_image", "neighbors"),
        ("phase_scramble:scope=per_image", "neighbors"),
        ("rotate:angle=-180..180,scope=per_image", "places"),
    ],
)
def test_what_keeps_something_of_the_arrangement_fails_the_premise(how, by, images):
    found = check_positions(shift(images, how, 0).images, images.labels)
    assert not found.holds
    assert getattr(found, by) < 1e-6


def test_an_arrangement_that_tells_the_class_alone_fails_the_premise(images):
    shuffled = shift(images, "pixel_permutation:scope=per_image", 0).images.copy().reshape(len(images), -1)
    for row, label in zip(shuffled, images.labels, strict=True):  # the brightest pixel stands where the class says
        brightest, there = row.argmax(), 28 * label
        row[brightest], row[there] = row[there], row[brightest]
    found = check_positions(shuffled.reshape(images.images.shape), images.labels)
    assert found.classes < 1e-6


@pytest.mark.parametrize("flipped", [0.0, 0.1, 0.3])
def test_the_bound_lies_above_what_is_known_to_be_reachable(flipped, generator):
    values = generator.random((12_000, 2)).astype(np.float32)
    labels = (values[:, 0] > 0.5).astype(np.int64)
    labels = np.where(generator.random(len(labels)) < flipped, 1 - labels, labels)
    found = nearest_neighbor_ceiling(values[:10_000], labels[:10_000], values[10_000:], labels[10_000:], 2)
    assert found.ceiling[2] >= 1 - flipped
    # For two classes whose shares do not depend on x, the nearest neighbour errs 2 p (1 − p) and the bound is exact.
    assert found.ceiling[0] == pytest.approx(1 - flipped, abs=0.05)
    assert found.limit[1] <= 2 * flipped * (1 - flipped) + 0.01
    assert found.limit[2] >= 2 * flipped * (1 - flipped) - 0.01


def test_the_bayes_errors_bound_is_between_the_error_and_half_of_it():
    for error in np.linspace(0, 0.9, 19):
        assert error / 2 - 1e-12 <= bayes_error_bound(float(error), 10) <= error + 1e-12


def test_of_a_fresh_permutation_little_is_left_and_the_bracket_is_not_empty(mnist, images):
    how = parse("pixel_permutation:scope=per_image")
    found = ceiling(how, mnist.train, shift(images, how, 5), quick=True)
    assert found.above is not None
    assert found.above.method == "values"
    assert 0.18 < found.below[1] < found.below[0] < found.above.low < found.above.high < 0.7
    assert "sorted pixel values" in found.best
    assert "no classifier is right on more than" in found.sentence
    json.dumps(found.to_json())


def test_a_shared_permutation_costs_nothing_and_no_bound_from_above_is_claimed(mnist, images):
    how = parse("pixel_permutation").realize(images.shape, np.random.default_rng(0))
    found = ceiling(how, mnist.train, shift(images, how, 5), quick=True)
    assert found.below[1] > 0.9
    assert found.above is None
    assert "nothing is lost" in found.sentence


def test_where_position_still_speaks_no_bound_is_claimed(mnist, images):
    how = parse("phase_scramble:scope=per_image")
    found = ceiling(how, mnist.train, shift(images, how, 5), quick=True)
    assert found.above is None
    assert found.sufficiency is not None
    assert not found.sufficiency.holds
    assert "no repair found" in found.sentence
    assert "Fourier amplitudes" in found.best


def test_wrong_labels_bound_what_can_be_right(mnist, images):
    how = parse("label_noise:fraction=0.4")
    found = ceiling(how, mnist.train, shift(images, how, 5), quick=True)
    assert found.above is not None
    assert found.above.high == pytest.approx(0.6)
    assert found.below[1] < 0.62


@pytest.mark.parametrize(
    "how", ["pixel_permutation", "row_permutation", "column_permutation", "block_permutation:block=4"]
)
def test_invariants_are_what_a_shift_leaves(how, images):
    how = parse(f"{how}{',' if ':' in how else ':'}scope=per_image")
    _, invariant = how.invariant
    few = ImageSet(images.images[:50])
    same = np.abs(invariant(shift(few, how, 3).images) - invariant(few.images)).max((1, 2, 3)) == 0
    # Lines or blocks with equal sums may be taken in either order.
    assert same.mean() > 0.7
    assert (np.abs(shift(few, how, 3).images - few.images).max((1, 2, 3)) > 0).all()


def test_what_is_missing_is_said(mnist, images):
    with pytest.raises(BadInput, match="labels"):
        ceiling(parse("invert"), mnist.train, ImageSet(images.images))
    with pytest.raises(BadInput, match="must be fixed"):
        ceiling(parse("pixel_permutation"), mnist.train, images)
    with pytest.raises(BadInput, match="aimed at a model"):
        ceiling(parse("adversarial:epsilon=0.1"), mnist.train, images)
    with pytest.raises(BadInput, match="same size"):
        ceiling(parse("invert"), mnist.train, ImageSet(images.images[:, :, 1:], images.labels))
