"""A study's folder: one command at a time works in it, and a manifest lists its files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shiftassay.files import sweep
from shiftassay.locks import LOCK, locked
from shiftassay.report.write import FIGURES, HTML, MARKDOWN, TABLES, write_report
from shiftassay.sealed import FILES, file_digest, files_in, read_sealed, write_sealed

MANIFEST = "manifest.json"
SCHEMA = "shiftassay.manifest/1"


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Hold the folder while a study is run into it, then write its manifest.

    The manifest has the SHA-256 of every file.
    """
    with locked(folder):
        _sweep(folder)
        yield
        _write_manifest(folder)


def write_report_again(folder: Path, show_images: bool = True) -> Path:
    """Build a study's report again from its stored results.

    Without `show_images`, no image of its sets is shown. Returns the path of the page. Raises `BadInput`.
    """
    if not (folder / MANIFEST).is_file():
        return write_report(folder, show_images=show_images)
    with locked(folder):
        _sweep(folder)
        digests = files_in(read_sealed(folder / MANIFEST))
        path = write_report(folder, show_images=show_images)
        # Of everything but the report, the manifest keeps what it was when the study was done.
        rewritten = (HTML, MARKDOWN, *(name for name in digests if name.startswith((f"{FIGURES}/", f"{TABLES}/"))))
        _write_manifest(folder, {name: digest for name, digest in digests.items() if name not in rewritten})
    return path


def _sweep(folder: Path) -> None:
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sweep(place, older_than=0)


def _write_manifest(folder: Path, stored: Mapping[str, str] | None = None) -> None:
    """Write the SHA-256 of every file in the folder into its manifest.

    It is the stored one, or else the one that the file has now.
    """
    stored = stored or {}
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOCK and path != folder / MANIFEST
    )
    files = {name: stored.get(name) or file_digest(folder / name) for name in names}
    write_sealed(folder / MANIFEST, {"schema": SCHEMA, FILES: {**stored, **files}})
