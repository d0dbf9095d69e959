"""Places of permuted pixels, told by samples that share no image."""

import numpy as np
import pytest

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.shifts.estimation.places import nearest_rivals, risk_of, standard_scores
from shiftassay.shifts.estimation.unpaired_places import matched_places, placement_of_samples


@pytest.fixture(scope="module")
def samples():
    images = load_dataset("mnist").test.images[:2000]
    order = np.random.default_rng(4).permutation(784)
    moved = images[1000:].reshape(1000, 784)[:, order].reshape(-1, 1, 28, 28)
    return images[:1000], moved, order


def parts(images):
    return images.reshape(len(images), -1, 1)


def test_identified_places_are_right_and_most_places_that_vary_are_identified(samples):
    reference, moved, order = samples
    placement = placement_of_samples(parts(reference), parts(moved), matched_places(reference, moved))
    varies = (np.ptp(reference, axis=0).ravel()[order] > 0) & (np.ptp(moved, axis=0).ravel() > 0)
    assert np.mean((placement.order == order)[placement.identified]) >= 0.99
    assert placement.identified[varies].mean() > 0.65
    assert not placement.identified[~varies].any()
    assert np.mean((placement.order == order)[varies]) > 0.85


def test_none_is_identified_where_the_order_is_mostly_wrong():
    """By themselves 203 places would seem to be told, 43 of them wrong."""
    rng = np.random.default_rng(0)
    data = load_dataset("mnist")
    images = np.concatenate([data.test.images, data.train.images])
    images = images[rng.permutation(len(images))[:300]]
    moved = images[150:].reshape(150, 784)[:, rng.permutation(784)].reshape(-1, 1, 28, 28)
    placement = placement_of_samples(parts(images[:150]), parts(moved), matched_places(images[:150], moved))
    assert not placement.identified.any()


@pytest.mark.torture
def test_no_place_is_identified_in_an_order_that_images_contradict(samples):
    reference, _, _ = samples
    noise = np.random.default_rng(0).random((1000, 784, 1), np.float32)
    placement = placement_of_samples(parts(reference), noise, np.arange(784))
    assert not placement.identified.any()


def test_an_exchange_that_makes_no_difference_has_score_0_and_is_no_risk_only_if_all_scores_are_high():
    assert standard_scores(np.zeros((50, 3))).tolist() == [0, 0, 0]
    assert standard_scores(np.array([[1.0], [3.0]])) == pytest.approx(2 * np.sqrt(2))
    risks = risk_of(np.array([[5.0, 5.0], [5.0, 0.0]]))
    assert risks[0] < 1e-5
    assert risks[1] == pytest.approx(0.5, abs=1e-5)


def test_rivals_are_other_places_of_small_loss():
    loss = np.abs(np.subtract.outer(np.arange(30.0), np.arange(30.0)))
    rivals = nearest_rivals(loss)
    assert rivals.shape == (30, 10)
    assert set(rivals[0]) == set(range(1, 11))
    assert {tuple(sorted(row)) for row in nearest_rivals(loss[:3, :3])} == {(1, 2), (0, 2), (0, 1)}
