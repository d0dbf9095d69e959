"""A table of labels by file name: a CSV with a column of names and one of labels."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.labels import to_labels
from shiftassay.imagesets.natural import natural_order
from shiftassay.imagesets.stream import opened
from shiftassay.words.text import short

NAME_COLUMNS = ("file", "filename", "file_name", "image", "name", "path")
LABEL_COLUMNS = ("label", "labels", "class", "target")
LONGEST_LINE = 1 << 16  # characters


@dataclass(frozen=True, eq=False)
class NameLabels:
    """The label of each name, and the names of the classes where the table holds these."""

    label_of: dict[str, int]
    classes: tuple[str, ...] | None

    def of(self, names: Sequence[str]) -> Int64[np.ndarray, "n"]:
        """The labels of pictures by their relative names; −1 where the table has no row.

        A row may hold the whole relative name, the file's name alone, or either without its ending.
        """
        return np.array([self._of(name) for name in names], np.int64)

    def _of(self, name: str) -> int:
        path = PurePosixPath(name)
        forms = (name, path.name, str(path.with_suffix("")), path.stem)
        return next((self.label_of[form] for form in forms if form in self.label_of), -1)


def has_names(path: Path) -> bool:
    """Whether a file is such a table: its first line names both columns."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return False
    with opened(path) as file:
        first = file.readline(LONGEST_LINE).decode("utf-8-sig", errors="replace")
    return _columns(_split(first, _delimiter(first))) is not None


def read_name_labels(path: Path) -> NameLabels:
    """Labels by name, from a CSV whose header names the columns.

    Names are in `file`, `filename`, `image`, `name` or `path`, labels in `label`, `class` or `target`: whole numbers
    from 0, or names of classes, which are numbered in their natural order. Raises `BadInput`.
    """
    rows: dict[str, str] = {}
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        try:
            first = text.readline(LONGEST_LINE)
            delimiter = _delimiter(first)
            columns = _columns(_split(first, delimiter))
            if columns is None:
                raise BadInput(
                    f"{path}: no columns of names and labels. Its first line is to name them: file,label for instance."
                )
            for row in csv.reader(text, delimiter=delimiter):
                if row and len(row) <= max(columns):
                    raise BadInput(f"{path}: the row of {short(row[0])!r} has {len(row)} columns, the header more.")
                if row:
                    name, label = (row[column].strip() for column in columns)
                    name = str(PurePosixPath(name.replace("\\", "/")))
                    if rows.setdefault(name, label) != label:
                        raise BadInput(f"{path}: {short(name)!r} has two labels. Keep one row of it.")
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInput(f"{path}: not a text file of names and labels ({error}). Save it as CSV.") from None
    if not rows:
        raise BadInput(f"{path}: no rows of names and labels.")
    if empty := next((name for name, label in rows.items() if not label), None):
        raise BadInput(f"{path}: {short(empty)!r} has no label. Give it one, or leave out its row.")
    return _numbered(rows, str(path))


def _numbered(rows: dict[str, str], where: str) -> NameLabels:
    try:
        numbers = np.array([float(label) for label in rows.values()])
    except ValueError:
        classes = sorted(set(rows.values()), key=natural_order)
        number_of = {name: number for number, name in enumerate(classes)}
        return NameLabels({name: number_of[label] for name, label in rows.items()}, tuple(classes))
    return NameLabels(dict(zip(rows, to_labels(numbers, where).tolist(), strict=True)), None)


def _columns(header: Sequence[str]) -> tuple[int, int] | None:
    """The places of the names and of the labels."""
    names = [name.strip().strip('"').lower() for name in header]
    name = next((names.index(known) for known in NAME_COLUMNS if known in names), None)
    label = next((names.index(known) for known in LABEL_COLUMNS if known in names), None)
    return None if name is None or label is None else (name, label)


def _delimiter(line: str) -> str:
    return next((mark for mark in ",;\t" if mark in line), ",")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])
    except csv.Error:  # a line end within
        return []
