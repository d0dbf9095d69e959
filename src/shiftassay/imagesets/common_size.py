"""One size for pictures of several: cropped about their centre, or the most common size alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from shiftassay.words.lists import plural

FEWEST_PIXELS = 0.5  # of all pixels: a crop that keeps fewer would leave most of the pictures unseen
Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True, eq=False)
class CommonSize:
    """The size that each set's pictures are cropped to, the rows that are kept, what that loses."""

    sizes: tuple[Size, ...]
    kept: Bool[np.ndarray, "n"]
    note: str | None = None


def common_size(rows: Sequence[tuple[Size, ...]]) -> CommonSize:
    """A common size for rows of pictures: each row holds the sizes of one picture in every set.

    Rows of one size each, as a pair before and after a shift mostly has, are cropped to the smallest height and width,
    unless that loses most of the pixels. Else the rows of the most common sizes are kept.

    >>> common_size([((8, 9), (8, 9)), ((9, 8), (9, 8))]).sizes
    ((8, 8), (8, 8))
    >>> common_size([((8, 9), (4, 4)), ((9, 8), (4, 4)), ((8, 9), (4, 4))]).kept.tolist()
    [True, False, True]
    """
    everything = np.ones(len(rows), bool)
    first = rows[0]
    if all(row == first for row in rows):
        return CommonSize(first, everything)
    different = plural(len(set(rows)), "size")
    if all(size == row[0] for row in rows for size in row):
        height, width = (min(row[0][axis] for row in rows) for axis in (0, 1))
        share = height * width * len(rows) / sum(row[0][0] * row[0][1] for row in rows)
        if share >= FEWEST_PIXELS:
            note = f"pictures of {different}, cropped about their centre to {height} × {width}"
            return CommonSize(((height, width),) * len(first), everything, note)
    sizes, count = Counter(rows).most_common(1)[0]
    kept = np.array([row == sizes for row in rows])
    shown = " and ".join(f"{height} × {width}" for height, width in dict.fromkeys(sizes))
    note = f"pictures of {different}: the {count:,} of {len(rows):,} of the most common one, {shown}, were kept"
    return CommonSize(sizes, kept, note)
