"""Pictures that were made small with and without antialiasing, by NumPy alone, and what is only like that."""

import numpy as np
import pytest

from shiftassay.diagnosis.aliasing import aliasing_note
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs

SIDE, FACTOR = 32, 4


@pytest.fixture(scope="module")
def large():
    """Plain and striped ellipses over each other: detail here and there."""
    rng = np.random.default_rng(0)
    side = SIDE * FACTOR
    y, x = np.mgrid[:side, :side]
    pictures = np.full((80, 1, side, side), 0.5, np.float32)
    for picture in pictures:
        for _ in range(12):
            top, left, stripe = *rng.uniform(0, side, 2), rng.uniform(3, 12)
            turn, grey, contrast = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8), rng.choice([0.0, 0.2])
            inside = ((y - top) / rng.uniform(8, 40)) ** 2 + ((x - left) / rng.uniform(8, 40)) ** 2 < 1
            stripes = np.sign(np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / stripe))
            picture[0] = np.where(inside, grey + contrast * stripes, picture[0])
    return pictures


def averaged(images):
    n, c, h, w = images.shape
    return images.reshape(n, c, h // FACTOR, FACTOR, w // FACTOR, FACTOR).mean((3, 5))


def interpolated(images):
    """Between the four pixels in the middle of each square, as bilinear sampling that skips the others."""
    middle = FACTOR // 2
    near = [
        images[:, :, row::FACTOR, column::FACTOR] for row in (middle - 1, middle) for column in (middle - 1, middle)
    ]
    return np.mean(near, 0)


def in_bytes(images):
    return np.rint(255 * images).astype(np.float32) / np.float32(255)


def test_aliasing_is_unknown_and_no_noise_and_the_note_says_where_it_may_be(large):
    reference, shifted = in_bytes(averaged(large)), in_bytes(interpolated(large))
    outcome = diagnose(ImageSet(reference, name="reference"), ImageSet(shifted, name="shifted"))
    assert outcome.verdict.family == "unknown"
    assert any(note.startswith("It may be aliasing in the shifted set") for note in outcome.notes)


def test_aliasing_of_the_reference_is_told_from_that_of_the_shifted_set(large):
    (note,) = aliasing_note(Pairs(interpolated(large), averaged(large)))
    assert note.startswith("It may be aliasing in the reference")


@pytest.mark.parametrize(
    "spec",
    [
        "identity",
        "gaussian_noise:sd=0.1",
        "shot_noise:photons=30",
        "gaussian_blur:sd=1",
        "sharpen:amount=1.5,sd=1",
        "rotate:angle=3",
        "translate:dx=0.4",
        "elastic:amplitude=0.5,smoothness=3,scope=per_image",
        "jpeg:quality=20",
        "median:size=3",
        "posterize:bits=2",
    ],
)
def test_what_is_made_from_the_reference_does_not_look_like_aliasing(spec, large):
    reference = in_bytes(averaged(large))
    shifted = in_bytes(parse(spec).apply(reference, np.random.default_rng(0)))
    assert aliasing_note(Pairs(reference, shifted)) == ()
