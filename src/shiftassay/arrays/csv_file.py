"""`.csv`: one row an image, an optional label column first or last, with or without a header."""

import io
import warnings
from collections.abc import Iterable
from itertools import chain
from math import isqrt
from pathlib import Path

import numpy as np

from shiftassay.arrays.raw import RawSet
from shiftassay.arrays.split import LABEL_NAMES
from shiftassay.arrays.stream import opened
from shiftassay.errors import BadInput

INDEX_NAMES = ("", "index", "id", "imageid", "unnamed: 0")  # pandas and R write row numbers unless told not to
NO_LABELS = (-1, 0)
FEWEST_PIXELS = 4  # below, "one column more than a square" says nothing


def read_csv(path: Path, pixels: int | None = None) -> RawSet:
    """The rows of a text file of numbers, separated by commas, semicolons or tabs; quotes and a header may be there.

    `pixels` is the number of values of one image where a reference tells it (0 for a file of labels). A column of row
    numbers under a header is passed over. Raises `BadInput` with the line for ragged rows and words.
    """
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        try:
            first = next((line for line in text if not _is_idle(line)), "")
            delimiter = next((mark for mark in ",;\t" if mark in first), ",")
            header = _header(first, delimiter)
            table = _numbers(text if header is not None else chain([first], text), delimiter)
        except UnicodeDecodeError:
            raise BadInput(f"{path}: not a text file. Save the images as rows of numbers, or as .npy.") from None
        except ValueError:
            raise BadInput(f"{path}: {_first_fault(path)}. Every row needs the same number of numbers.") from None
    if not table.size:
        raise BadInput(f"{path}: no rows of numbers.")
    if header is not None and len(header) != table.shape[1]:
        raise BadInput(f"{path}: the header names {len(header)} columns, the rows have {table.shape[1]}.")
    notes = []
    if header is not None and len(header) > 1 and header[0] in INDEX_NAMES and (np.diff(table[:, 0]) == 1).all():
        notes.append(f"column {header[0]!r} passed over: row numbers")
        table, header = table[:, 1:], header[1:]
    column, how = _label_column(table, header, pixels)
    if column is None:
        return RawSet(table, None, tuple(notes))
    return RawSet(np.delete(table, column, axis=1), table[:, column], (*notes, f"labels in {how}"))


def _header(line: str, delimiter: str) -> list[str] | None:
    """The names in the first line, or None if it holds an image. 0, 1, 2, … is what pandas calls columns."""
    names = [name.strip().strip('"').lower() for name in line.strip("\r\n").split(delimiter)]
    if not all(map(_is_number, names)):
        return names
    return names if len(names) > 2 and names == [str(place) for place in range(len(names))] else None


def _numbers(lines: Iterable[str], delimiter: str) -> np.ndarray:
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
    """The larger, the likelier a column holds labels: every class from 0 on, and many, beat values with gaps.

    `NO_LABELS` for what can't be labels. A corner pixel, which is what the other column holds, mostly never varies.
    """
    if not (np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all()):
        return NO_LABELS
    distinct = len(np.unique(values))
    if distinct > 1 and values.max() == distinct - 1:
        return 2, distinct
    return int(distinct > 1), 0


def _first_fault(path: Path) -> str:
    """Where a text that NumPy refused goes wrong, in a person's words and line numbers."""
    width = None
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        for number, line in enumerate(text, 1):
            if _is_idle(line):
                continue
            if width is None:
                delimiter = next((mark for mark in ",;\t" if mark in line), ",")
            row = [text.strip().strip('"') for text in line.strip("\r\n").split(delimiter)]
            is_header = width is None and _header(line, delimiter) is not None
            if width is not None and len(row) != width:
                return f"line {number} has {len(row)} values, the lines before it {width}"
            bad = None if is_header else next((text for text in row if not _is_number(text)), None)
            if bad is not None:
                return f"line {number} holds {bad[:40]!r}, which is no number"
            width = len(row)
    return "can't be read as numbers"


def _is_idle(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
