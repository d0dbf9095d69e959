"""Writes a report from its findings: one HTML file that needs nothing else, and Markdown.

The Markdown has its figures beside it, and every table as CSV.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from shiftassay.errors import BadInput
from shiftassay.files import write_whole
from shiftassay.paths import page_path
from shiftassay.report.described import described
from shiftassay.report.figures import draw, without_images
from shiftassay.report.finding import Figure, Report, Table
from shiftassay.report.inline import Inlined, inlined
from shiftassay.report.picture_grid import Grid, grid, is_grid
from shiftassay.report.style import palette
from shiftassay.sealed import Damaged, read_sealed, write_sealed
from shiftassay.words.numbers import points
from shiftassay.words.text import markdown, printable

FINDINGS = "findings.json"
HTML = "report.html"
MARKDOWN = "report.md"
FIGURES = "figures"
TABLES = "tables"
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"[A-Z][a-z]+(?: [a-z]+){0,3}:(?= )")


@dataclass(frozen=True)
class Drawn:
    """A figure as a file and as part of a page, where it is either an SVG or a grid of pictures.

    Those in the rows of an overview are on the page alone: their `file` is None.
    """

    figure: Figure
    alt: str
    file: bytes | None
    svg: Inlined | None
    grid: Grid | None


def write_report(folder: str | Path, report: Report | None = None, *, show_images: bool = True) -> Path:
    """Write `report.html`, `report.md`, `figures/` and `tables/` into a study's folder.

    Returns the path of the HTML. Without a `report`, the findings stored there are read: a report can be made again
    without running anything. Without `show_images`, no image of the study's sets is shown. Raises `BadInput` if there
    are no findings.

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
        report, drawn = _stored(folder, show_images)
    else:
        write_sealed(folder / FINDINGS, report.to_json())
        shown = report if show_images else without_images(report)
        report, drawn = shown, _drawn(shown, folder)
    write_whole(folder / HTML, _render("report.html.jinja", report, drawn).encode())
    _write_beside(folder / MARKDOWN, report, drawn)
    return folder / HTML


def write_page(path: Path, report: Report) -> Path:
    """Write a report that is no study's as an HTML page, and the same as Markdown beside it.

    The Markdown has the page's name and `.md`, its figures and tables lie in the folders `NAME-figures` and
    `NAME-tables`. Figures bring their arrays with them. Raises `BadInput` where it can't be written.
    """
    page_path(path)
    drawn = _drawn(report, Path(), f"{path.stem}-")
    write_whole(path, _render("report.html.jinja", report, drawn).encode())
    _write_beside(path.with_suffix(".md"), report, drawn, f"{path.stem}-")
    return path


def page(report: Report) -> str:
    """A report that is no study's, as one HTML page; its figures bring their arrays with them."""
    return _render("report.html.jinja", report, _drawn(report, Path()))


def _write_beside(path: Path, report: Report, drawn: dict[str, Drawn], prefix: str = "") -> None:
    """Write the Markdown of a report, its figures and its tables."""
    for place, of in drawn.items():
        if of.file is not None:
            write_whole(path.parent / place, of.file)
    for place, table in _tables(report, prefix):
        write_whole(path.parent / place, _csv(table).encode())
    write_whole(path, _render("report.md.jinja", report, drawn, prefix).encode())


def _stored(folder: Path, show_images: bool) -> tuple[Report, dict[str, Drawn]]:
    """The findings in a folder, and their figures, if they are such as a study writes."""
    path = folder / FINDINGS
    content = read_sealed(path)
    try:
        report = Report.from_json(content)
        report = report if show_images else without_images(report)
        return report, _drawn(report, folder)
    except (Damaged, MemoryError):
        raise
    except BadInput as error:
        raise BadInput(f"{path}: not the findings of a study ({error}) Run the study again.") from None
    except Exception as error:  # a figure's data may hold anything, of which drawing may raise anything
        raise BadInput(
            f"{path}: a figure in it can't be drawn ({type(error).__name__}: {error}). Run the study again."
        ) from None


def _drawn(report: Report, folder: Path, prefix: str = "") -> dict[str, Drawn]:
    """Every figure by the place of its file."""
    figures = {
        _place(finding.key, index, prefix): figure
        for finding in report.findings
        for index, figure in enumerate(finding.figures)
    }
    if report.pictures is not None:
        figures[_place("first-screen", 0, prefix)] = report.pictures
    drawn = {place: _draw(figure, folder, f"f{number}") for number, (place, figure) in enumerate(figures.items(), 1)}
    pairs = [row.pictures for row in (report.overview.rows if report.overview else ()) if row.pictures]
    return drawn | {
        f"row {number}": Drawn(pair, described(pair), None, None, grid(pair, folder))
        for number, pair in enumerate(pairs)
    }


def _draw(figure: Figure, folder: Path, name: str) -> Drawn:
    file, alt = draw(figure, folder), printable(described(figure))
    if is_grid(figure):
        return Drawn(figure, alt, file, None, grid(figure, folder))
    return Drawn(figure, alt, file, inlined(file, name, alt), None)


def _render(template: str, report: Report, drawn: dict[str, Drawn], prefix: str = "") -> str:
    here = files("shiftassay") / "report"
    environment = Environment(
        autoescape=template.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markdown": markdown,
        "url": quote,
        "run_in": _run_in,
        "coded": _coded,
        "indented": _indented,
        "points": partial(points, digits=1),
    }
    by_figure = {id(of.figure): (place, of) for place, of in drawn.items()}
    by_table = {id(table): place for place, table in _tables(report, prefix)}
    text = environment.from_string((here / template).read_text(encoding="utf-8")).render(
        report=report,
        style=Markup((here / "report.css").read_text(encoding="utf-8")),  # noqa: S704  # our own file
        light=Markup(palette(False)),  # noqa: S704  # our own colors
        dark=Markup(palette(True)),  # noqa: S704  # our own colors
        place_of=lambda figure: by_figure[id(figure)][0],
        drawn=lambda figure: by_figure[id(figure)][1],
        csv_of=lambda table: by_table[id(table)],
    )
    return printable(text, lines=True)  # names may hold anything that a terminal, an editor or a browser acts on


def _run_in(sentence: str) -> Markup:
    """A sentence whose first words are its heading has them in bold: `Repair: …`."""
    heading = _HEADING.match(sentence)
    if heading is None:
        return _coded(sentence)
    return Markup("<strong>{}</strong>{}").format(heading[0], _coded(sentence[heading.end() :]))


def _coded(text: str) -> Markup:
    """A text for a page, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped before


def _indented(code: str) -> str:
    """Code as Markdown shows it, whatever is in it: each line after four spaces."""
    return "\n".join("    " + line for line in printable(code, lines=True).split("\n"))


def _tables(report: Report, prefix: str) -> Iterator[tuple[str, Table]]:
    """Every table of the findings, by the place of its file."""
    for finding in report.findings:
        for index, table in enumerate(finding.tables + finding.environment):
            yield f"{prefix}{TABLES}/{finding.key}{_number(index)}.csv", table


def _csv(table: Table) -> str:
    """A table for other programs: RFC 4180, with every cell as it is read."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([table.columns, *([*map(_cell, row)] for row in table.rows)])
    return printable(out.getvalue(), lines=True)


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "@")) else text


def _place(key: str, index: int, prefix: str = "") -> str:
    return f"{prefix}{FIGURES}/{key}{_number(index)}.svg"


def _number(index: int) -> str:
    return "" if index == 0 else f"-{index + 1}"
