"""Progress of what takes long: a live line on a terminal, a plain one now and then elsewhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from shiftassay.cli.terminal import progress_is_hidden, say

if TYPE_CHECKING:
    from rich.console import Console

    from shiftassay.progress import Watch

SELDOM = 10.0  # seconds between two plain lines


@contextmanager
def watching() -> Iterator["Watch"]:
    """Within this context, the yielded function shows what is being done, and how far it is.

    It is shown on stderr, and with `--quiet` not at all. The live line is gone at the end.
    """
    from rich.console import Console

    from shiftassay.progress import unwatched

    console = Console(stderr=True)
    with ExitStack() as shown:
        if progress_is_hidden():
            yield unwatched
        elif console.is_terminal:
            yield _live(console, shown)
        else:
            yield _plain()


def _live(console: "Console", shown: ExitStack) -> "Watch":
    from shiftassay.words.terminal import live_line

    # Drawn by this thread alone: a search does not fork where other threads run.
    line = live_line(console, own_thread=False)
    shown.enter_context(line)

    def watch(what: str, done: int, total: int) -> None:
        task = line.tasks[-1] if line.tasks else None
        if task is None or task.description != what or done < task.completed:
            for old in line.task_ids:
                line.remove_task(old)
            line.add_task(what, total=total or None)
        line.update(line.task_ids[-1], completed=done, total=total or None)
        line.refresh()

    return watch


def _plain() -> "Watch":
    began = last = monotonic()

    def watch(what: str, done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if now - last >= SELDOM:
            last = now
            of = f", {done:,} of {total:,}" if total else ""
            say(f"{now - began:.0f} s: {what}{of}", error=True)

    return watch
