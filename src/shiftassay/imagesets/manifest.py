"""Sets that were written with a manifest beside them: the SHA-256 of each file, so that a damaged one is not used."""

from pathlib import Path

from shiftassay.sealed import ADVICE, FILES, Damaged, check_file, read_sealed

MANIFEST = "variants.json"


def check_listed(folder: Path, name: str | None = None) -> None:
    """Raise `Damaged` unless each file that a folder's manifest lists, or the one of that name, is as it was written.

    Folders without a manifest, and files that it does not list, are the user's own and are not checked.
    """
    if not (folder / MANIFEST).is_file():
        return
    for file, digest in read_sealed(folder / MANIFEST).get(FILES, {}).items():
        if name in (None, file):
            try:
                check_file(folder / file, digest)
            except Damaged as error:
                advice = f"{ADVICE} If you replaced it on purpose, remove {MANIFEST}."
                raise Damaged(error.path, error.what, advice) from None
