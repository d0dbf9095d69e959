"""Records as JSON: what one writes, it reads. Those of studies are drawn from their annotations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

import shiftassay
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


PACKAGE = Path(shiftassay.__file__).parent
# Of these, hypothesis can't draw the fields from their annotations: open JSON, arrays, or fields that belong together.
NOT_DRAWN = {
    "AdversarialEvidence",
    "Attempt",
    "Audit",
    "CandidateSummary",
    "Check",
    "Contrasts",
    "DiagnosedVariant",
    "Diagnosis",
    "Figure",
    "Finding",
    "FrontedCard",
    "HalfOfVariant",
    "Mechanism",
    "ModelCard",
    "OneForAllCard",
    "Pairing",
    "Repair",
    "Report",
    "ShiftSummary",
    "Table",
    "Trial",
    "VariantPage",
    "VariantPages",
    "Verdict",
}


def package_records() -> list[type[Record]]:
    """The records of studies whose fields can be drawn."""
    for path in (PACKAGE / "studies").rglob("*.py"):
        if path.name != "__main__.py":
            import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"))
    own = [record for record in set(_derived(Record)) if record.__module__.startswith("shiftassay.studies.")]
    public = [record for record in own if record.__name__ not in NOT_DRAWN and not record.__name__.startswith("_")]
    return sorted(public, key=lambda record: f"{record.__module__}.{record.__name__}")


def _derived(record: type[Record]) -> Iterator[type[Record]]:
    for child in record.__subclasses__():
        yield child
        yield from _derived(child)


@pytest.mark.parametrize("record", package_records(), ids=lambda record: record.__name__)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_every_record_of_a_study_reads_what_it_writes(record, data):
    content = data.draw(st.from_type(record)).to_json()
    assert record.from_json(content).to_json() == content
