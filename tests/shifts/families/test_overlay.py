import numpy as np
import pytest
from tests.shifts.estimates import estimate_of, shifted_pairs

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.overlay import PixelDropout, Stripe
from shiftassay.shifts.parameters import Uniform


def test_only_the_given_columns_are_inverted(digits):
    striped = catalog.shift(digits, "stripe:columns=[0,27]").images
    assert np.array_equal(striped[..., 1:27], digits.images[..., 1:27])
    assert np.array_equal(striped[..., [0, 27]], 1 - digits.images[..., [0, 27]])
    with pytest.raises(BadInput, match="no column 28"):
        catalog.shift(digits, "stripe:columns=[28]")
    with pytest.raises(BadInput, match="each once"):
        make("stripe", {"columns": [1, 1]})


def test_the_fraction_of_pixels_that_drop_out():
    white = ImageSet(np.ones((100, 1, 28, 28), np.float32))
    assert catalog.shift(white, "pixel_dropout:fraction=0.3").images.mean() == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("columns", [(0, 1, 2, 25, 26, 27), (13,), tuple(range(0, 28, 3))])
@pytest.mark.parametrize("pictures", ["digits", "clothes"])
def test_striped_columns_are_found(columns, pictures, request):
    images = request.getfixturevalue(pictures)
    images = getattr(images, "images", images)
    assert estimate_of(shifted_pairs(images, Stripe(columns)), "stripe") == Stripe(columns)


def test_striped_columns_are_found_under_another_contrast(digits):
    striped = catalog.shift(digits, Stripe((0, 1, 14))).images
    pairs = Pairs(digits.images, 0.4 * striped + 0.1, contrast=True)
    assert estimate_of(pairs, "stripe") == Stripe((0, 1, 14))


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.6])
def test_the_share_of_dropped_pixels_is_found(digits, fraction):
    estimate = estimate_of(shifted_pairs(digits.images, PixelDropout(fraction)), "pixel_dropout")
    assert isinstance(estimate, PixelDropout)
    assert estimate.fraction == pytest.approx(fraction, rel=0.05)


def test_a_share_of_dropped_pixels_that_varies_is_found(digits):
    estimate = estimate_of(shifted_pairs(digits.images, PixelDropout(Uniform(0.1, 0.5))), "pixel_dropout")
    assert isinstance(estimate, PixelDropout)
    assert isinstance(estimate.fraction, Uniform)
    assert estimate.fraction.low == pytest.approx(0.1, abs=0.03)
    assert estimate.fraction.high == pytest.approx(0.5, abs=0.03)
