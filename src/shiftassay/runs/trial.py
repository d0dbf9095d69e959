"""A trial: everything that determines what a training run ends with."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """Network + recipe + data + seed. Its content hash names it, so that equal trials are trained once.

    `semantics` numbers the meaning of training itself: it is raised with any change that moves the golden trajectories.
    """

    network: str
    parameters: dict[str, Any]
    recipe: dict[str, Any]
    data: str
    data_digest: str
    seed: int
    device: str
    semantics: int

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of the trial as JSON."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What its folder is called: readable in front, unique behind."""
        return f"{self.network}-{self.recipe['name']}-seed{self.seed}-{self.digest[:8]}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Trial":
        return cls(**content)
