"""Output of commands, safe whatever names hold."""

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


_quiet = False
_progress_hidden = False


class OutputError(Exception):
    """Stdout can't be written to: a full disk, or a closed pipe."""


def be_quiet(quiet: bool) -> None:
    """Whether results are kept from stdout; messages on stderr are not."""
    global _quiet
    _quiet = quiet


def hide_progress(hidden: bool) -> None:
    """Whether progress is kept from stderr."""
    global _progress_hidden
    _progress_hidden = hidden


def progress_is_hidden() -> bool:
    return _progress_hidden


def say(text: object, *, error: bool = False) -> None:
    """Print a text on stdout, unless that is to be quiet, or on stderr.

    On stderr are messages, of at most `LONGEST` bytes. Raises `OutputError` where stdout can't be written to.
    """
    if _quiet and not error:
        return
    shown = printable(str(text), lines=True)
    try:
        typer.echo(shortened(shown, LONGEST) if error else shown, err=error)
    except OSError as problem:
        if not error:
            raise OutputError(problem.strerror) from None


def write_out(text: str) -> None:
    """Write a result for machines on stdout.

    Raises `OutputError` where that can't be written to.
    """
    try:
        typer.echo(text, nl=False)
    except OSError as problem:
        raise OutputError(problem.strerror) from None


def console() -> "Console":
    """The console for live lines and tables; lines are broken for a terminal alone."""
    from rich.console import Console

    return Console(highlight=False, quiet=_quiet, soft_wrap=not sys.stdout.isatty())


def tolerant() -> None:
    """Let a terminal that lacks some characters show escapes for them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else there is none, or another that takes all
            with suppress(ValueError):
                stream.reconfigure(errors="backslashreplace")


def hang_up() -> None:
    """Drop what stdout did not take; otherwise Python would try again at its end and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
