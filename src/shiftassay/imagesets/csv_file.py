"""`.csv`: one row an image, an optional label column first or last, with or without a header."""

import io
import warnings
from collections.abc import Iterator
from itertools import chain, count
from math import isqrt
from pathlib import Path

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.limits import check_memory
from shiftassay.imagesets.raw import RawSet
from shiftassay.imagesets.split import LABEL_NAMES
from shiftassay.imagesets.stream import opened

INDEX_NAMES = ("", "index", "id", "imageid", "unnamed: 0")  # pandas and R write row numbers unless told not to
NO_LABELS = (-1, 0)
FEWEST_PIXELS = 4  # below, "one column more than a square" says nothing
MANY_CLASSES = 200
LONGEST_LINE = 1 << 24  # characters
MOST_COLUMNS = 1 << 19  # a picture of 724 × 724
CHUNK = 1 << 22  # characters that are parsed at a time
ROWS = 1 << 10


def read_csv(path: Path, pixels: int | None = None) -> RawSet:
    """The rows of a text file of numbers, separated by commas, semicolons or tabs.

    Values may be quoted, and a header may precede them. `pixels` is the number of values of one image where a reference
    tells it (0 for a file of labels). A column of row numbers under a header is passed over. Raises `BadInput` with the
    line for ragged rows, words and endless lines.
    """
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        try:
            lines = _lines(text, path)
            number, first = next(lines, (0, ""))
            delimiter = next((mark for mark in ",;\t" if mark in first), ",")
            _check_columns(first, delimiter, number, path)
            header = _header(first, delimiter)
            table = _table(lines if header is not None else chain([(number, first)], lines), delimiter, path)
        except UnicodeDecodeError:
            raise BadInput(f"{path}: not a text file. Save the images as rows of numbers, or as .npy.") from None
    if not table.size:
        raise BadInput(f"{path}: no rows of numbers.")
    if header is not None and len(header) != table.shape[1]:
        raise BadInput(f"{path}: the header names {len(header)} columns, the rows have {table.shape[1]}.")
    notes = []
    if header is not None and len(header) > 1 and header[0] in INDEX_NAMES and (np.diff(table[:, 0]) == 1).all():
        notes.append(f"column {header[0]!r} passed over: row numbers")
        table, header = table[:, 1:], header[1:]
    column, place = _label_column(table, header, pixels)
    if column is None:
        return RawSet(table, None, tuple(notes))
    labels = table[:, column].copy()
    return RawSet(_without(table, column), labels, (*notes, f"labels in {place}"))


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[tuple[int, str]]:
    """Each line that holds something, with its number."""
    for number in count(1):
        line = text.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise BadInput(
                f"{path}: line {number} has more than {LONGEST_LINE:,} characters, the most that is read. A row is one "
                "image: save larger ones as .npy."
            )
        if not _is_blank(line):
            yield number, line


def _table(lines: Iterator[tuple[int, str]], delimiter: str, path: Path) -> np.ndarray:
    """All rows as one array.

    The array grows in place: a list of parts would have to be copied into an array as large.
    """
    table, rows = np.empty((0, 0)), 0
    while some := _next(lines, delimiter, path):
        width = table.shape[1] if rows else None
        try:
            part = _numbers([line for _, line in some], delimiter)
        except ValueError:
            part = None
        if part is None or width not in (None, part.shape[1]):
            raise BadInput(
                f"{path}: {_first_fault(some, delimiter, width)}. Every row needs the same number of numbers."
            )
        if rows + len(part) > len(table):
            room = rows + len(part) + rows // 8
            check_memory(room * part.shape[1] * table.itemsize, room * part.shape[1], str(path))
            table.resize((room, part.shape[1]), refcheck=False)
        table[rows : rows + len(part)] = part
        rows += len(part)
    table.resize((rows, table.shape[1]), refcheck=False)
    return table


def _next(lines: Iterator[tuple[int, str]], delimiter: str, path: Path) -> list[tuple[int, str]]:
    """The next lines, some megabytes of them."""
    some, size = [], 0
    for number, line in lines:
        _check_columns(line, delimiter, number, path)
        some.append((number, line))
        size += len(line)
        if size >= CHUNK:
            break
    return some


def _check_columns(line: str, delimiter: str, number: int, path: Path) -> None:
    columns = line.count(delimiter) + 1
    if columns > MOST_COLUMNS:
        raise BadInput(
            f"{path}: line {number} has {columns:,} values; at most {MOST_COLUMNS:,} are read. A row is one image: "
            "save larger ones as .npy."
        )


def _without(table: np.ndarray, column: int) -> np.ndarray:
    """The table without a column, in its own memory."""
    if column == 0:
        return table[:, 1:]
    for start in range(0, len(table), ROWS):
        some = table[start : start + ROWS]
        some[:, column:-1] = some[:, column + 1 :].copy()
    return table[:, :-1]


def _header(line: str, delimiter: str) -> list[str] | None:
    """The names in the first line, or None if it holds an image.

    0, 1, 2, … is what pandas calls columns.
    """
    names = [name.strip().strip('"').lower() for name in line.strip("\r\n").split(delimiter)]
    if not all(map(_is_number, names)):
        return names
    return names if len(names) > 2 and names == [str(place) for place in range(len(names))] else None


def _numbers(lines: list[str], delimiter: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file without rows, which has an error of its own
        return np.loadtxt(lines, delimiter=delimiter, quotechar='"', ndmin=2, dtype=np.float64)


def _label_column(table: np.ndarray, header: list[str] | None, pixels: int | None) -> tuple[int | None, str]:
    width = table.shape[1]
    if header is not None:
        named = [column for column, name in enumerate(header) if name in LABEL_NAMES]
        if named:
            return named[0], f"column {header[named[0]]!r}"
    if pixels is not None:
        expects_label = 0 < pixels == width - 1
    else:
        expects_label = width > FEWEST_PIXELS and isqrt(width) ** 2 != width and isqrt(width - 1) ** 2 == width - 1
    places = {0: "the first column", width - 1: "the last column"}
    likely = {column: _likeness_to_labels(table[:, column]) for column in places} if expects_label else {}
    best = max(likely, key=lambda column: likely[column], default=None)
    if best is None or likely[best] == NO_LABELS:
        return None, ""
    return best, f"{places[best]} (one column more than {width - 1} pixels)"


def _likeness_to_labels(values: np.ndarray) -> tuple[int, int]:
    """How much a column looks like labels; the larger, the likelier.

    A column with every class from 0 on, and many of them, is likelier than one with gaps. `NO_LABELS` for what can't be
    labels. A corner pixel, which is what the other column holds, mostly never varies, or, in photographs, takes nearly
    every value of a byte.
    """
    if not (np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all()):
        return NO_LABELS
    distinct = len(np.unique(values))
    if distinct > 1 and values.max() == distinct - 1:
        return 2 if distinct <= MANY_CLASSES else 1, distinct
    return int(distinct > 1), 0


def _first_fault(lines: list[tuple[int, str]], delimiter: str, width: int | None) -> str:
    """Where the lines that NumPy refused go wrong, as a sentence.

    The lines before them have `width` values.
    """
    for number, line in lines:
        row = [text.strip().strip('"') for text in line.strip("\r\n").split(delimiter)]
        if width is not None and len(row) != width:
            return f"line {number} has {len(row):,} values, the lines before it {width:,}"
        bad = next((text for text in row if not _is_number(text)), None)
        if bad is not None:
            return f"line {number} holds {bad[:40]!r}, which is no number"
        width = len(row)
    return f"lines {lines[0][0]:,} to {lines[-1][0]:,} can't be read as numbers"


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
