"""The verdict of a diagnosis: which shift, with what parameters, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import model_validator

from shiftassay.diagnosis.evidence import Evidence
from shiftassay.diagnosis.summary import ShiftSummary
from shiftassay.diagnosis.wording import confidence_in_words, verdict_in_words
from shiftassay.records import JsonObject, Record
from shiftassay.shifts.catalog import ShiftField
from shiftassay.shifts.family import Information, Scope
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.wording import in_short
from shiftassay.words.html import paragraphs
from shiftassay.words.text import shortened

UNKNOWN = "unknown"
ORDER = (
    "family",
    "parameters",
    "intervals",
    "level",
    "scope",
    "share",
    "touched",
    "information",
    "confidence",
    "equivalent",
    "evidence",
    "shift",
)


@dataclass(frozen=True, eq=False)
class Verdict(Record):
    """The shift, or None for `unknown`.

    `parameters` are the shift's for a reader, as in `ShiftSummary`; `intervals` hold low and high of a shared shift's
    numbers at `level`. `share` of the images changed; `touched` are those, if not all did: their file names, or their
    places in the shifted set. `confidence` is the probability that family and scope are right.
    `equivalent` names the families that fit as well; `evidence` is what the confidence follows from.
    """

    shift: ShiftField | None
    parameters: Parameters
    intervals: Parameters
    share: float
    confidence: float
    equivalent: tuple[str, ...] = ()
    level: float = 0.95
    evidence: Evidence | None = None
    touched: tuple[int | str, ...] | None = None
    derived = ("family", "scope", "information")

    @property
    def family(self) -> str:
        return self.shift.family if self.shift else UNKNOWN

    @property
    def scope(self) -> Scope | None:
        return self.shift.to_json()["scope"] if self.shift else None

    @property
    def information(self) -> Information | None:
        return self.shift.information if self.shift else None

    @property
    def parts(self) -> tuple[ShiftSummary, ...]:
        """The parts of a composition in order; the shift itself if it is none."""
        return ShiftSummary(self.family, self.parameters, self.scope).parts

    def __str__(self) -> str:
        return verdict_in_words(None if self.shift is None else self, self.intervals, self.share, self.confidence)

    def __repr__(self) -> str:
        return shortened(f"<Verdict: {in_short(self)}; confidence {confidence_in_words(self.confidence)}>", 160)

    def _repr_html_(self) -> str:
        return paragraphs(str(self))

    def to_json(self) -> JsonObject:
        """What it is for a reader, and the shift as `catalog.from_json` reads it."""
        content = super().to_json()
        return {name: content[name] for name in ORDER if name != "touched" or self.touched is not None}

    @model_validator(mode="before")
    @classmethod
    def _with_shift(cls, content: Any) -> Any:
        """JSON that was written without the shift: it is rebuilt from what is told of it."""
        if not isinstance(content, Mapping) or "shift" in content or "family" not in content:
            return content
        unknown = content["family"] == UNKNOWN
        return {**content, "shift": None if unknown else ShiftSummary.from_json(content).shift}
