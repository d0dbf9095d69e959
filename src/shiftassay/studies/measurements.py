"""What a study has measured, kept in its folder: nothing is measured twice, and nothing damaged is used."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shiftassay.files import reserve
from shiftassay.paths import inside
from shiftassay.runs.store import Damaged, Mended, write_arrays
from shiftassay.sealed import FILES, check_file, file_digest, read_sealed, write_sealed

FOLDER = "measured"
ROOM = 64_000_000  # bytes, kept free while something is measured: more than any measurement takes


@dataclass(frozen=True, eq=False)
class Measurements:
    """The measurements in a study's folder: `measured/<name>.json`, and files of arrays beside that folder that belong to them."""

    folder: Path
    _kept: list[str] = field(default_factory=list)

    def keep(self, name: str, arrays: Mapping[str, np.ndarray]) -> str:
        """Keep arrays for a figure, as part of what is being measured; returns the name that the figure's data has for them."""
        write_arrays(inside(self.folder, name), arrays)
        self._kept.append(name)
        return name

    def once(self, name: str, asked: Any, measure: Callable[[], Any]) -> Any:
        """What `measure` returns, as JSON; what it returned before if the same was asked, and all of it is whole."""
        key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        path = inside(self.folder / FOLDER, f"{name}.json")
        if (known := self._known(path, key)) is not None:
            return known["measured"]
        self._kept.clear()
        with reserve(self.folder, ROOM):
            measured = json.loads(json.dumps(measure(), default=_plain))
        files = {kept: file_digest(self.folder / kept) for kept in self._kept}
        write_sealed(path, {"key": key, FILES: files, "measured": measured})
        return read_sealed(path)["measured"]

    def _known(self, path: Path, key: str) -> dict[str, Any] | None:
        if not path.is_file():
            return None
        try:
            known = read_sealed(path)
            if known["key"] != key:
                return None
            for file, digest in known[FILES].items():
                check_file(self.folder / file, digest)
        except Damaged as error:
            warnings.warn(error.and_so("It is measured again"), Mended, stacklevel=3)
            return None
        return known


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")
