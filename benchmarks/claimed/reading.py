"""Pages as they are read: their tables, their prose, and every number in them.

What is inside code, link targets and comments does not count, but blocks of output (```text) do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.])(?:[−+-](?=\d))?\d+(?:,\d{3})*(?:\.\d+)*(?!\w)")
TABLE = re.compile(r"<!-- table: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LIST_NUMBER = re.compile(r"^\d+\. ", re.MULTILINE)
UNREAD = re.compile(r"`[^`]+`|\]\([^)]*\)|<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page in two parts: its prose on one line, and the lines of each table by the table's name."""

    prose: str
    tables: dict[str, list[str]]


def read(text: str) -> Page:
    """The parts of a page that are read."""
    text = BLOCK.sub(lambda block: block[2] if block[1] == "text" else "", text.replace("\u00a0", " "))
    text = LIST_NUMBER.sub("", text)
    tables = {name: [line for line in block.splitlines() if numbers(line)] for name, block in TABLE.findall(text)}
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
    """Whether a number is printed right: off by no more than half a unit of its last digit.

    >>> agrees("98.62", 98.6249), agrees("98.62", 98.626), agrees("10,000", 10_000), agrees("2.13.0", 2.13)
    (True, False, True, False)
    """
    if printed.count(".") > 1:
        return False
    unit = 10.0 ** -len(printed.partition(".")[2])
    return abs(value(printed) - computed) <= unit / 2 + 1e-9 * abs(computed)


def without(prose: str, fragments: Iterator[str]) -> str:
    """A text without some of its fragments."""
    for fragment in sorted(fragments, key=len, reverse=True):
        prose = prose.replace(fragment, " … ")
    return prose


def _without_code(text: str) -> str:
    """The text, as long as before, with letters for the digits that nobody reads."""
    return UNREAD.sub(lambda match: re.sub(r"\d", "x", match[0]), text)
