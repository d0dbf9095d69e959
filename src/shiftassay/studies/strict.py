"""What every table of a study file has in common."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from shiftassay.records import JsonObject, JsonValue

MOST_SEEDS = 10_000  # more is a slip of the finger, and a list without end


class Strict(BaseModel):
    """A table of a study file: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SPELLINGS = {"optimiser": "optimizer", "optimisers": "optimizers"}
"""Keys of study files that may be spelled either way, and how they are called here."""


def respelled(content: JsonObject) -> JsonObject:
    """What a study file says, with the keys of either spelling under one.

    >>> respelled({"suggestions": {"optimisers": {"fast": {"optimiser": "sgd"}}}})
    {'suggestions': {'optimizers': {'fast': {'optimizer': 'sgd'}}}}
    """
    return _renamed_keys(content, SPELLINGS)


def as_stored(settings: JsonObject) -> JsonObject:
    """The inverse of `respelled`: settings in the spelling that is stored with results."""
    return _renamed_keys(settings, {new: old for old, new in SPELLINGS.items()})


def _renamed_keys(table: JsonObject, names: Mapping[str, str]) -> JsonObject:
    return {names.get(key, key): _renamed(value, names) for key, value in table.items()}


def _renamed(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    if isinstance(value, dict):
        return _renamed_keys(value, names)
    return [_renamed(entry, names) for entry in value] if isinstance(value, list) else value


def merged(content: JsonObject, changes: JsonObject) -> JsonObject:
    """`content` with `changes`, table by table.

    >>> merged({"seeds": 5, "robustness": {"images": 10, "shifts": []}}, {"robustness": {"images": 1}})
    {'seeds': 5, 'robustness': {'images': 1, 'shifts': []}}
    """
    tables = {
        key: merged(table, value)
        for key, value in changes.items()
        if isinstance(value, dict) and isinstance(table := content.get(key), dict)
    }
    return {**content, **changes, **tables}
