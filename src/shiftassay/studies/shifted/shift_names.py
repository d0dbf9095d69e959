"""The families of a verdict, or of a candidate, by name."""

from shiftassay.diagnosis.summary import Summary, parts_of

SCOPES = {"shared": "", "per_image": " (drawn afresh for each image)", None: ""}


def name_of(summary: Summary, *, scopes: bool = True) -> str:
    """The family of a shift, or those of its parts, each with its scope where that is not shared."""
    return ", then ".join(part.family + (SCOPES[part.scope] if scopes else "") for part in parts_of(summary))
