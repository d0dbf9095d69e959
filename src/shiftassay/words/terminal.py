"""Text from outside on a terminal that Rich draws."""

from rich.text import Text

from shiftassay.words.text import printable


def spoken(text: object, style: str = "") -> Text:
    r"""What Rich shows as it stands: names may hold brackets that are no markup, and bytes that are no letters.

    >>> spoken("v[/a] \x1b[2J").plain
    'v[/a] \\x1b[2J'
    """
    return Text(printable(str(text), lines=True), style)
