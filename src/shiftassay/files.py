"""Writing a file all or nothing: whoever reads it, whenever, never sees half of one."""

import os
from contextlib import suppress
from pathlib import Path

from shiftassay.errors import BadInput


def write_whole(path: Path, content: bytes) -> Path:
    """Write beside the path and move into place. Raises `BadInput` where that is not allowed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise BadInput(f"{path}: can't be written ({error.strerror}). Name another place.") from None
    return path
