"""An image set knows its size, and its digest changes with anything that is in it."""

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet, digest_of


def test_size_and_shape(colors: np.ndarray) -> None:
    image_set = ImageSet(colors.astype(np.float32))
    assert (len(image_set), image_set.shape) == (6, (3, 8, 10))


def test_the_digest_tells_values_types_shapes_and_labels_apart(colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    changed = images.copy()
    changed[-1, -1, -1, -1] += 1
    digests = {
        ImageSet(images).digest,
        ImageSet(changed).digest,
        ImageSet(images, np.arange(6)).digest,
        ImageSet(images.reshape(6, 3, 10, 8)).digest,
        digest_of(images),
        digest_of(images.astype(float)),
    }
    assert len(digests) == 6


def test_the_digest_does_not_depend_on_memory_or_name(colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    assert ImageSet(np.asfortranarray(images), name="a").digest == ImageSet(images, name="b").digest


def test_a_label_below_0_is_refused(colors: np.ndarray) -> None:
    with pytest.raises(BadInput, match="label -1 at place 2"):
        ImageSet(colors.astype(np.float32), np.array([0, 1, -1, 3, 4, 5]))


def test_labels_that_are_no_whole_numbers_are_refused(colors: np.ndarray) -> None:
    for labels in (np.zeros(6), np.full(6, "a"), np.zeros(6, bool)):
        with pytest.raises(BadInput, match="labels are whole numbers from 0"):
            ImageSet.__post_init__(_with(labels, colors))


def _with(labels: np.ndarray, colors: np.ndarray) -> ImageSet:
    """A set as it is before it looks at itself; types that tests check are not checked where people use it."""
    made = object.__new__(ImageSet)
    for name, value in (("images", colors.astype(np.float32)), ("labels", labels), ("name", "a")):
        object.__setattr__(made, name, value)
    return made


def test_a_part_keeps_labels_names_and_classes(colors: np.ndarray) -> None:
    names = tuple(f"{n}.png" for n in range(6))
    whole = ImageSet(colors.astype(np.float32), np.arange(6) % 2, names=names, classes=("cat", "dog"))
    some = whole.subset(np.array([4, 1]))
    np.testing.assert_array_equal(some.images, whole.images[[4, 1]])
    assert (some.required_labels.tolist(), some.names, some.classes) == ([0, 1], ("4.png", "1.png"), ("cat", "dog"))
    assert whole.first(2).names == ("0.png", "1.png")
    assert ImageSet(whole.images).subset(np.array([0])).names is None


def test_names_and_classes_that_do_not_fit_are_refused(colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    with pytest.raises(BadInput, match="6 images need as many names, found 1"):
        ImageSet(images, names=("a.png",))
    with pytest.raises(BadInput, match="label 5, but there are names for 2 classes"):
        ImageSet(images, np.arange(6), classes=("cat", "dog"))
