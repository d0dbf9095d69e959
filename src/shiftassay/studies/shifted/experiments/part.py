"""What an experiment adds to the page of a contrast."""

from dataclasses import dataclass

from shiftassay.report.finding import Figure, Table


@dataclass(frozen=True)
class Part:
    """Sentences, tables and figures, in the order of reading."""

    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
