"""The ink that lines added to pictures, and the search for the parameters of these lines."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs

WHITE = 0.99  # of the brightest: ink may have been clipped where the result is as bright as this
SHARPNESS = 10.0  # scales the residual for `matched`, whose tolerances are made for numbers of about 1
LARGEST_RESIDUAL = 0.6  # of the ink's energy: lines that leave more are not what was drawn, unless noise is left
LEAST_RISE = 0.25  # rows of white: lines add more ink
DARKER = 0.8  # of the energy of what became brighter: at most so much became darker
LEAST_INK = 0.5  # of the lines' own energy: what they have to explain where noise is left
SOME_INK = 0.1  # of it: less, and no line is looked for further
ALONE = 0.3  # correlation with the next pixels of a row up to which what is left is noise
LARGE = 96  # rows: in larger pictures too many lines may have been drawn to try each

Ink = Float[np.ndarray, "n h w"]
Mask = Bool[np.ndarray, "n h w"]


def may_be_lines(pairs: Pairs) -> bool:
    """Whether pictures are small enough to try every line, and became brighter."""
    if min(pairs.reference.shape[2:]) < 3 or pairs.reference.shape[2] > LARGE:
        return False
    difference = pairs.shifted - pairs.before_added
    up, down = (float((part**2).sum(dtype=np.float64)) for part in (difference.clip(0), difference.clip(None, 0)))
    return down < DARKER * up and float(difference.mean()) > LEAST_RISE / pairs.reference.shape[2]


def added_ink(pairs: Pairs) -> tuple[Ink, Mask]:
    """The ink that was added, and where no clipping hides it.

    What came after may have clipped at another grey value than white.
    """
    before, brightest = pairs.before_added, pairs.shifted.max()
    unclipped = pairs.shifted < WHITE * brightest
    if brightest >= WHITE:
        unclipped |= before < 1 - WHITE
    difference = (pairs.shifted - before).astype(np.float64)
    return np.where(unclipped, difference, 0).mean(1), np.asarray(unclipped.all(1))


def seen_ink(lines: Float[np.ndarray, "m h w"], pairs: Pairs) -> Float[np.ndarray, "m h w"]:
    """What is seen of the ink of lines: white at most, and as the map that followed leaves it."""
    return pairs.followed_alone(np.minimum(lines, np.float32(1)).astype(np.float32))


def errors_of_lines(lines: Float[np.ndarray, "m h w"], ink: Ink, unclipped: Mask) -> Float[np.ndarray, "n m"]:
    """Of each image and each line, the squared error of the ink, less that without a line."""
    n, drawn = len(ink), lines.reshape(len(lines), -1)
    wanted, seen = (part.reshape(n, -1).astype(np.float32) for part in (np.where(unclipped, ink, 0), unclipped))
    return seen @ (drawn**2).T - 2 * wanted @ drawn.T


@dataclass(frozen=True, eq=False)
class LineSearch:
    """The search for the parameters of lines by the ink that was added to some images.

    `lines` gives the ink that is seen of all lines that may be drawn with some parameters, or None if these make no
    sense.
    """

    lines: Callable[[np.ndarray], np.ndarray | None]
    ink: Ink
    unclipped: Mask

    def nearest(self, starts: np.ndarray, strides: np.ndarray, tries: int) -> np.ndarray | None:
        """The parameters whose lines leave least of the ink, each image's best line counted.

        None if the lines of no start explain some of it.
        """
        explained, own = np.array([self._best_lines(start)[1:] for start in starts]).T
        if not (explained > SOME_INK * own).any():
            return None
        start = starts[explained.argmax()]
        return matched(self._residual, np.zeros(1), start[None], strides, tries)[0]

    def explains(self, numbers: np.ndarray) -> bool:
        """Whether the lines explain most of the ink, or leave nothing but noise."""
        best, explained, own = self._best_lines(numbers)
        if self._energy - explained < LARGEST_RESIDUAL * self._energy:
            return True
        if best is None or explained < LEAST_INK * own:
            return False
        left = self.ink - best
        left -= left[self.unclipped].mean()
        left[~self.unclipped] = 0
        beside = (left[..., 1:] * left[..., :-1]).mean()
        return float(beside) < ALONE * float((left**2).mean())

    @cached_property
    def _energy(self) -> float:
        return max(float((np.where(self.unclipped, self.ink, 0) ** 2).sum()), 1e-9)

    def _residual(self, numbers: np.ndarray) -> np.ndarray:
        """The share of the ink that is left, as `matched` squares it.

        Not a number for impossible parameters.
        """
        _, explained, own = self._best_lines(numbers)
        share = max(1 - explained / self._energy, 0)
        return np.array([SHARPNESS * np.sqrt(share) if own else np.nan])

    def _best_lines(self, numbers: np.ndarray) -> tuple[np.ndarray | None, float, float]:
        """Each image's best line, the energy of the ink that these explain, and their own.

        None and 0 for impossible parameters.
        """
        lines = self.lines(numbers)
        if lines is None:
            return None, 0.0, 0.0
        errors = errors_of_lines(lines, self.ink, self.unclipped)
        best = lines[errors.argmin(1)]
        return best, -float(errors.min(1).sum()), float((best**2 * self.unclipped).sum())
