"""The one error that is the user's to mend, and the hint that goes with an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches


class BadInput(ValueError):  # noqa: N818
    """Something that was given can't be used: the message says what, where, and what to do about it."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """An error for a name that is in no registry, with the nearest one that is.

    >>> str(unknown_name("network", "mpl", ["mlp", "stn"]))
    "unknown network 'mpl'. Did you mean 'mlp'? Known: mlp, stn."
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return BadInput(f"unknown {kind} {name!r}.{hint} Known: {', '.join(known)}.")
