"""Text from outside on a terminal that Rich draws."""

from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from shiftassay.words.text import printable


def spoken(text: object, style: str = "") -> Text:
    r"""Rich's text of a string, without markup.

    Brackets are no markup, and undecodable bytes are escaped.

    >>> spoken("v[/a] \x1b[2J").plain
    'v[/a] \\x1b[2J'
    """
    return Text(printable(str(text), lines=True), style)


def live_line(console: Console, own_thread: bool = True) -> Progress:
    """The line that shows a long computation's stage, how far it is, and the time left.

    It is redrawn by a thread of its own, or else whenever it is refreshed, and taken away at its end.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), _Left())
    return Progress(*columns, console=console, transient=True, auto_refresh=own_thread)


class _Left(ProgressColumn):
    """How many steps are through, of how many, and the time left."""

    def render(self, task: Task) -> Text:
        """Empty where the number of steps is not known.

        >>> _Left().render(Task(0, "", 4, 1, _get_time=lambda: 0.0)).plain
        '1 of 4'
        """
        if task.total is None:
            return Text("")
        seconds = task.time_remaining
        left = "" if not seconds else f", {timedelta(seconds=int(seconds))} left"
        return Text(f"{int(task.completed):,} of {int(task.total):,}{left}")
