"""Two models, and what is tried to make one of them answer as the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, eq=False)
class Pair:
    """Two models by their names, for images of this shape (channels, height, width)."""

    names: tuple[str, str]
    models: tuple[nn.Module, nn.Module]
    shape: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Trial:
    """One of the two models, `place` 0 or 1, changed as an explanation has it.

    `change` says how it was changed: a clause that follows the model's name. `make` makes the changed model, which may
    raise `BadInput` where it can't be. `draws` says that it answers otherwise each time.
    """

    place: int
    change: str
    make: Callable[[], nn.Module]
    draws: bool = False


Trials = Callable[[Pair], Iterator[Trial]]
"""What there is to try for a kind of explanation: nothing where neither model can be changed so."""
