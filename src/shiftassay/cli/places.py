"""Places for results, checked before the work.

No command finds at its end that it can't keep its results. Room for them is reserved meanwhile, and given back when
they are written.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shiftassay.errors import BadInput
from shiftassay.files import reserve

MB = 1_000_000  # bytes
JSON_ROOM = 4 * MB  # all probabilities of 20,000 images
PAGE_ROOM = 16 * MB  # a page with its pictures takes 1 to 3

STDOUT = Path("-")

_kept: dict[Path, ExitStack] = {}


def kept(size: int) -> Callable[[Path | None], Path | None]:
    """An option's callback that reserves `size` bytes for its file.

    Raises `BadInput` if the file can't be written.
    """

    def keep(path: Path | None) -> Path | None:
        if path is not None:
            release(path)
            stack = ExitStack()
            stack.enter_context(room(path, size))
            _kept[path] = stack
        return path

    return keep


def release(path: Path) -> Path:
    """Give back the room that is kept for a file, which is written next."""
    if path in _kept:
        _kept.pop(path).close()
    return path


def release_all() -> None:
    for path in list(_kept):
        release(path)


@contextmanager
def room(path: Path, size: int, folder: bool = False) -> Iterator[None]:
    """Keep `size` bytes for a file, or with `folder` for files in one, until this context ends.

    Nothing is made: a folder that is missing is looked for above. Raises `BadInput` for a place where nothing can be
    written.
    """
    try:
        above = _existing(path, folder)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        if isinstance(error, BadInput):
            raise
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise BadInput(f"{path}: can't be written ({reason}). Name another place.") from None
    with reserve(above, size):
        yield


@contextmanager
def saved(save: Callable[[], object]) -> Iterator[None]:
    """Save a result, then report it, in this context.

    Where one of them fails, the other is done all the same.
    """
    failed: BadInput | None = None
    try:
        save()
    except BadInput as error:
        failed = error
    yield
    if failed is not None:
        raise failed


def _existing(path: Path, folder: bool) -> Path:
    """The existing folder in or below which that file or folder would be made."""
    if folder and path.exists() and not path.is_dir():
        raise BadInput(f"{path}: is a file, and a folder is needed. Name another place.")
    if not folder and path.is_dir():
        raise BadInput(f"{path}: is a folder, and a file is needed. Name a file in it.")
    if not folder and path.exists() and not path.is_file():
        raise BadInput(f"{path}: is a device or a pipe, and a file is needed. Name another place.")
    above = path if folder else path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise BadInput(f"{path}: can't be written, since {above} is a file. Name another place.")
    return above
