"""What every table of a study file has in common."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

MOST_SEEDS = 10_000  # more is a slip of the finger, and a list without end


class Strict(BaseModel):
    """A table of a study file: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
