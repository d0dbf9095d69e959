"""Records as JSON: what one writes, it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from shiftassay.errors import BadInput
from shiftassay.records import Record, not_kept


@dataclass(frozen=True)
class Ablation(Record):
    """A record with each kind of field that records have."""

    whole: Annotated[tuple[float, ...], Field(alias="with")]
    by_layer: Mapping[str, float]
    note: str | None = None
    parts: tuple["Ablation", ...] = ()
    model: Any = not_kept()


def records():
    numbers = st.floats(allow_nan=False)
    plain = st.builds(
        Ablation,
        st.lists(numbers).map(tuple),
        st.dictionaries(st.text(), numbers),
        st.none() | st.text(),
    )
    return st.builds(Ablation, st.lists(numbers).map(tuple), st.just({}), parts=st.lists(plain, max_size=2).map(tuple))


@given(records())
def test_a_record_reads_what_it_writes(record):
    assert Ablation.from_json(record.to_json()) == record


def test_a_field_with_an_alias_has_that_key():
    assert Ablation((0.5,), {}).to_json() == {"with": [0.5], "by_layer": {}, "note": None, "parts": []}


def test_what_does_not_fit_is_named():
    with pytest.raises(BadInput, match=r"with\.1"):
        Ablation.from_json({"with": [0.5, "half"], "by_layer": {}})
