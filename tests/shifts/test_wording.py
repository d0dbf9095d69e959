"""One rendering of a shift, long or short, of whatever family."""

import re
from types import SimpleNamespace

import pytest

from shiftassay.shifts.catalog import parse
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.wording import in_short, in_words


def described(text):
    return SimpleNamespace(**parse(text).to_json())


@pytest.mark.parametrize("family", [f for f in FAMILIES if FAMILIES[f].group not in ("several",)])
def test_every_family_is_named_with_the_parameters_of_its_example(family):
    example = FAMILIES[family].example
    shift = described(f"{family}:{example}" if example else family)
    assert in_short(shift, scopes=False) == family
    assert in_words(shift).startswith(family)
    for name in re.findall(r"(\w+)=", example):
        default = FAMILIES[family].__dataclass_fields__[name].default
        assert f"{name} = " in in_words(shift) or shift.parameters[name] == default


def test_parts_are_told_in_their_order():
    parts = [parse(text).to_json() for text in ("rotate:angle=15", "gaussian_blur:sd=1")]
    both = SimpleNamespace(family="compose", parameters={"parts": parts}, scope=None)
    assert in_short(both) == "rotate, then gaussian_blur"
    assert in_words(both) == (
        "rotate (angle = 15), the same for all images; then gaussian_blur (sd = 1), the same for all images"
    )


def test_an_interval_stands_behind_its_number():
    shift = described("rotate:angle=15")
    assert "[14.9, 15.1]" in in_words(shift, {"angle": [14.9, 15.1]})


def test_a_family_of_another_version_is_told_all_the_same():
    shift = SimpleNamespace(family="not_known_here", parameters={"amount": 2.0}, scope="shared")
    assert in_words(shift) == "not_known_here (amount = 2), the same for all images"
