import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import make, parse, presets, shift

PUBLISHED = {
    "shot_noise": {"photons": 3.0},
    "impulse_noise": {"fraction": 0.17},
    "scale": {"factor": 0.7},
    "rotate": {"angle": {"values": [-np.degrees(0.4), np.degrees(0.4)]}},
    "brightness": {"amount": 0.5},
    "translate": {"dx": {"values": [-3.0, 3.0]}, "dy": {"values": [-3.0, 3.0]}},
    "stripe": {"columns": [*range(7), *range(21, 28)]},
}


def test_mnist_c_has_its_fifteen_corruptions():
    assert len(presets()) == 15
    assert all(name.startswith("mnist_c:") for name in presets())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_has_the_published_parameters(name):
    assert presets()[f"mnist_c:{name}"].parameters.items() >= PUBLISHED[name].items()


def test_a_severity_is_chosen_in_code_and_on_the_command_line():
    assert parse("mnist_c:scale:severity=5") == make("mnist_c:scale", {"severity": 5}) == make("scale", {"factor": 0.5})
    assert parse("mnist_c:scale") == make("scale", {"factor": 0.7})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnist_c:rotat", "Did you mean 'mnist_c:rotate'"),
        ("mnist_c", "Did you mean 'mnist_c:"),
        ("mnist_c:rotate:severity=6", "severities 1 to 5"),
        ("mnist_c:zigzag:severity=2", "only severity 1"),
        ("mnist_c:rotate:angle=3", "unknown parameter"),
        ("mnist_c:rotate:scope=shared", "scope is per_image"),
    ],
)
def test_what_a_preset_has_not_is_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parse(text)


def test_stronger_severities_change_more(digits):
    for name in ("shot_noise", "impulse_noise", "shear", "scale", "rotate", "brightness", "translate"):
        change = [
            np.abs(shift(digits, f"mnist_c:{name}:severity={k}").images - digits.images).mean() for k in range(1, 6)
        ]
        assert change == sorted(change), name


def test_the_shear_of_mnist_c_keeps_the_centre_and_lengthens_the_vertical():
    left, right = (np.array(m) for m in presets()["mnist_c:shear"].parameters["matrix"]["values"])
    assert left[0, 1] == -right[0, 1] == pytest.approx(-np.tan(0.4))
    assert left[1, 1] == right[1, 1] == pytest.approx(1 / np.cos(0.4))
    assert (left[:, 2] == 0).all()
