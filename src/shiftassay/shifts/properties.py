"""What a shift can be taken for, what of an image survives it, and what can be proved of it."""

from collections.abc import Callable

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.ascent import Ball
from shiftassay.shifts.estimation.pairs import Pairs

Invariant = Callable[[Images], Images]


class Properties:
    """Methods of a family, with the answers of most families."""

    def permutes_smoothly(self, pairs: Pairs) -> bool:
        """Whether it is a permutation that keeps neighbours together, as a warp does."""
        return False

    def imitates(self, images: Images) -> str | None:
        """The name of a family that can hardly be told from it on these images, if there is one."""
        return None

    @property
    def position_permutation(self) -> tuple[int, ...] | None:
        """The permutation p of positions, out[i] = in[p[i]], if the shift is one."""
        return None

    @property
    def shuffles(self) -> bool:
        """Whether only the multiset of an image's pixel values survives."""
        return False

    @property
    def largest_change(self) -> float | None:
        """The largest change of a pixel, if it is one number for all; None if it is unknown."""
        return None

    @property
    def ball(self) -> Ball | None:
        """The ball around each image that an attack stays in; None for other families."""
        return None

    @property
    def theory(self) -> str | None:
        """What can be proved of its effect on a classifier, in two sentences; None if nothing can.

        Of a shift that `shuffles`: that the values of an image are all that it still tells of its class.
        """
        return None

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        """Name and function of a statistic that no drawn parameter changes; None if unknown."""
        return None
