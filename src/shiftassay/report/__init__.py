"""Reports: findings, figures, HTML and Markdown."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def _own_folder() -> str | None:
    """A folder for Matplotlib's fonts that nobody else can write to; None if there can't be one."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir(), f"shiftassay-matplotlib-{user}")
    with suppress(OSError):
        with suppress(FileExistsError):
            folder.mkdir(0o700)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o022:
            return str(folder)
    return None


# Before Matplotlib is loaded: HOME may be empty or read-only.
if "MPLCONFIGDIR" not in os.environ and (_fonts := _own_folder()) is not None:
    os.environ["MPLCONFIGDIR"] = _fonts
