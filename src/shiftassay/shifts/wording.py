"""A shift as a person reads it, from what its JSON holds: in full, or its families alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from shiftassay.records import JsonValue, Record
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.parameters import Parameters
from shiftassay.words.shifts import BRIEF_SCOPES, SCOPES, shift_in_words

ESTIMATED = 4  # significant digits of a number that has no interval


@runtime_checkable
class Described(Protocol):
    """Anything that names a family with its parameters, such as a verdict or a candidate.

    A composition's parameters are its `parts`.
    """

    @property
    def family(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, JsonValue]: ...

    @property
    def scope(self) -> str | None: ...


def in_words(shift: Described, intervals: Parameters | None = None, brief: bool = False) -> str:
    """The shift with its numbers, their intervals where there are any, and its scope.

    `brief`: with a short word for the scope.

    >>> from types import SimpleNamespace
    >>> rotated = {"family": "rotate", "parameters": {"angle": 15.0}, "scope": "shared"}
    >>> in_words(SimpleNamespace(**rotated), {"angle": [14.9, 15.1]})
    'rotate (angle = 15 [14.9, 15.1]), the same for all images'
    >>> drawn = {"mean": 1.2, "sd": 0.2, "low": 0.8, "high": 1.5}
    >>> blurred = {"family": "gaussian_blur", "parameters": {"sd": drawn}, "scope": "per_image"}
    >>> both = SimpleNamespace(family="compose", parameters={"parts": [rotated, blurred]}, scope=None)
    >>> print(in_words(both, brief=True))
    rotate (angle = 15), then gaussian_blur (sd = 0.8 … 1.5, mean 1.2, sd 0.2) per image
    """
    scopes, between = (BRIEF_SCOPES, ", then ") if brief else (SCOPES, "; then ")
    parts = _parts(shift)
    ends = (intervals or {}).get("parts") or [intervals or {}]
    ends = ends if len(ends) == len(parts) else [{}] * len(parts)
    return between.join(
        shift_in_words(part.family, _informative(part), scopes[part.scope], end, ESTIMATED, _known_as(part))
        for part, end in zip(parts, ends, strict=True)
    )


def in_short(shift: Described, scopes: bool = True) -> str:
    """The families alone, those that are drawn for each image marked so.

    >>> from types import SimpleNamespace
    >>> in_short(SimpleNamespace(family="rotate", parameters={"angle": 15.0}, scope="per_image"))
    'rotate per image'
    """
    return ", then ".join(part.family + (BRIEF_SCOPES[part.scope] if scopes else "") for part in _parts(shift))


def as_known(shift: Described, scopes: bool = True) -> str:
    """The families as words, and what is known under their parameters.

    >>> from types import SimpleNamespace
    >>> as_known(SimpleNamespace(family="channel_order", parameters={"order": [2, 1, 0]}, scope="shared"))
    'channel order (BGR for RGB)'
    """
    names = []
    for part in _parts(shift):
        known, scope = _known_as(part), BRIEF_SCOPES[part.scope] if scopes else ""
        names.append(part.family.replace("_", " ") + (f" ({known})" if known else "") + scope)
    return ", then ".join(names)


@dataclass(frozen=True)
class _Part(Record):
    """One shift, or a part of a composition."""

    family: str
    parameters: Mapping[str, JsonValue]
    scope: str | None


def _parts(shift: Described) -> list[_Part]:
    parts: Any = shift.parameters.get("parts")
    if parts is None:
        return [_Part(shift.family, shift.parameters, shift.scope)]
    return [_Part.from_json(part) for part in parts]


def _known_as(part: _Part) -> str | None:
    """What is known under these parameters, as the family says."""
    return FAMILIES[part.family].known_as(part.parameters) if part.family in FAMILIES else None


def _informative(part: _Part) -> dict[str, JsonValue]:
    """The parameters that are neither the family's defaults nor empty lists."""
    defaults = FAMILIES[part.family].defaults() if part.family in FAMILIES else {}
    return {
        name: value
        for name, value in part.parameters.items()
        if value != [] and (name not in defaults or value != defaults[name])
    }
