"""The interval of a parameter that only its family can find."""

from typing import NamedTuple


class OwnInterval(NamedTuple):
    """A parameter's estimate, and the ends of its interval."""

    estimate: float
    low: float
    high: float

    @classmethod
    def within(cls, low: float, high: float, level: float) -> "OwnInterval":
        """Of a value that may be anywhere between two."""
        margin = (1 - level) / 2 * (high - low)
        return cls((low + high) / 2, low + margin, high - margin)
