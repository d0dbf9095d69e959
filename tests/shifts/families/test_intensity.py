import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.catalog import make, parse

RAMP = ImageSet(np.linspace(0, 1, 11, dtype=np.float32).reshape(1, 1, 1, 11))


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ("invert", lambda x: 1 - x),
        ("gain:factor=3", lambda x: 3 * x),
        ("gain:factor=3,clip=true", lambda x: np.minimum(3 * x, 1)),
        ("offset:amount=0.3", lambda x: np.minimum(x + 0.3, 1)),
        ("offset:amount=-0.3", lambda x: np.maximum(x - 0.3, 0)),
        ("gamma:exponent=2", lambda x: x**2),
        ("threshold:level=0.45", lambda x: 1.0 * (x > 0.45)),
        ("quantize:levels=3", lambda x: np.rint(2 * x) / 2),
        ("rescale:scale=255,offset=-1", lambda x: 255 * x - 1),
    ],
)
def test_grey_values_follow_the_formula(shift, expected):
    assert catalog.shift(RAMP, shift).images == pytest.approx(expected(RAMP.images.astype(float)), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("levels", [2, 5, 16])
def test_as_many_levels_are_left_as_asked_for(levels, rng):
    noise = ImageSet(rng.random((5, 1, 28, 28)).astype(np.float32))
    assert len(np.unique(catalog.shift(noise, f"quantize:levels={levels}").images)) == levels


def test_information_is_lost_only_where_a_bright_image_is_clipped():
    assert parse("gain:factor=2").information == "preserved"
    assert parse("gain:factor=2,clip=true").information == "reduced"
    assert parse("gain:factor=0.5,clip=true").information == "preserved"


@pytest.mark.parametrize("text", ["gain:factor=0", "gamma:exponent=0", "quantize:levels=1", "rescale:scale=0"])
def test_parameters_that_blacken_or_flatten_every_image_are_refused(text):
    with pytest.raises(BadInput, match="must be"):
        parse(text)


def test_a_number_of_levels_is_whole():
    with pytest.raises(BadInput, match="whole number"):
        make("quantize", {"levels": 4.5})
