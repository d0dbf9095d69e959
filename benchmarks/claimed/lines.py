"""A line of a table as it should read: numbers, worked out anew, between words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.claimed.reading import agrees, numbers

Line = Sequence[str | float]
"""Words, which stand in the line, and numbers, which it prints, in this order; any other number has no source."""

Json = Mapping[str, Any]
"""A file of docs/results: each has keys of its own."""


def faults(printed: Sequence[str], computed: Sequence[Line]) -> Iterator[str]:
    """What differs between the lines of a table that have numbers, and those that were worked out, in any order."""
    if len(printed) != len(computed):
        yield f"{len(printed)} lines have numbers, and {len(computed)} were recomputed"
    left, wrong = list(computed), list[str]()
    for text in printed:
        match = next((line for line in left if _fault(text, line) is None), None)
        if match is None:
            wrong.append(text)
        else:
            left.remove(match)
    for text, line in zip(wrong, left, strict=False):
        yield f"{_fault(text, line)} in: {text.strip()}"


def _fault(text: str, line: Line) -> str | None:
    """The first thing that is wrong with a line.

    >>> _fault("| stn | 99.26 ± 0.04 | of 5 |", ["stn", 99.2599, 0.0381, 5])
    >>> _fault("| stn | 99.26 ± 0.04 | of 5 |", ["stn", 99.27, 0.0381, 5])
    'recomputed: 99.27, printed: 99.26,'
    >>> _fault("| stn | 99.26 ± 0.04 | of 5 |", ["stn", 99.26, 0.04])
    '5 has no source'
    """
    left, place = numbers(text), 0
    for part in line:
        if isinstance(part, str):
            start = text.find(part, place)
            if start < 0:
                return f"recomputed: {part!r}, not there"
            place = start + len(part)
            left = [number for number in left if not start <= number.start() < place]
        elif not left or not agrees(left[0][0], part):
            return f"recomputed: {part:g}, printed: {left[0][0] if left else 'nothing'},"
        else:
            place = left.pop(0).end()
        if left and left[0].start() < place:
            return f"{left[0][0]} has no source"
    return f"{left[0][0]} has no source" if left else None


def percents(interval: tuple[float, ...]) -> tuple[float, ...]:
    """Shares in percent."""
    return tuple(100 * share for share in interval)


def p(value: float) -> Line:
    """A p-value as it is printed: never 0."""
    return ("< 0.0001",) if value < 1e-4 else ("=", value)
