"""Properties of every registered family, for parameters near those of its example and for any images."""

import dataclasses

import numpy as np
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from jaxtyping import Float32

from shiftassay.errors import BadInput
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Shift

SIDE = 28  # pixels: every family's example can be applied to such pictures
EXAMPLES = {name: parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if name != "compose"}
SHARED = [
    name
    for name, shift in EXAMPLES.items()
    if shift.scope == "shared" and shift.group != "sample" and not shift.needs_model
]
# A crop's box fits no picture that another part has made smaller.
GRAY = [name for name in SHARED if EXAMPLES[name].group not in ("colour", "framing")]


@st.composite
def pictures(draw: st.DrawFn, channels: int) -> Float32[np.ndarray, "n c h w"]:
    """A few images of noise: fine greys, bytes, or black and white."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    images = rng.random((draw(st.integers(2, 4)), channels, SIDE, SIDE)) ** draw(st.sampled_from([0.3, 1, 4]))
    steps = draw(st.sampled_from([None, 1, 255]))
    return (images if steps is None else np.rint(images * steps) / steps).astype(np.float32)


near_one = st.floats(0.1, 1.5) | st.floats(-1.5, -0.1)


def some_shift(data: st.DataObject, names: list[str] = SHARED) -> Shift:
    """The example of one of the families with other numbers; whatever all images share is fixed."""
    example = EXAMPLES[data.draw(st.sampled_from(names))]
    values = {name: value for name, value in vars(example).items() if isinstance(value, float)}
    try:
        shift = dataclasses.replace(example, **{name: value * data.draw(near_one) for name, value in values.items()})
    except BadInput:
        reject()
    return shift.realize((channels_of(shift), SIDE, SIDE), np.random.default_rng(data.draw(st.integers(0, 100))))


def channels_of(shift: Shift) -> int:
    return 3 if shift.group == "colour" else 1


def applied(shift: Shift, images: np.ndarray) -> np.ndarray:
    return shift.apply(images, np.random.default_rng(0))


@given(st.data())
def test_undo_is_the_inverse_where_information_is_preserved(data: st.DataObject):
    shift = some_shift(data)
    assume(shift.information == "preserved")
    images = data.draw(pictures(channels_of(shift)))
    undone = shift.undo(applied(shift, images), np.random.default_rng(0))
    assert undone is not None
    assert np.abs(undone - images).max() < 1e-4


@given(st.data())
def test_a_shared_shift_treats_each_image_alike_whatever_the_others_are(data: st.DataObject):
    shift = some_shift(data)
    images = data.draw(pictures(channels_of(shift)))
    together, alone = applied(shift, images), np.concatenate([applied(shift, image[None]) for image in images])
    # A value at the border between two levels may fall to either side by rounding.
    assert np.mean(np.abs(together - alone) > 1e-5) < 1e-3


@given(st.data())
def test_a_normal_form_is_its_own_and_means_the_same(data: st.DataObject):
    shift = some_shift(data)
    simple = shift.normal_form()
    assert simple.normal_form() == simple
    assert simple.degrees_of_freedom <= shift.degrees_of_freedom
    images = data.draw(pictures(channels_of(shift)))
    before, after = applied(shift, images), applied(simple, images)
    # Normal forms round numbers: a move by 0.02 pixels, a factor by 0.2%.
    assert np.abs(after - before).max() <= 0.02 * max(np.abs(before).max(), 1)


@given(st.data())
def test_a_composition_in_normal_form_means_the_same(data: st.DataObject):
    parts = [some_shift(data, GRAY) for _ in range(data.draw(st.integers(2, 3)))]
    shift = Compose(tuple(parts))
    simple = shift.normal_form()
    assert len(simple.components) <= len(parts)
    images = data.draw(pictures(1))
    before, after = applied(shift, images), applied(simple, images)
    assert np.mean(np.abs(after - before) > 0.1 * max(np.abs(before).max(), 1)) < 0.01
