"""The families of a verdict, or of a candidate, by name."""

from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict

SCOPES = {"shared": "", "per_image": " (drawn afresh for each image)", None: ""}


def name_of(summary: Verdict | CandidateSummary, *, scopes: bool = True) -> str:
    """The family of a shift, or those of its parts, each with its scope where that is not shared."""
    return ", then ".join(part.family + (SCOPES[part.scope] if scopes else "") for part in summary.parts)
