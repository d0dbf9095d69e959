"""Several things in one sentence."""

from collections.abc import Iterable, Sequence

from shiftassay.words.text import short

MOST_NAMES = 8


def listed(items: Sequence[str]) -> str:
    """Items in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', '')
    """
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def first_of(names: Iterable[object], of: str = "") -> str:
    """The first of some names from outside, and how many more there are.

    >>> first_of(range(3)), first_of(range(20_000), "tensors")
    ('0, 1, 2', '0, 1, 2, 3, 4, 5, 6, 7 and 19,992 tensors more')
    """
    names = list(names)
    more = len(names) - MOST_NAMES
    kind = f"{of} more" if of else "more"
    return ", ".join(map(short, names[:MOST_NAMES])) + (f" and {more:,} {kind}" if more > 0 else "")


def plural(count: int, one: str, several: str = "") -> str:
    """A number of things: `several` is one and an s unless it is given.

    >>> plural(1, "image"), plural(1200, "image"), plural(2, "entry", "entries")
    ('1 image', '1,200 images', '2 entries')
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines of text whose columns are aligned.

    >>> in_columns([("a", "12", "b"), ("long", "3", "c")])
    ['a     12  b', 'long  3   c']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]
