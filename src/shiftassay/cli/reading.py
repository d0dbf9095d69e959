"""Progress of reading pictures: a live line on a terminal, nothing elsewhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shiftassay.imagesets.picture_rows import Watch

FEW = 200  # pictures, which are read in no time


@contextmanager
def reading() -> Iterator["Watch"]:
    """Within this context, the yielded function shows on stderr how many pictures are through."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with ExitStack() as shown:
        bar: Progress | None = None

        def watch(what: str, done: int, total: int) -> None:
            nonlocal bar
            if not console.is_terminal or total < FEW:
                return
            if bar is None:
                bar = shown.enter_context(Progress(*columns, console=console, transient=True))
            if not bar.tasks or bar.tasks[-1].description != what or bar.tasks[-1].finished:
                bar.add_task(what, total=total)
            bar.update(bar.tasks[-1].id, completed=done)

        yield watch
