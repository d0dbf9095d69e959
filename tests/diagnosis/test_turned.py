import numpy as np

from shiftassay.diagnosis.turned import SHOWN, Turned, turned
from shiftassay.imagesets.image_set import ImageSet


def sets(n, labels_before=True, labels_after=True):
    images, labels = np.zeros((n, 1, 4, 4), np.float32), np.arange(n) % 3
    return (
        ImageSet(images, labels if labels_before else None, "reference"),
        ImageSet(images, labels if labels_after else None, "shifted"),
    )


def logits_for(answers):
    return np.eye(3, dtype=np.float32)[np.asarray(answers)]


def test_lost_and_gained_images_are_counted_among_those_with_a_partner():
    before, after = sets(6)
    order = np.array([0, 1, 2, 3, 4, -1])
    answered = logits_for([0, 1, 2, 1, 0, 2]), logits_for([0, 2, 2, 0, 2, 0])
    found = turned(before, after, order, answered, seed=0)
    assert isinstance(found, Turned)
    assert (found.images, found.n_lost, found.n_gained) == (5, 1, 1)
    (lost,), (gained,) = found.lost, found.gained
    assert (lost.reference, lost.shifted, lost.label, lost.before, lost.after) == (1, 1, 1, 1, 2)
    assert (gained.reference, gained.label, gained.before, gained.after) == (3, 0, 1, 0)
    assert Turned.from_json(found.to_json()) == found


def test_of_many_only_some_are_kept_and_labels_may_be_those_of_either_set():
    before, after = sets(90, labels_after=False)
    order = np.arange(90)
    answered = logits_for(np.arange(90) % 3), logits_for((np.arange(90) + 1) % 3)
    found = turned(before, after, order, answered, seed=0)
    assert found is not None
    assert (found.n_lost, len(found.lost), found.gained) == (90, SHOWN, ())
    assert turned(*sets(90, False, False), order, answered, seed=0) is None


def test_each_sets_answers_are_judged_by_its_own_labels():
    before, after = sets(3)
    renamed = ImageSet(after.images, np.array([1, 1, 2]), "shifted")
    answered = logits_for([0, 1, 2]), logits_for([0, 1, 2])
    found = turned(before, renamed, np.arange(3), answered, seed=0)
    assert found is not None
    assert (found.n_lost, found.n_gained, found.lost[0].label) == (1, 0, 1)
