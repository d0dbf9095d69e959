"""Stored results whose damage is detected: JSON with its own SHA-256 and that of its files.

A file that lists others is written after them. So what it lists was whole once, and whatever reads one of them can
tell whether it still is. SHA-256 here guards against damage; it is no signature, and whoever can write a file can
write its hash.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.records import JsonObject, JsonValue

SEAL = "sha256"
FILES = "files"
LARGEST = 2**28  # bytes of JSON: ours are far below, and parsing takes many times as much memory
ADVICE = "The command that made it makes it again."


class Damaged(BadInput):
    """A stored file is not what was written: which, what is wrong with it, and what to do."""

    def __init__(self, path: Path, what: str, advice: str = ADVICE):
        super().__init__(f"{path}: {what}. {advice}")
        self.path, self.what = path, what

    def and_so(self, consequence: str) -> str:
        """The damage, and what is done about it here."""
        return f"{self.path}: {self.what}. {consequence}."


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON, atomically.

    NaN and infinity, which JSON lacks, become null.
    """
    write_whole(path, json_text(content).encode(errors="backslashreplace"))


def json_text(content: Any) -> str:
    """Indented JSON, with null for NaN and infinity.

    File names that are no UTF-8 hold surrogates, to be encoded with "backslashreplace", as JSON escapes them.
    """
    return json.dumps(finite(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read JSON; `BadInput` if it is none."""
    try:
        size = path.stat().st_size
        if size <= LARGEST:
            return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise Damaged(path, "missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(path, f"not readable as JSON ({str(error)[:200]})") from None
    raise Damaged(path, f"{size / 1e6:,.0f} MB, which is no file of ours")


def write_sealed(path: Path, content: Mapping[str, JsonValue]) -> None:
    """Write JSON with the SHA-256 of everything else in it."""
    plain = json.loads(json.dumps(finite(content)))
    write_json(path, {**plain, SEAL: _seal(plain)})


def read_sealed(path: Path) -> JsonObject:
    """What `write_sealed` was given. Raises `Damaged` for anything else.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     card = Path(folder, "card.json")
    ...     write_sealed(card, {"accuracy": 0.97})
    ...     print(read_sealed(card))
    ...     _ = card.write_text(card.read_text().replace("0.97", "0.99"))
    ...     try:
    ...         read_sealed(card)
    ...     except Damaged as error:
    ...         print("damaged" in str(error))
    {'accuracy': 0.97}
    True
    """
    content = read_json(path)
    if not isinstance(content, dict) or SEAL not in content:
        raise Damaged(path, "damaged, or older than checksums: it does not carry its SHA-256")
    seal = content.pop(SEAL)
    if seal != _seal(content):
        raise Damaged(path, "damaged: its content is not that of its SHA-256")
    return content


def files_in(content: JsonObject) -> dict[str, str]:
    """The SHA-256 of each file that a sealed result lists, by name; empty if it lists none."""
    files = content.get(FILES)
    return {name: str(digest) for name, digest in files.items()} if isinstance(files, dict) else {}


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits. Raises `Damaged` if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise Damaged(path, "missing") from None
    except OSError as error:
        raise Damaged(path, f"can't be read ({error.strerror})") from None


def check_file(path: Path, digest: str) -> None:
    """Raise `Damaged` unless a file is there and has this SHA-256."""
    if file_digest(path) != digest:
        raise Damaged(path, "damaged, or replaced: its SHA-256 is not the one that was noted")


def digest_of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _seal(content: Mapping[str, JsonValue]) -> str:
    return digest_of_bytes(json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def finite(content: Any) -> Any:
    """JSON without NaN and infinity: null in their place.

    >>> finite({"loss": [0.5, float("nan")]})
    {'loss': [0.5, None]}
    """
    if isinstance(content, Mapping):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
