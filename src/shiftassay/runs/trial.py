"""A trial: everything that determines the result of a training run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from shiftassay.records import JsonValue, Record
from shiftassay.runs.recipe import Recipe


@dataclass(frozen=True)
class Trial(Record):
    """Network + recipe + data + seed.

    Its content hash names it, so that equal trials are trained once. `semantics` is the version of training itself:
    raise it with any change that moves the golden trajectories.
    """

    network: str
    parameters: Mapping[str, JsonValue]
    recipe: Recipe
    data: str
    data_digest: str
    seed: int
    device: str
    semantics: int

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of the trial as JSON."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The name of its folder: a readable part, then a unique one."""
        return f"{self.network}-{self.recipe.name}-seed{self.seed}-{self.digest[:8]}"
