"""Shifts as JSON: every shift comes back as it was, alone, composed, and as a field of a record."""

import json
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.records import Record
from shiftassay.shifts.catalog import ShiftField, from_json, parse, presets
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Shift

EXAMPLES = [parse(f"{name}:{FAMILIES[name].example}") for name in FAMILIES if name != "compose"]
single = st.sampled_from([*EXAMPLES, *presets().values()])
several = st.lists(single, min_size=1, max_size=3)


def composed(parts: list[Shift]) -> Shift:
    return Compose(tuple(parts)) if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Case(Record):
    shift: ShiftField
    others: tuple[ShiftField, ...] = ()


@given(several)
def test_a_shift_comes_back_from_its_json(parts: list[Shift]):
    shift = composed(parts)
    assert from_json(json.loads(json.dumps(shift.to_json()))) == shift
    assert from_json(shift) is shift


@given(several)
def test_a_record_holds_shifts(parts: list[Shift]):
    case = Case(composed(parts), tuple(parts))
    assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_the_parts_of_a_composition_may_be_shifts_or_json():
    parts = [parse("rotate:angle=90"), parse("gain:factor=0.5")]
    written = {"family": "compose", "parameters": {"parts": [parts[0].to_json(), parts[1]]}}
    assert from_json(written) == Compose(tuple(parts))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_what_is_no_shift_is_bad_input(content: object):
    with pytest.raises(BadInput):
        from_json(content)


junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text())


@given(
    single, st.sampled_from(["family", "parameters", "scope"]), junk | st.dictionaries(st.integers() | st.text(), junk)
)
def test_a_wrong_entry_is_bad_input_or_another_shift(shift: Shift, key: str, value: object):
    with suppress(BadInput):
        assert isinstance(from_json({**shift.to_json(), key: value}), Shift)


@given(single, st.data())
def test_a_wrong_parameter_is_bad_input_or_another_shift(shift: Shift, data: st.DataObject):
    parameters = dict(shift.parameters)
    parameters[data.draw(st.sampled_from([*parameters, "other"]))] = data.draw(
        junk | st.fixed_dictionaries({"low": junk, "high": junk}) | st.fixed_dictionaries({"values": junk})
    )
    with suppress(BadInput):
        assert isinstance(from_json({"family": shift.family, "parameters": parameters}), Shift)


def test_a_record_says_where_a_shift_is_wrong():
    with pytest.raises(BadInput, match="others"):
        Case.from_json({"shift": EXAMPLES[0].to_json(), "others": [{"family": "rotat"}]})
