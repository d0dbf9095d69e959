"""A map that took every pixel from one other pixel is fitted by where the pixels came from."""

import numpy as np
import pytest

from shiftassay.diagnosis.paired.whole_pixels import fitted_to_places
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.warp import Resampling, resampled

HALF = Resampling("nearest", 0.5)


@pytest.mark.parametrize(
    ("true", "begin"), [("rotate:angle=5", "rotate:angle=5.35"), ("scale:factor=1.3", "scale:factor=1.26")]
)
def test_places_lead_to_the_numbers_from_nearby(digits, true, begin):
    with resampled(HALF):
        shifted = parse(true).apply(digits.images, np.random.default_rng(0))
    fitted = fitted_to_places(parse(begin), Pairs(digits.images, shifted), HALF)
    [[name, value]] = parse(true).parameters.items()
    assert fitted.parameters[name] == pytest.approx(value, rel=0.02)


def test_other_images_have_no_places(digits, rng):
    others = rng.random(digits.images.shape, np.float32)
    assert fitted_to_places(parse("rotate:angle=5"), Pairs(digits.images, others), HALF) is None
