"""Which pictures of two sets have the same name."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64

NUMBER = re.compile(r"[0-9]+")
FEWEST = 0.1  # of the smaller set's names: fewer in common are chance

Places = Int64[np.ndarray, "k"]


def shared_names(reference: Sequence[str], other: Sequence[str]) -> tuple[Places, Places]:
    """The places in both sets of the pictures that share a name, in the order of the reference.

    Relative names are compared whole, then without their endings, then without their folders: each time those that
    have no partner yet, and that name one picture in each set. None if they share fewer than a tenth of the smaller
    set's names.

    >>> shared_names(["a.png", "b.png", "c.png"], ["b.jpg", "a.png", "d.png"])[1].tolist()
    [1, 0]
    """
    partner = np.full(len(reference), -1, np.int64)
    free = np.ones(len(other), bool)
    for key in (_whole, _without_ending, _without_folder):
        lone = [_lone(names, key) for names in (reference, other)]
        for name, place in lone[0].items():
            partner_place = lone[1].get(name, -1)
            if partner_place >= 0 and partner[place] < 0 and free[partner_place]:
                partner[place], free[partner_place] = partner_place, False
    shared = np.flatnonzero(partner >= 0)
    if len(shared) < FEWEST * min(len(reference), len(other)):
        shared = shared[:0]
    return shared, partner[shared]


def same_names(reference: Sequence[str] | None, other: Sequence[str] | None) -> bool | None:
    """Whether two sets have the same names in the same order; None where one has no names."""
    if reference is None or other is None:
        return None
    places, partners = shared_names(reference, other)
    return len(reference) == len(other) == len(places) and bool(np.array_equal(places, partners))


def are_numbers(names: Sequence[str]) -> bool:
    """Whether all file names are mere numbers, which other pictures may have as well: 0001.png."""
    return all(NUMBER.fullmatch(_without_folder(name)) for name in names)


def _lone(names: Sequence[str], key: Callable[[str], str]) -> dict[str, int]:
    """The place of each name, as a key has it, that no other shares."""
    keys = [key(unicodedata.normalize("NFC", name)) for name in names]
    counts = Counter(keys)
    return {name: place for place, name in enumerate(keys) if counts[name] == 1}


def _whole(name: str) -> str:
    return name


def _without_ending(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    stem, dot, _ = file.rpartition(".")
    return f"{folder}{slash}{stem if dot else file}"


def _without_folder(name: str) -> str:
    return _without_ending(name).rpartition("/")[2]
