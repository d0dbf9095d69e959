"""Where pictures live: their names, how to open them, and what is known of their classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import Int64

Opened = Iterator[tuple[int, BufferedIOBase | None]]
"""Places and their open files, in order; None for one that can't be opened."""


@dataclass(frozen=True, eq=False)
class PictureSource:
    """Pictures that are not read yet.

    `title` says what each is called: its file's name, or its row. `names` are the titles where they are names, None
    where they are only places. `opened` opens the files at some places, in ascending order, one after another.
    `labels`, one for each, are indices into `classes` where there are any, −1 where there is none.
    """

    path: Path
    titles: tuple[str, ...]
    opened: Callable[[Sequence[int]], Opened]
    named: bool = True
    labels: Int64[np.ndarray, "n"] | None = None
    classes: tuple[str, ...] | None = None
    labels_from: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.titles)

    def noting(self, *notes: str) -> "PictureSource":
        """The same source, with more to say."""
        return replace(self, notes=(*self.notes, *notes))

    def subset(self, places: Int64[np.ndarray, "k"]) -> "PictureSource":
        """The pictures at these places, which ascend."""

        def opened(some: Sequence[int]) -> Opened:
            row_of = {int(places[row]): row for row in some}
            for place, file in self.opened(sorted(row_of)):
                yield row_of[place], file

        titles = tuple(self.titles[place] for place in places.tolist())
        labels = None if self.labels is None else self.labels[places]
        return replace(self, titles=titles, labels=labels, opened=opened)
