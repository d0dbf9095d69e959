"""A finding: what a study claims, with the numbers, the table and the figure that carry it."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of cells that are ready to read. Columns are aligned as numbers, but the first and those named in `words`.

    On a page, a table with words in `folded` is hidden behind them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    words: tuple[str, ...] = ()
    folded: str = ""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Table":
        rows = tuple(tuple(row) for row in content["rows"])
        return cls(
            tuple(content["columns"]), rows, content["caption"], tuple(content["words"]), content.get("folded", "")
        )


@dataclass(frozen=True)
class Figure:
    """What to draw (a name in `figures`), from which data, and what it shows."""

    kind: str
    data: dict[str, Any]
    caption: str


@dataclass(frozen=True)
class Finding:
    """One section of a report. `numbers` holds what the sentences say, for machines."""

    key: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Finding":
        tables = map(Table.from_json, content["tables"])
        figures = (Figure(**figure) for figure in content["figures"])
        return cls(
            content["key"],
            content["title"],
            tuple(content["sentences"]),
            tuple(tables),
            tuple(figures),
            content["numbers"],
        )


@dataclass(frozen=True)
class Report:
    """A study's findings, in the order in which they are read, and how they were made."""

    title: str
    question: str
    summary: tuple[str, ...]
    findings: tuple[Finding, ...]
    provenance: Table

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Report":
        return cls(
            content["title"],
            content["question"],
            tuple(content["summary"]),
            tuple(Finding.from_json(finding) for finding in content["findings"]),
            Table.from_json(content["provenance"]),
        )
