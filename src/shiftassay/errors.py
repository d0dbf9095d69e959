"""Errors that the user can correct, with a hint for unknown names."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from shiftassay.words.text import printable, shortened

LONGEST = 2000  # bytes of a message: it may hold what came from a file


class BadInput(ValueError):  # noqa: N818  # named for what is wrong
    r"""An input that can't be used: the message says what, where, and what to do about it.

    It is one line, at most `LONGEST` bytes long, and can be shown as it is, whatever it quotes.

    >>> print(BadInput("a\x1b[2Jb.npy: no such file."))
    a\x1b[2Jb.npy: no such file.
    """

    def __init__(self, message: str = ""):
        super().__init__(shortened(printable(message), LONGEST))


class NotDone(RuntimeError):  # noqa: N818  # named for what is wrong
    """A request that could not be met, though it was valid: the message says why."""


def unknown_name(
    kind: str, name: str, known: Iterable[str], other_words: Mapping[str, str] = MappingProxyType({})
) -> BadInput:
    """An error for a name that is in no registry, with the nearest one that is.

    `other_words` for what is known lead to its name too.

    >>> str(unknown_name("network", "mpl", ["mlp", "stn"]))
    "unknown network 'mpl'. Did you mean 'mlp'?"
    >>> str(unknown_name("network", "resnet", ["mlp", "stn"]))
    "unknown network 'resnet'. Known: mlp, stn."
    >>> str(unknown_name("family", "brightness", ["gain", "gamma"], {"brightness": "gain"}))
    "unknown family 'brightness'. Did you mean 'gain'?"
    """
    known = sorted(known)
    near = get_close_matches(name[:LONGEST], [*known, *other_words], n=1, cutoff=0.5)
    hint = f"Did you mean {other_words.get(near[0], near[0])!r}?" if near else f"Known: {', '.join(known)}."
    return BadInput(f"unknown {kind} {shortened(name, LONGEST // 2)!r}. {hint}")


def missing_file(path: Path) -> BadInput:
    """An error for a file or folder that does not exist, with the nearest name beside it.

    >>> str(missing_file(Path("mnits:test")))
    'mnits:test: no such file or folder, and no such data set.'
    """
    try:
        beside = [other.name for other in path.parent.iterdir()]
    except OSError:
        beside = []
    near = get_close_matches(path.name[:LONGEST], beside, n=1, cutoff=0.7)
    data_set = ", and no such data set" if ":" in path.name else ""
    hint = f" Did you mean {path.parent / near[0]}?" if near else ""
    return BadInput(f"{path}: no such file or folder{data_set}.{hint}")
