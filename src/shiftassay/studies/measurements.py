"""What a study has measured, kept in its folder.

Nothing is measured twice, and nothing damaged is used.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.files import reserve
from shiftassay.paths import inside
from shiftassay.records import JsonObject, JsonValue, Record
from shiftassay.runs.store import Damaged, Mended, write_arrays
from shiftassay.sealed import FILES, check_file, file_digest, files_in, read_sealed, write_sealed

FOLDER = "measured"
ROOM = 64_000_000  # bytes, kept free while something is measured: more than any measurement takes
AGAIN = "It is measured again"

AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True, eq=False)
class Measurements:
    """The measurements in a study's folder.

    They are in `measured/<name>.json`, beside the arrays that belong to them.
    """

    folder: Path
    _kept: list[str] = field(default_factory=list)

    def keep(self, name: str, arrays: Mapping[str, np.ndarray]) -> str:
        """Keep arrays for a figure, as part of what is being measured.

        Returns `name`, for the figure's data.
        """
        write_arrays(inside(self.folder, name), arrays)
        self._kept.append(name)
        return name

    def once(self, name: str, record: type[AnyRecord], asked: JsonValue, measure: Callable[[], AnyRecord]) -> AnyRecord:
        """What `measure` returns, measured now or read.

        It is read if the same was `asked` before and all of it is whole. `asked` is everything that the numbers depend
        on. What was measured now is read back from the file, so that it does not differ from what is read later.
        """
        path, key = self._place(name, asked)
        stored = self._stored(path, key)
        if stored is not None:
            try:
                return record.from_json(stored)
            except BadInput as error:
                warnings.warn(f"{path}: not a measurement of this version ({error}) {AGAIN}.", Mended, stacklevel=2)
        return record.from_json(self._measured(path, key, measure))

    def _place(self, name: str, asked: JsonValue) -> tuple[Path, str]:
        """The file of a measurement, and the hash of what was asked."""
        key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        return inside(self.folder / FOLDER, f"{name}.json"), key

    def _measured(self, path: Path, key: str, measure: Callable[[], Record]) -> JsonValue:
        self._kept.clear()
        with reserve(self.folder, ROOM):
            content = measure().to_json()
        files: JsonObject = {kept: file_digest(self.folder / kept) for kept in self._kept}
        write_sealed(path, {"key": key, FILES: files, "measured": content})
        return read_sealed(path)["measured"]

    def _stored(self, path: Path, key: str) -> JsonValue | None:
        if not path.is_file():
            return None
        try:
            stored = read_sealed(path)
            if stored["key"] != key:
                return None
            for file, digest in files_in(stored).items():
                check_file(self.folder / file, digest)
        except Damaged as error:
            warnings.warn(error.and_so(AGAIN), Mended, stacklevel=4)
            return None
        return stored["measured"]
