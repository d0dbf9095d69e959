"""Pages as they are read: their tables, their prose, and every number in them.

What is inside code, link targets, comments and the names of commits does not count, but blocks of output (```text) do.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.])(?:[−+-](?=\d))?\d+(?:,\d{3})*(?:\.\d+)*")
TABLE = re.compile(r"<!-- table: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LIST_NUMBER = re.compile(r"^\d+\. ", re.MULTILINE)
UNREAD = re.compile(r"`[^`]+`|\]\([^)]*\)|<!--.*?-->|\bcommit [0-9a-f]{12}", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page in two parts: its prose on one line, and the lines with numbers of each table, by the table's name.

    Output that stands in a table's place is one line.
    """

    prose: str
    tables: dict[str, list[str]]


def read(text: str) -> Page:
    """The parts of a page that are read."""
    text = BLOCK.sub(lambda block: block[2] if block[1] == "text" else "", text.replace("\u00a0", " "))
    text = LIST_NUMBER.sub("", text)
    tables = {}
    for name, block in TABLE.findall(text):
        lines = block.splitlines() if "|" in block else [" ".join(block.split())]
        tables[name] = [line for line in lines if numbers(line)]
    return Page(" ".join(TABLE.sub("", text).split()), tables)


def numbers(text: str) -> list[re.Match[str]]:
    """The numbers of a text, in order."""
    return list(NUMBER.finditer(_without_code(text)))


def values(text: str) -> list[float]:
    """Their values, for texts that a study stores: the name of a shift, say.

    >>> values("rotate (angle = -90 … 90), 784 places")
    [-90.0, 90.0, 784.0]
    """
    return [value(number[0]) for number in numbers(text)]


def value(number: str) -> float:
    """What a printed number says.

    >>> value("−1,059,560.5")
    -1059560.5
    """
    return float(number.replace("−", "-").replace(",", ""))


def agrees(printed: str, computed: float) -> bool:
    """Whether a number is printed right: a count exactly, else off by no more than half a unit of its last digit.

    >>> agrees("98.62", 98.6249), agrees("98.62", 98.626), agrees("10,000", 10_000), agrees("2.13.0", 2.13)
    (True, False, True, False)
    """
    if printed.count(".") > 1:
        return False
    if isinstance(computed, int):
        return value(printed) == computed
    unit = 10.0 ** -len(printed.partition(".")[2])
    return abs(value(printed) - computed) <= unit / 2 + 1e-9 * abs(computed)


def without(prose: str, fragments: Iterable[str]) -> str:
    """A text without some of its fragments, which do not end or begin in the middle of a number."""
    for fragment in sorted(fragments, key=len, reverse=True):
        prose = re.sub(rf"(?<![\w.,−]){re.escape(fragment)}(?!\w|[.,]\d)", "…", prose)
    return prose


def _without_code(text: str) -> str:
    """The text, as long as before, with letters for the digits that nobody reads."""
    return UNREAD.sub(lambda match: re.sub(r"\d", "x", match[0]), text)
