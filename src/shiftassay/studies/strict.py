"""What every table of a study file has in common."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

MOST_SEEDS = 10_000  # more is a slip of the finger, and a list without end


class Strict(BaseModel):
    """A table of a study file: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SPELLINGS = {"optimiser": "optimizer", "optimisers": "optimizers"}
"""Keys of study files that may be spelled either way, and how they are called here."""


def respelled(content: Any) -> Any:
    """What a study file says, with the keys of either spelling under one.

    >>> respelled({"suggestions": {"optimisers": {"fast": {"optimiser": "sgd"}}}})
    {'suggestions': {'optimizers': {'fast': {'optimizer': 'sgd'}}}}
    """
    return _renamed(content, SPELLINGS)


def as_stored(content: Any) -> Any:
    """The inverse of `respelled`: how settings were spelled in what is stored beside their results."""
    return _renamed(content, {new: old for old, new in SPELLINGS.items()})


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {names.get(key, key): _renamed(value, names) for key, value in content.items()}
    return [_renamed(value, names) for value in content] if isinstance(content, list) else content


def merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`content` with `changes`, table by table.

    >>> merged({"seeds": 5, "robustness": {"images": 10, "shifts": []}}, {"robustness": {"images": 1}})
    {'seeds': 5, 'robustness': {'images': 1, 'shifts': []}}
    """
    tables = {
        key: merged(content[key], value)
        for key, value in changes.items()
        if isinstance(value, Mapping) and isinstance(content.get(key), Mapping)
    }
    return {**content, **changes, **tables}
