"""Progress of reading pictures: on a terminal alone."""

import io

import pytest
import rich.console

from shiftassay.cli.reading import FEW, reading


@pytest.fixture
def terminal(monkeypatch):
    """What is shown on stderr, which is a terminal or not."""

    def shown(is_terminal: bool) -> io.StringIO:
        file = io.StringIO()
        console = rich.console.Console(file=file, force_terminal=is_terminal, width=100)
        monkeypatch.setattr(rich.console, "Console", lambda **_: console)
        return file

    return shown


@pytest.mark.parametrize(
    ("is_terminal", "total", "is_shown"), [(True, FEW, True), (True, 5, False), (False, FEW, False)]
)
def test_progress_is_shown_of_many_pictures_on_a_terminal(terminal, is_terminal, total, is_shown):
    file = terminal(is_terminal)
    with reading() as watch:
        for done in range(1, total + 1):
            watch("reading pictures", done, total)
    assert ("reading pictures" in file.getvalue()) is is_shown


def test_each_pass_over_the_pictures_has_its_own_line(terminal):
    file = terminal(True)
    with reading() as watch:
        for what in ("looking at sizes", "reading pictures", "looking at sizes"):
            for done in range(1, FEW + 1):
                watch(what, done, FEW)
    assert "reading pictures" in file.getvalue()
    assert f"{FEW}/{FEW}" in file.getvalue()
