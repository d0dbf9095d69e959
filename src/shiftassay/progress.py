"""How far a long computation has come, told to whoever wants to know.

The library knows no terminal: it calls a `Watch`, and what is shown of that, and where, is decided by who passes one.
"""

from collections.abc import Callable

Watch = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is through, and of how much: 0 of 0 where that is not known."""


def unwatched(what: str, done: int, total: int) -> None:
    """A `Watch` for a computation whose progress nobody wants to know."""
