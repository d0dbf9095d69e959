"""Writes a report from its findings: one HTML file that needs nothing else, and Markdown.

The Markdown has its figures beside it.
"""

import base64
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.report.figures import draw
from shiftassay.report.finding import Figure, Report
from shiftassay.sealed import Damaged, read_sealed, write_sealed
from shiftassay.words.text import markdown, printable

FINDINGS = "findings.json"
HTML = "report.html"
MARKDOWN = "report.md"
FIGURES = "figures"


def write_report(folder: str | Path, report: Report | None = None) -> Path:
    """Write `report.html`, `report.md` and `figures/` into a study's folder.

    Returns the path of the HTML. Without a `report`, the findings stored there are read: a report can be made again
    without running anything. Raises `BadInput` if there are none.

    >>> import tempfile
    >>> from shiftassay.report.finding import Finding, Table
    >>> finding = Finding("answer", "The answer", ("It is 42.",), (Table(("question", "answer"), (("?", "42"),)),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(folder, Report("A study", "What is it?", ("42.",), (finding,), Table(("", ""), ())))
    ...     "It is 42." in path.read_text(), write_report(folder) == path
    (True, True)
    """
    folder = Path(folder)
    if report is None:
        if not (folder / FINDINGS).is_file():
            raise BadInput(f"{folder}: no {FINDINGS} in it. Give the folder of a study: shiftassay run prints it.")
        report, drawn = _stored(folder)
    else:
        write_sealed(folder / FINDINGS, report.to_json())
        drawn = _drawn(report, folder)
    for place, (_, svg) in drawn.items():
        write_whole(folder / place, svg)
    write_whole(folder / MARKDOWN, _render("report.md.jinja", report, drawn).encode())
    write_whole(folder / HTML, _render("report.html.jinja", report, drawn).encode())
    return folder / HTML


def _stored(folder: Path) -> tuple[Report, dict[str, tuple[Figure, bytes]]]:
    """The findings in a folder, and their figures, if they are such as a study writes."""
    path = folder / FINDINGS
    content = read_sealed(path)
    try:
        report = Report.from_json(content)
        return report, _drawn(report, folder)
    except (Damaged, MemoryError):
        raise
    except BadInput as error:
        raise BadInput(f"{path}: not the findings of a study ({error}) Run the study again.") from None
    except Exception as error:  # a figure's data may hold anything, of which drawing may raise anything
        raise BadInput(
            f"{path}: a figure in it can't be drawn ({type(error).__name__}: {error}). Run the study again."
        ) from None


def page(report: Report) -> str:
    """A report that is no study's, as one HTML page; its figures bring their arrays with them."""
    return _render("report.html.jinja", report, _drawn(report, Path()))


def _drawn(report: Report, folder: Path) -> dict[str, tuple[Figure, bytes]]:
    return {
        _place(finding.key, index): (figure, draw(figure, folder))
        for finding in report.findings
        for index, figure in enumerate(finding.figures)
    }


def _render(template: str, report: Report, drawn: dict[str, tuple[Figure, bytes]]) -> str:
    here = files("shiftassay") / "report"
    environment = Environment(
        autoescape=template.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"markdown": markdown, "url": quote}
    text = environment.from_string((here / template).read_text(encoding="utf-8")).render(
        report=report,
        style=Markup((here / "report.css").read_text(encoding="utf-8")),  # noqa: S704  # our own file
        place=_place,
        inline=lambda place: "data:image/svg+xml;base64," + base64.b64encode(drawn[place][1]).decode(),
    )
    return printable(text, lines=True)  # names may hold anything that a terminal, an editor or a browser acts on


def _place(key: str, index: int) -> str:
    return f"{FIGURES}/{key}{'' if index == 0 else f'-{index + 1}'}.svg"
