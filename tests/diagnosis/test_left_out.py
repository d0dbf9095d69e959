"""A time stamp on the pictures: left out, the shift beside it is named as without it."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate
from skimage import data

from shiftassay.diagnosis.diagnose import diagnose, verdict_on
from shiftassay.diagnosis.identify import split
from shiftassay.diagnosis.paired.completion import searched
from shiftassay.diagnosis.paired.left_out import beside_left_out
from shiftassay.diagnosis.paired.search import search
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.left_out import leaving_out, left_out_of_both
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.catalog import shift as shifted_by
from shiftassay.shifts.estimation.pairs import Pairs

STAMP = (2, 0, 14, 5)


def stamped(images: np.ndarray, seed: int) -> np.ndarray:
    """The images with other figures on each, where a camera writes the time."""
    images = images.copy()
    for image, number in zip(images, np.random.default_rng(seed).integers(10, 99, len(images)), strict=True):
        picture = np.zeros((5, 12), np.uint8)
        cv2.putText(picture, str(number), (0, 5), cv2.FONT_HERSHEY_PLAIN, 0.6, 255)
        image[:, 0:5, 2:14] = picture / np.float32(255)
    return images


def turned(images: np.ndarray) -> np.ndarray:
    return np.clip(rotate(images, 15, axes=(3, 2), reshape=False, order=1), 0, 1).astype(np.float32)


def pairs_beside(before: np.ndarray, after: np.ndarray) -> Pairs:
    reference, shifted = left_out_of_both(ImageSet(before), leaving_out(ImageSet(after), [STAMP], ImageSet(before)))
    return Pairs(reference.images, shifted.images, left_out=shifted.left_out)


@pytest.mark.parametrize(
    ("family", "make", "both"), [("rotate", turned, True), ("gamma", lambda images: images**0.5, False)]
)
def test_the_search_finds_the_shift_beside_the_stamp(digits, family, make, both):
    clean = digits.images[:60]
    pairs = pairs_beside(stamped(clean, 1) if both else clean, stamped(make(clean), 2))
    families = ["rotate", "gamma", "gain", "identity", "shot_noise"]
    _, found = searched(pairs, 0, lambda some: split(some, families, 0), lambda task: search(task, lambda: True))
    assert (found[0].shift.family, found[0].fits) == (family, True)
    _, without = searched(Pairs(clean, make(clean)), 0, lambda some: split(some, families, 0), search)
    assert without[0].shift.family == family
    for name, value in without[0].shift.parameters.items():
        if isinstance(value, float):
            assert found[0].shift.parameters[name] == pytest.approx(value, rel=0.02)


def test_what_the_shift_brought_out_of_the_region_is_not_compared(digits):
    pairs = pairs_beside(digits.images[:20], digits.images[:20])
    moved = parse("translate:dx=3,dy=2")
    made = moved.apply(pairs.reference, np.random.default_rng(0))
    kept = beside_left_out(np.zeros_like(made), moved, pairs) == 0
    assert not kept[:, :, 0:5, 2:14].any(where=pairs.shifted[:, :, 0:5, 2:14] != 0)
    assert not kept[:, :, 2:7, 5:17].any(where=pairs.shifted[:, :, 2:7, 5:17] != 0)
    assert kept[:, :, 8:].all()


def test_the_same_pictures_under_two_stamps_are_the_same(digits):
    clean = digits.images[:100]
    diagnosis = diagnose(stamped(clean, 1), stamped(clean, 2), leave_out=[STAMP])
    assert diagnosis.verdict.family == "identity"
    assert diagnosis.left_out == pytest.approx(60 / 784)
    assert "7.7% of each picture, not compared" in str(diagnosis)
    assert diagnosis.to_json()["left_out"] == diagnosis.left_out
    assert "left_out" not in diagnose(clean, clean).to_json()


@pytest.mark.torture
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(
    "spec",
    [
        *("rotate:angle=15", "invert", "gain:factor=0.6", "quantize:levels=4", "gaussian_noise:sd=0.2"),
        *("gaussian_blur:sd=1.2", "roll:dx=5", "pixel_permutation", "pixel_permutation:scope=per_image"),
    ],
)
def test_a_diagnosis_names_the_shift_beside_the_stamp(mnist, spec, both):
    clean = mnist.test.first(400)
    made = stamped(shifted_by(clean, spec).images, 2)
    verdict = diagnose(stamped(clean.images, 1) if both else clean, made, leave_out=[STAMP]).verdict
    assert (verdict.family, verdict.scope) == (parse(spec).family, parse(spec).scope)


@pytest.mark.torture
def test_without_partners_the_stamp_is_left_out_too(mnist):
    reference, others = ImageSet(mnist.test.images[:1000]), mnist.test.images[1000:2000]
    for made, family in ((1 - others, "invert"), (others, "identity")):
        one = ImageSet(stamped(made, 2))
        marked = leaving_out(one, [STAMP], reference)
        assert verdict_on(*left_out_of_both(reference, marked)).family == family


@pytest.mark.torture
@pytest.mark.parametrize(
    ("family", "make"),
    [
        ("channel_order", lambda images: np.ascontiguousarray(images[:, ::-1])),
        ("gaussian_blur", lambda images: gaussian_filter(images, (0, 0, 1.2, 1.2), mode="mirror")),
    ],
)
def test_photographs_are_named_beside_a_stamp_and_a_border(family, make):
    photographs = [getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")]
    parts = [
        photograph[top : top + 96, left : left + 96] / np.float32(255)
        for photograph in photographs
        for top, left in ((0, 0), (60, 150), (150, 60), (180, 180), (100, 300))
    ]
    clean = np.ascontiguousarray(np.moveaxis(np.stack(parts), 3, 1)).astype(np.float32)

    def framed(images: np.ndarray) -> np.ndarray:
        images = stamped(images, 2)
        images[:, :, -6:] = np.random.default_rng(3).random(images[:, :, -6:].shape)
        return images

    verdict = diagnose(framed(clean), framed(make(clean)), leave_out=[STAMP, (0, 90, 96, 96)]).verdict
    assert verdict.family == family
