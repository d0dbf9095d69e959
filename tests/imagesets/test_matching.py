"""Labels by content: right in any order, and none where any image is unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.matching import labels_by_content, labels_by_reference


def _as_set(images: np.ndarray, labels: np.ndarray | None = None) -> ImageSet:
    return ImageSet((images[:, None] / 255).astype(np.float32), labels, "clean.npy")


@pytest.mark.parametrize("part", ["test", "train"])
@settings(max_examples=20, deadline=None)  # the first example reads MNIST
@given(st.lists(st.integers(0, 9999), min_size=1, max_size=50))
def test_any_choice_of_mnist_gets_its_labels(part: str, chosen: list[int]) -> None:
    images, labels = embedded_mnist(part)
    matched = labels_by_content(_as_set(images[chosen]).images)
    assert matched is not None
    assert matched[0].tolist() == labels[chosen].tolist()
    assert matched[1] == f"the MNIST {part} set"


def test_the_whole_test_set_is_known_after_a_passage_through_float16() -> None:
    images, labels = embedded_mnist("test")
    halves = (images[:, None] / 255).astype(np.float16).astype(np.float32)
    matched = labels_by_content(halves)
    assert matched is not None
    np.testing.assert_array_equal(matched[0], labels)


def test_one_unknown_image_leaves_the_set_without_labels(digits) -> None:
    images = _as_set(digits[0]).images
    for change in (1 / 255, 0.3 / 255, 2.0):
        changed = images.copy()
        changed[7, 0, 14, 14] += change
        assert labels_by_content(changed) is None
    assert labels_by_content(images[:, :, 1:]) is None
    assert labels_by_content(1 - images) is None


def test_a_reordered_reference_gives_its_labels_in_that_order(colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    reference = ImageSet(images, np.arange(6), "clean.npy")
    order = np.array([5, 0, 3])
    matched = labels_by_reference(ImageSet(images[order]), reference)
    assert matched is not None
    assert matched.tolist() == order.tolist()


def test_a_reference_gives_no_labels_it_is_not_sure_of(colors: np.ndarray) -> None:
    images = colors.astype(np.float32)
    sample, twice = ImageSet(images), images[[0, 0, 1, 2, 3, 4]]
    assert labels_by_reference(sample, ImageSet(images, None)) is None
    assert labels_by_reference(sample, ImageSet(images[:5], np.arange(5))) is None
    assert labels_by_reference(ImageSet(twice), ImageSet(twice, np.arange(6))) is None
    assert labels_by_reference(ImageSet(images[:, :1]), ImageSet(images, np.arange(6))) is None
