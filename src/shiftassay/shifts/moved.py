"""What shifts that move the picture have in common: something moves in from outside."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.warp import Fill

_current: ContextVar[Fill] = ContextVar("fill", default="black")


def current_fill() -> Fill:
    """What moves in where a shift is made without saying it: black outside of `moving_in`."""
    return _current.get()


@contextmanager
def moving_in(fill: Fill) -> Iterator[None]:
    """A context in which shifts that are made without saying it have this fill.

    It is dynamic scope, not an argument: a search that assumes another fill passes through the estimators of all
    families. A shift keeps its fill when the context ends.
    """
    token = _current.set(fill)
    try:
        yield
    finally:
        _current.reset(token)


@dataclass(frozen=True)
class Moved(Shift):
    """A shift that moves the picture, so that something moves in from outside.

    It is no number that is fitted: a search assumes it, as `moving_in` says.
    """

    group: ClassVar[str] = "geometry"
    smooth: ClassVar[bool] = True

    fill: Fill = field(default_factory=current_fill, kw_only=True)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(name for name in super().parameter_names() if name != "fill")

    @property
    def parameters(self) -> Parameters:
        """The fill last; without it where black moves in."""
        parameters = dict(super().parameters)
        fill = parameters.pop("fill")
        return parameters if fill == "black" else {**parameters, "fill": fill}

    @property
    def variant(self) -> tuple[Any, ...]:
        return (*super().variant, self.fill)

    def on_black(self) -> "Moved":
        return replace(self, fill="black")


def as_in(shift: Shift) -> AbstractContextManager[None]:
    """A context in which what moves in is what does so with this shift.

    For estimating a shift of its family again.
    """
    fills: list[Fill] = [part.fill for part in shift.components if isinstance(part, Moved)]
    return moving_in(fills[0] if fills else "black")
