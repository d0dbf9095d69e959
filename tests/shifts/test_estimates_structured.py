"""Families with estimates of their own: odd pairs, and pairs of other shifts."""

import numpy as np
import pytest
from tests.shifts.estimates import shifted_pairs, unexplained

from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

STRUCTURED = (
    "canny_edges",
    "dotted_line",
    "elastic",
    "fixed_pattern",
    "fog",
    "glass_blur",
    "illumination",
    "jpeg",
    "jpeg2000",
    "median",
    "occlusion",
    "phase_scramble",
    "pixel_dropout",
    "pixelate",
    "sharpen",
    "spatter",
    "stripe",
    "webp",
    "zigzag",
)


OWN = [name for name in FAMILIES if FAMILIES[name].estimate.__func__ is not Shift.estimate.__func__]


@pytest.mark.parametrize("family", OWN)
@pytest.mark.filterwarnings("error")
def test_nothing_is_raised_and_nothing_odd_is_made_of_odd_pairs(family, digits, rng):
    x = digits.images[:40]
    odd = {
        "nothing changed": (x, x),
        "all black": (x * 0, x * 0),
        "made black": (x, x * 0),
        "black before": (x * 0, x),
        "other units": (x, x * 255),
        "normalised": (x, (x - 0.13) / 0.31),
        "one": (x[:1], x[1:2]),
        "strangers": (x, x[::-1]),
        "noise": (x, rng.random(x.shape)),
        "one pixel": (rng.random((40, 1, 1, 1)), rng.random((40, 1, 1, 1))),
        "four pixels": (rng.random((40, 1, 2, 2)), rng.random((40, 1, 2, 2))),
        "flat": (rng.random((40, 3, 8, 20)), rng.random((40, 3, 8, 20))),
        "five channels": (rng.random((20, 5, 12, 12)), rng.random((20, 5, 12, 12))),
    }
    for name, (reference, shifted) in odd.items():
        pairs = Pairs(reference.astype(np.float32), shifted.astype(np.float32))
        for estimate in FAMILIES[family].estimate(pairs):
            fixed = estimate.realize(pairs.reference.shape[1:], np.random.default_rng(0))
            assert np.isfinite(fixed.apply(pairs.reference, np.random.default_rng(0))).all(), name


OTHERS = (
    "gaussian_blur:sd=1.5",
    "gaussian_noise:sd=0.3",
    "invert",
    "translate:dx=-3|3,dy=-2|2,scope=per_image",
    "pixel_permutation:scope=per_image",
)


@pytest.mark.parametrize("family", sorted({*STRUCTURED} - {"pixelate"}))
@pytest.mark.parametrize("other", OTHERS)
def test_other_shifts_are_not_explained(family, other, digits):
    pairs = shifted_pairs(digits.images, other)
    for estimate in FAMILIES[family].estimate(pairs):
        assert unexplained(estimate, pairs) > 0.1, estimate
