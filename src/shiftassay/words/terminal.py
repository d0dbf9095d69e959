"""Text from outside on a terminal that Rich draws."""

from rich.text import Text

from shiftassay.words.text import printable


def spoken(text: object, style: str = "") -> Text:
    r"""Rich's text of a string, without markup.

    Brackets are no markup, and undecodable bytes are escaped.

    >>> spoken("v[/a] \x1b[2J").plain
    'v[/a] \\x1b[2J'
    """
    return Text(printable(str(text), lines=True), style)
