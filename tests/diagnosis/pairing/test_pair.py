"""Which image was which: the same order, another one, or none, under whatever shift."""

from dataclasses import replace

import numpy as np
import pytest

from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift

SHIFTS = [
    "identity",
    "gaussian_noise:sd=0.5",
    "invert",
    "rotate:angle=-180..180,scope=per_image",
    "pixel_permutation",
    "pixel_permutation:scope=per_image",
    "phase_scramble",
    "gaussian_blur:sd=4",
    "fog:amount=0.7",
    "canny_edges",
]
FOUND_AGAIN = [s for s in SHIFTS if s not in ("gaussian_blur:sd=4", "canny_edges")]


def digits(*places: slice) -> list[ImageSet]:
    test = load_dataset("mnist").test
    assert test.labels is not None
    return [ImageSet(test.images[p], test.labels[p]) for p in places]


def by_class(images: ImageSet) -> ImageSet:
    assert images.labels is not None
    order = np.argsort(images.labels, kind="stable")
    return ImageSet(images.images[order], images.labels[order])


@pytest.mark.parametrize("spec", SHIFTS)
@pytest.mark.parametrize("n", [50, 400])
def test_same_order_is_seen_whatever_the_shift(spec: str, n: int) -> None:
    (reference,) = digits(slice(n))
    result = pair(reference, shift(reference, spec, seed=3))
    assert result.kind == "same_order"
    assert result.order is not None
    assert result.order.tolist() == list(range(n))


@pytest.mark.parametrize("spec", FOUND_AGAIN)
def test_another_order_is_found_by_content(spec: str) -> None:
    (reference,) = digits(slice(500))
    order = np.random.default_rng(5).permutation(500)
    moved = ImageSet(shift(reference, spec, seed=4).images[order])
    result = pair(reference, moved)
    assert result.kind == "reordered"
    assert result.order is not None
    assert np.mean(result.order == order) > 0.95
    assert result.to_json()["order"] == result.order.tolist()


@pytest.mark.parametrize("spec", SHIFTS)
def test_other_images_are_unpaired(spec: str) -> None:
    reference, others = digits(slice(300), slice(300, 600))
    result = pair(reference, shift(others, spec, seed=5))
    assert result.kind == "unpaired"
    assert result.order is None


def test_sets_sorted_by_class_are_not_paired_by_it() -> None:
    reference, others = map(by_class, digits(slice(1000), slice(1000, 2000)))
    assert pair(reference, others).kind == "unpaired"
    assert pair(reference, shift(reference, "gaussian_noise:sd=0.5")).kind == "same_order"


def test_subset_is_found_in_the_reference() -> None:
    (reference,) = digits(slice(600))
    chosen = np.sort(np.random.default_rng(6).permutation(600)[:350])
    subset = replace(reference, images=reference.images[chosen], labels=None)
    assert pair(reference, shift(subset, "rotate:angle=15")).kind == "reordered"
    exact = pair(reference, subset)
    assert exact.order is not None
    assert exact.order.tolist() == chosen.tolist()


def test_images_one_place_on_are_in_another_order() -> None:
    (reference,) = digits(slice(200))
    result = pair(reference, replace(reference, images=np.roll(reference.images, 1, axis=0)))
    assert result.kind == "reordered"
    assert result.order is not None
    assert result.order.tolist() == np.roll(np.arange(200), 1).tolist()


def test_same_order_with_one_half_shifted() -> None:
    (reference,) = digits(slice(200))
    mixed = reference.images.copy()
    mixed[::2] = shift(reference, "pixel_permutation:scope=per_image").images[::2]
    assert pair(reference, replace(reference, images=mixed)).kind == "same_order"
