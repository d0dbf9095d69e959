"""What several verbs do with their results.

The file that was asked for is written before anything is reported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shiftassay.cli.places import STDOUT, release, saved
from shiftassay.cli.terminal import say, write_out

if TYPE_CHECKING:
    from shiftassay.imagesets.image_set import ImageSet
    from shiftassay.report.finding import Report

Content = Mapping[str, Any]
"""A result as JSON, under the keys of its schema."""


@contextmanager
def written(path: Path | None, schema: str, content: Content) -> Iterator[None]:
    """In this context, the result is written before it is reported.

    It goes to the file, or for `-` to stdout.
    """
    if path is None:
        yield
        return
    from shiftassay.sealed import json_text, write_json

    if path == STDOUT:
        write_out(json_text({"schema": schema, **content}))
        yield
        return
    with saved(lambda: write_json(release(path), {"schema": schema, **content})):
        yield


@contextmanager
def reported(path: Path | None, report: "Callable[[], Report]") -> Iterator[None]:
    """In this context, the page that was asked for is written; its path is said at the end."""
    if path is None:
        yield
        return
    from shiftassay.report.write import write_page

    with saved(lambda: write_page(release(path), report())):
        yield
        say(path)


def say_notes(sets: Sequence["ImageSet"]) -> None:
    """Print the readers' notes on image sets, on stderr."""
    for image_set in sets:
        for note in image_set.notes:
            say(note, error=True)
