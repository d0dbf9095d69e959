"""Symbolic values of a traced network's nodes while they are matched."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """One image's value at a node: its number and shape.

    `turned`: (position, channel), stored transposed.
    """

    number: int
    shape: tuple[int, ...]
    turned: bool = False


@dataclass(frozen=True)
class Vectors:
    """A parameter that no module owns."""

    parameter: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    theta: Value
    size: tuple[int, int]


@dataclass(frozen=True)
class Projection:
    of: Value
    layer: str


@dataclass(frozen=True)
class Attended:
    of: Value
    layer: str
    projections: tuple[str, str, str]
    heads: int
    across_batch: bool
