import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.evaluation.agreement import agreement, compare_models
from shiftassay.imagesets.image_set import ImageSet

VALUES = np.linspace(0, 1, 20, dtype=np.float32).reshape(20, 1, 1, 1)


def brighter_than(level):
    return lambda images: np.stack([level - images.mean((1, 2, 3)), images.mean((1, 2, 3)) - level], 1)


def test_pictures_are_held_against_those_of_their_name():
    names = tuple(f"{i}.png" for i in range(20))
    clean = ImageSet(VALUES, names=names)
    order = np.random.default_rng(0).permutation(20)[:15]
    served = ImageSet(0.9 * VALUES[order], name="served", names=tuple(f"{i}.jpg" for i in order))
    agreed = agreement(served, model=brighter_than(0.5), reference=clean)
    changed = (0.9 * VALUES[order].ravel() > 0.5) != (VALUES[order].ravel() > 0.5)
    assert agreed.n == 15
    assert sorted(agreed.differing) == np.flatnonzero(changed).tolist()
    assert agreed.drop == pytest.approx(changed.mean())


def test_images_without_partners_have_no_agreement():
    with pytest.raises(BadInput, match="its 20 images have no partners among the 10"):
        agreement(ImageSet(VALUES), model=brighter_than(0.5), reference=ImageSet(VALUES[:10]))


def test_models_are_compared_by_their_answers_and_with_labels_by_accuracy():
    models = {"low": brighter_than(0.2), "middle": brighter_than(0.5), "high": brighter_than(0.8)}
    unlabeled = compare_models(models, ImageSet(VALUES), margin=0.01)
    assert unlabeled.accuracy is None
    above = {level: int(np.sum(level < VALUES)) for level in (0.2, 0.5, 0.8)}
    between = [above[0.2] - above[0.5], above[0.2] - above[0.8], above[0.5] - above[0.8]]
    assert [len(pair.differing) for pair in unlabeled.agreements] == between
    labeled = compare_models(models, ImageSet(VALUES, (VALUES.ravel() > 0.5).astype(np.int64)), margin=0.01)
    assert [group.mean for group in labeled.accuracy.groups] == [1 - between[0] / 20, 1.0, 1 - between[2] / 20]
    assert labeled.agreements == unlabeled.agreements
    three = {"a": brighter_than(0.5), "b": lambda images: np.zeros((len(images), 3))}
    with pytest.raises(BadInput, match=r"different numbers of classes .a 2, b 3."):
        compare_models(three, ImageSet(VALUES), margin=0.01)
