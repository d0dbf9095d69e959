"""Results as a notebook shows them: paragraphs and tables in HTML."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from shiftassay.words.text import printable


def paragraphs(*texts: str) -> str:
    """Plain text as paragraphs.

    >>> paragraphs("a < b", "c")
    '<p>a &lt; b</p><p>c</p>'
    """
    return "".join(f"<p>{_cell(text)}</p>" for text in texts)


def preformatted(text: str) -> str:
    """Code as it stands.

    >>> preformatted("a < b")
    '<pre>a &lt; b</pre>'
    """
    return f"<pre>{escape(printable(text, lines=True))}</pre>"


def html_picture(png: bytes, alt: str) -> str:
    """A picture within the text, with what it shows in words.

    >>> html_picture(b"png", "a digit")
    '<img src="data:image/png;base64,cG5n" alt="a digit">'
    """
    return f'<img src="data:image/png;base64,{b64encode(png).decode()}" alt="{_cell(alt)}">'


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
