"""A study's folder: one command at a time works in it, and in the end a manifest says what every file in it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shiftassay.files import sweep
from shiftassay.locks import LOCK, locked
from shiftassay.sealed import FILES, file_digest, write_sealed

MANIFEST = "manifest.json"
SCHEMA = "shiftassay.manifest/1"


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Hold the folder while a study is run into it; when that is done, write the SHA-256 of every file into its manifest."""
    with locked(folder):
        sweep(folder, older_than=0)
        yield
        names = sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.name != LOCK and path != folder / MANIFEST
        )
        write_sealed(folder / MANIFEST, {"schema": SCHEMA, FILES: {name: file_digest(folder / name) for name in names}})
