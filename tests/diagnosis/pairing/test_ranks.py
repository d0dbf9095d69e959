"""Partners, order and look-alikes, on traits whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.diagnosis.pairing.alike import look_alikes, rank_of_own
from shiftassay.diagnosis.pairing.matched import matched_sets, order_notes
from shiftassay.diagnosis.pairing.pair import Pairing, PairingEvidence
from shiftassay.diagnosis.pairing.partners import PartnerSearch
from shiftassay.diagnosis.pairing.same_order import OrderTest
from shiftassay.diagnosis.pairing.traits import traits_of
from shiftassay.imagesets.image_set import ImageSet

SCORES = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)


@given(st.integers(2, 60), st.integers(1, 4), st.integers(0, 1000))
def test_look_alikes_are_disjoint_and_of_one_cell(n, cells, seed):
    rng = np.random.default_rng(seed)
    cell = rng.integers(0, cells, n)
    groups = look_alikes(rng.normal(size=(n, 3)).astype(np.float32), cell)
    members = np.concatenate(groups) if groups else np.empty(0, np.int64)
    assert len(np.unique(members)) == len(members)
    assert all(len(set(cell[group])) == 1 and 2 <= len(group) <= 6 for group in groups)


def test_partners_in_order_rank_first_and_others_by_chance():
    groups = list(np.arange(200).reshape(-1, 8))
    z, mean, _ = rank_of_own(SCORES, SCORES, groups)
    assert z > 15
    assert mean < 0.1
    shuffled = np.random.default_rng(1).permutation(SCORES)
    z, mean, _ = rank_of_own(SCORES, shuffled, groups)
    assert abs(z) < 4
    assert mean == pytest.approx(0.5, abs=0.1)


def test_images_that_can_not_be_told_apart_are_no_evidence():
    same = np.ones((16, 3), np.float32)
    assert rank_of_own(same, same, list(np.arange(16).reshape(-1, 8)))[:2] == (0.0, 0.5)


def test_traits_survive_what_they_are_said_to_survive(digits, rng):
    images = digits.images[:10]
    before = traits_of(images)
    pixels = images.reshape(10, -1)[:, rng.permutation(784)].reshape(images.shape)
    assert np.array_equal(traits_of(pixels)["values"], before["values"])
    rolled = np.roll(images, (3, 5), (2, 3))
    assert np.allclose(traits_of(rolled)["amplitudes"], before["amplitudes"], atol=1e-3)
    columns = images[..., rng.permutation(28)]
    sums = [np.sort(traits["sums"][:, :28], axis=1) for traits in (before, traits_of(columns))]
    assert np.allclose(*sums, atol=1e-4)


@given(st.lists(st.integers(-1, 9), min_size=1, max_size=12))
def test_matched_sets_hold_the_partners(order):
    images = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1) / 10
    reference = ImageSet(images, np.arange(10))
    shifted = ImageSet(np.zeros((len(order), 1, 1, 1), np.float32), np.zeros(len(order), np.int64))
    before, after = matched_sets(reference, shifted, np.array(order))
    assert before.labels.tolist() == [place for place in order if place >= 0]
    assert len(before) == len(after)
    assert bool(order_notes(reference, shifted, np.array(order))) == (-1 in order or len(set(order)) < len(order))


@pytest.mark.parametrize("order", [None, [0, 1, 2], [2, 0, -1]])
def test_pairings_survive_json(order):
    test = OrderTest(9.0, 5.5, "pixels", "direct", 0.1, 0.5, 200, 8, 8.0, 7.5, 0.2, False)
    evidence = PairingEvidence(test, None if order is None else PartnerSearch(0.9, 0.8, 0.1, "pixels", 200))
    kind = "unpaired" if order is None else "same_order" if order == [0, 1, 2] else "reordered"
    pairing = Pairing(kind, None if order is None else np.array(order), evidence, ((1, 2),) if order is None else ())
    again = Pairing.from_json(pairing.to_json())
    assert again.to_json() == pairing.to_json()
    assert (again.order is None) if order is None else (again.order.tolist() == order)
    assert again.complete == pairing.complete
    assert again.shared == pairing.shared
    assert pairing.to_json()["evidence"]["order"]["how"] == "direct"
