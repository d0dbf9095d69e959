"""A shift as a person reads it, from what its JSON holds: in full, or its families alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

from shiftassay.records import JsonValue, Record
from shiftassay.shifts.family import FAMILIES
from shiftassay.words.shifts import BRIEF_SCOPES, SCOPES, shift_in_words

ESTIMATED = 4  # significant digits of a number that has no interval


@runtime_checkable
class Described(Protocol):
    """A verdict, a candidate, or whatever else names a family with its parameters; a composition's are its `parts`."""

    @property
    def family(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, JsonValue]: ...

    @property
    def scope(self) -> str | None: ...


@dataclass(frozen=True)
class Part(Record):
    """A shift as JSON describes it: a candidate, or a part of a composition, whatever other keys it has."""

    family: str
    parameters: Mapping[str, JsonValue]
    scope: str | None


def in_words(shift: Described, intervals: Mapping[str, Any] | None = None, brief: bool = False) -> str:
    """The shift with its numbers, their intervals where there are any, and its scope; `brief`: with a short word for the scope.

    >>> rotated = Part("rotate", {"angle": 15.0}, "shared")
    >>> in_words(rotated, {"angle": [14.9, 15.1]})
    'rotate (angle = 15 [14.9, 15.1]), the same for all images'
    >>> drawn = {"mean": 1.2, "sd": 0.2, "low": 0.8, "high": 1.5}
    >>> blurred = Part("gaussian_blur", {"sd": drawn}, "per_image")
    >>> print(in_words(Part("compose", {"parts": [rotated.to_json(), blurred.to_json()]}, None), brief=True))
    rotate (angle = 15), then gaussian_blur (sd = 0.8 … 1.5, mean 1.2, sd 0.2) per image
    """
    scopes, between = (BRIEF_SCOPES, ", then ") if brief else (SCOPES, "; then ")
    parts = _parts(shift)
    ends = (intervals or {}).get("parts") or [intervals or {}]
    ends = ends if len(ends) == len(parts) else [{}] * len(parts)
    return between.join(
        shift_in_words(part.family, _informative(part), scopes[part.scope], end, ESTIMATED)
        for part, end in zip(parts, ends, strict=True)
    )


def in_short(shift: Described, scopes: bool = True) -> str:
    """The families alone, those that are drawn for each image marked so.

    >>> in_short(Part("rotate", {"angle": 15.0}, "per_image"))
    'rotate per image'
    """
    return ", then ".join(part.family + (BRIEF_SCOPES[part.scope] if scopes else "") for part in _parts(shift))


def _parts(shift: Described) -> list[Part]:
    parts: Any = shift.parameters.get("parts")
    if parts is None:
        return [Part(shift.family, shift.parameters, shift.scope)]
    return [Part.from_json(part) for part in parts]


def _informative(part: Part) -> dict[str, JsonValue]:
    """The parameters that are neither the family's defaults nor empty lists."""
    defaults = {f.name: f.default for f in fields(FAMILIES[part.family])} if part.family in FAMILIES else {}
    return {
        name: value
        for name, value in part.parameters.items()
        if value != [] and (name not in defaults or value != defaults[name])
    }
