"""What a command says, whatever the names hold that it speaks of."""

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from shiftassay.errors import LONGEST
from shiftassay.words.text import printable, shortened

if TYPE_CHECKING:
    from rich.console import Console


class Unsaid(Exception):  # noqa: N818  # the reader has gone, no error
    """Nobody takes what a command says: a full disk, or a pipe that was closed."""


def say(text: object, *, error: bool = False) -> None:
    """One text and a newline, on stdout or stderr. Raises `Unsaid` where stdout does not take it.

    On stderr are messages, of at most `LONGEST` bytes.
    """
    shown = printable(str(text), lines=True)
    try:
        typer.echo(shortened(shown, LONGEST) if error else shown, err=error)
    except OSError as problem:
        if not error:
            raise Unsaid(problem.strerror) from None


def console() -> "Console":
    """What live lines and tables are drawn on."""
    from rich.console import Console

    return Console(highlight=False)


def tolerant() -> None:
    """A terminal that has not all letters shows escapes for those that it lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else there is none, or another that takes all
            with suppress(ValueError):
                stream.reconfigure(errors="backslashreplace")


def hang_up() -> None:
    """What stdout did not take is dropped, or Python would try again at its end and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
