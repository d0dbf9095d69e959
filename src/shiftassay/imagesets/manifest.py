"""Sets written with a manifest: the SHA-256 of each file, to detect damage."""

from pathlib import Path

from shiftassay.sealed import ADVICE, Damaged, check_file, files_in, read_sealed

MANIFEST = "variants.json"


def check_listed(folder: Path, name: str | None = None) -> None:
    """Raise `Damaged` unless the files that a folder's manifest lists are as they were written.

    With `name`, only that file is checked. Folders without a manifest, and files that it does not list, are the user's
    own and are not checked.
    """
    if not (folder / MANIFEST).is_file():
        return
    for file, digest in files_in(read_sealed(folder / MANIFEST)).items():
        if name in (None, file):
            try:
                check_file(folder / file, digest)
            except Damaged as error:
                advice = f"{ADVICE} If you replaced it on purpose, remove {MANIFEST}."
                raise Damaged(error.path, error.what, advice) from None
