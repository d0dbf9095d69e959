"""A finding: what a study claims, with the numbers, the table and the figure that carry it.

A report is findings in the order of reading, below a first screen that answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shiftassay.paths import not_a_name
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval

Tone = Literal["plain", "good", "bad", "action"]
"""How an answer is colored; it never says more than its words."""

PlotData = Mapping[str, Any]
"""What a figure is drawn from: each kind has its own keys. Plain JSON, or arrays where a report is not stored."""

Numbers = Mapping[str, Any]
"""What a finding's sentences say, for machines: plain JSON or records, under keys of its own."""


@dataclass(frozen=True)
class Table(Record):
    """Rows of cells that are ready to read.

    Columns are aligned as numbers, except the first and those named in `words`. On a page, a table with words in
    `folded` is hidden behind them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    words: tuple[str, ...] = ()
    folded: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"each row of a table has as many cells as there are columns: {len(self.columns)}")


@dataclass(frozen=True)
class Figure(Record):
    """What to draw (a name in `figures`), from which data, and what it shows."""

    kind: str
    data: PlotData
    caption: str


@dataclass(frozen=True)
class Finding(Record):
    """One section of a report; `key` also names its figures' files.

    `numbers` holds what the sentences say, for machines.
    `environment` holds tables of times, which no two runs have in common, apart from those that are results.
    """

    key: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    numbers: Numbers = field(default_factory=dict)
    environment: tuple[Table, ...] = ()

    def __post_init__(self) -> None:
        if why := not_a_name(self.key):
            raise ValueError(f"{self.key!r} can't be the key of a finding: {why}")


@dataclass(frozen=True)
class Card(Record):
    """A question of the first screen, its answer in a few words, and a sentence below it."""

    question: str
    answer: str
    detail: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Code(Record):
    """What can be pasted or run, under its heading; `note` is what to know of it."""

    title: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Row(Record):
    """One variant on the first screen.

    It says what changed, accuracies, whether it matters, and what to do. `pictures` are an image before and after;
    `known_as` is the shift's name in the catalogue. `after` is accuracy after the repair that is recommended. `target`
    is the key of the finding that the row leads to.
    """

    name: str
    changed: str
    known_as: str
    before: Interval
    after: Interval | None
    matters: Card
    action: Card
    target: str
    pictures: Figure | None = None


@dataclass(frozen=True)
class Overview(Record):
    """A row for each variant, on one axis with the accuracy on clean images and that of chance."""

    rows: tuple[Row, ...]
    clean: Interval
    chance: float
    note: str = ""


@dataclass(frozen=True)
class Report(Record):
    """A title that says what was found, a first screen, findings, and their origin.

    Findings stand in the order of reading. `question` is the sentence below the title, `facts` stand above it.
    `pictures` are shown beside `code`.
    """

    title: str
    question: str
    summary: tuple[str, ...]
    findings: tuple[Finding, ...]
    provenance: Table
    environment: Table = Table(("", ""), ())
    facts: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    overview: Overview | None = None
    pictures: Figure | None = None
    code: tuple[Code, ...] = ()

    def __post_init__(self) -> None:
        keys = [finding.key.lower() for finding in self.findings]
        if len(set(keys)) < len(keys):
            raise ValueError("two findings have the same key")
