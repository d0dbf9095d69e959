"""The normal form of a composition: it is its own normal form, and does the same to images."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.family import FAMILIES, Shift

DIGITS = (embedded_mnist("test")[0][:3, None] / 255).astype(np.float32)
SPECIAL = (
    "rotate:angle=90",
    "rotate:angle=180",
    "rotate:angle=-15",
    "translate:dx=-2",
    "roll:dx=3,dy=1",
    "scale:factor=1",
    "gamma:exponent=2",
    "rescale:scale=-1,offset=1",
    "offset:amount=-0.2",
)


def _sound(shift: Shift) -> bool:
    """Whether it does the same to all images, and keeps digits one channel of values in [0, 1]."""
    if shift.scope != "shared" or shift.group in ("sample", "colour", "framing") or shift.needs_model:
        return False
    shifted = shift.apply(DIGITS, np.random.default_rng(0))
    return bool(shifted.min() >= 0 and shifted.max() <= 1)


EXAMPLES = [parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if name != "compose"]
REALIZED = [s if s.group == "sample" else s.realize((1, 28, 28), np.random.default_rng(0)) for s in EXAMPLES]
PARTS = [shift for shift in [*REALIZED, *map(parse, SPECIAL)] if _sound(shift)]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
def test_a_normal_form_is_its_own(parts: list[Shift]):
    simplest = in_normal_form(Compose(tuple(parts)))
    assert in_normal_form(simplest) == simplest


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
def test_a_normal_form_does_the_same_to_images(parts: list[Shift]):
    composition = Compose(tuple(parts))
    before, after = (s.apply(DIGITS, np.random.default_rng(0)) for s in (composition, in_normal_form(composition)))
    assert before == pytest.approx(after, abs=1e-4)


def test_there_is_something_to_simplify():
    pairs = [Compose(pair) for pair in product(PARTS, PARTS)]
    assert sum(in_normal_form(pair) != pair for pair in pairs) > 50


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("gamma:exponent=2+threshold:level=0.5", 0.5**0.5),
        ("gain:factor=0.5+threshold:level=0.3", 0.6),
        ("offset:amount=0.1+threshold:level=0.3", 0.2),
        ("gain:factor=2,clip=true+gamma:exponent=0.5+threshold:level=0.5", 0.125),
    ],
)
def test_a_threshold_after_curves_is_a_threshold(text: str, level: float):
    (threshold,) = in_normal_form(parse(text)).components
    assert threshold.family == "threshold"
    assert vars(threshold)["level"] == pytest.approx(level, abs=1e-5)


@pytest.mark.parametrize("text", ["invert+threshold:level=0.3", "gain:factor=0.5+threshold:level=0.6"])
def test_other_shifts_before_a_threshold_stay(text: str):
    assert len(in_normal_form(parse(text)).components) == 2
