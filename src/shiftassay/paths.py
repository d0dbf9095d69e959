"""Names from a file or a command line, as names of files within the folder meant for them."""

from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.words.text import is_printable

LONGEST_NAME = 200  # bytes: file systems take 255, and a suffix or a temporary name is added
LONGEST_VARIANT = 60  # bytes: the names of two of them are one file's
# What some file systems take for a device, whatever its suffix.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def page_path(path: Path) -> Path:
    """The path of a page, which is HTML.

    Raises `BadInput` for the name of anything else.

    >>> page_path(Path("x.pdf"))
    Traceback (most recent call last):
        ...
    shiftassay.errors.BadInput: x.pdf: a report is an HTML page. Name it x.html; a browser prints it as PDF.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise BadInput(f"{path}: a report is an HTML page. Name it {path.stem}.html; a browser prints it as PDF.")
    return path


def inside(folder: Path, name: str) -> Path:
    """The path of the file of that name in the folder.

    Raises `BadInput` for an invalid name, or one that leads elsewhere.

    >>> inside(Path("out"), "t1.npy").as_posix()
    'out/t1.npy'
    >>> inside(Path("out"), "../t1.npy")
    Traceback (most recent call last):
        ...
    shiftassay.errors.BadInput: '../t1.npy' is no name for a file in out: a name has no '/'. Rename it.
    """
    why = not_a_name(name)
    if why:
        raise BadInput(f"{name!r} is no name for a file in {folder}: {why}. Rename it.")
    return folder / name


def not_a_name(name: object, longest: int = LONGEST_NAME) -> str | None:
    r"""Why that can't be the name of a file in a folder; None if it can.

    >>> not_a_name("t1"), not_a_name(".."), not_a_name("a\0")
    (None, 'a name does not begin with a dot', 'a name has no control characters, and is Unicode')
    """
    if not isinstance(name, str) or not name.strip():
        return "a name is text, and not empty"
    if not is_printable(name):
        return "a name has no control characters, and is Unicode"
    for separator in "/\\":
        if separator in name:
            return f"a name has no {separator!r}"
    if name.startswith("."):
        return "a name does not begin with a dot"
    if name != name.strip() or name.endswith("."):
        return "a name does not begin or end with a space, nor end with a dot"
    if len(name.encode()) > longest:
        return f"a name has at most {longest} bytes"
    if name.partition(".")[0].strip().lower() in _RESERVED:
        return "some file systems keep that name for a device"
    return None
