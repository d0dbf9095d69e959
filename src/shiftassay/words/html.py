"""Results as a notebook shows them: paragraphs and tables in HTML."""

from collections.abc import Iterable, Sequence
from html import escape

from shiftassay.words.text import printable


def paragraphs(*texts: str) -> str:
    """Plain text as paragraphs.

    >>> paragraphs("a < b", "c")
    '<p>a &lt; b</p><p>c</p>'
    """
    return "".join(f"<p>{_cell(text)}</p>" for text in texts)


def html_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain text; without a heading, its rows alone.

    >>> html_table(("class", "recall"), [("0", "98%")])
    '<table><tr><th>class</th><th>recall</th></tr><tr><td>0</td><td>98%</td></tr></table>'
    """
    lines = [*([("th", heading)] if heading else []), *(("td", row) for row in rows)]
    body = "".join("<tr>" + "".join(f"<{tag}>{_cell(text)}</{tag}>" for text in row) + "</tr>" for tag, row in lines)
    return f"<table>{body}</table>"


def _cell(text: str) -> str:
    return escape(printable(text))
