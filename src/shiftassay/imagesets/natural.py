"""The order of names in which numbers count as numbers: 1, 2, 10. Classes are numbered so."""

import re
from collections.abc import Iterator, Sequence

from shiftassay.words.text import short

PARTS = re.compile(r"([0-9]+)")


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names by: runs of digits as numbers, all else as text.

    >>> sorted(["10", "2", "1"], key=natural_order), sorted(["b2", "B10", "b10"], key=natural_order)
    (['1', '2', '10'], ['B10', 'b2', 'b10'])
    """
    parts = PARTS.split(name)
    key = [_part(part, number=bool(place % 2)) for place, part in enumerate(parts) if part]
    return (*key, (2, 0, name))  # 01 and 1 are one number: which comes first is to be the same everywhere


def order_of_classes(classes: Sequence[str]) -> Iterator[str]:
    """Sentences on an order of classes that others may have in another way."""
    as_text = sorted(classes)
    if as_text != list(classes):
        at = next(place for place, (one, other) in enumerate(zip(classes, as_text, strict=True)) if one != other)
        yield (
            f"classes are in the order of their numbers: label {at} is {short(classes[at])!r}. Sorted as text, as "
            f"torchvision's ImageFolder has it, it would be {short(as_text[at])!r}: if the model counts so, give labels"
        )
    if all(name.isascii() and name.isdigit() for name in classes):
        moved = [(label, name) for label, name in enumerate(classes) if int(name) != label]
        if moved:
            label, name = moved[0]
            yield f"labels are places in the order of the classes: {name!r} has label {label}"


def _part(part: str, number: bool) -> tuple[int, int, str]:
    digits = part.lstrip("0")
    return (0, len(digits), digits) if number else (1, 0, part)
