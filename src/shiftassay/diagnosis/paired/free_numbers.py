"""Continuous parameters of a shift as one vector of numbers."""

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Parameters, SearchRange

SHARE = 0.02  # of a number: the step of its finite differences, where its family declares none


@dataclass(frozen=True)
class FreeNumbers:
    """The numbers of some parameters of a shift in a row: real numbers, and matrices of them."""

    shift: Shift
    names: tuple[tuple[str, ...], ...]
    """Of each part, the parameters."""

    @classmethod
    def differentiable(cls, shift: Shift) -> "FreeNumbers":
        """Those of the parts without noise by which a remake has derivatives."""
        parts = shift.components
        return cls(shift, tuple(() if part.random else part.differentiable for part in parts))

    @classmethod
    def simulated(cls, shift: Shift) -> "FreeNumbers":
        """Of noise, or what is drawn for each image: one number for all images."""
        drawn = (part.simulated if part.random or part.scope == "per_image" else () for part in shift.components)
        parts = zip(shift.components, drawn, strict=True)
        return cls(shift, tuple(tuple(n for n in names if isinstance(getattr(p, n), float)) for p, names in parts))

    def of_groups(self, groups: Collection[str]) -> "FreeNumbers":
        """Those of parts of these groups."""
        pairs = zip(self.shift.components, self.names, strict=True)
        return replace(self, names=tuple(names if part.group in groups else () for part, names in pairs))

    def beside(self, others: "FreeNumbers") -> "FreeNumbers":
        """These and others, of the others' shift."""
        return FreeNumbers(others.shift, tuple(a + b for a, b in zip(self.names, others.names, strict=True)))

    def without(self, known: Iterable[Container[str]]) -> "FreeNumbers":
        """Those that are not among the known ones of their part."""
        pairs = zip(self.names, known, strict=True)
        return replace(self, names=tuple(tuple(name for name in names if name not in of) for names, of in pairs))

    def without_noise(self) -> "FreeNumbers":
        """The same numbers, of the shift without its parts with noise."""
        kept = [(part, names) for part, names in zip(self.shift.components, self.names, strict=True) if not part.random]
        parts, names = zip(*kept, strict=True)
        return FreeNumbers(Compose(parts), names)

    @property
    def values(self) -> Float64[np.ndarray, "k"]:
        return np.array([n for part, name in self._parameters for n in _flat(getattr(part, name))], np.float64)

    @property
    def steps(self) -> Float64[np.ndarray, "k"]:
        """The step of each number's finite differences."""
        pairs = zip(self._searches, self.values, strict=True)
        return np.array([(s.last_step or s.step) if s else SHARE * abs(value) for s, value in pairs])

    @property
    def limits(self) -> tuple[Float64[np.ndarray, "k"], Float64[np.ndarray, "k"]]:
        """The lowest and the highest value of each number."""
        limits = np.array([search.limits if search else (-np.inf, np.inf) for search in self._searches])
        return limits[:, 0], limits[:, 1]

    @property
    def signed(self) -> Bool[np.ndarray, "k"]:
        """Whether each number may be negative."""
        return np.array([search is not None and search.low < 0 for search in self._searches])

    @property
    def of_noise(self) -> Bool[np.ndarray, "k"]:
        """Whether each number is one of noise, or of what is drawn for each image."""
        return np.array([name in part.simulated for part, name in self._parameters for _ in _flat(getattr(part, name))])

    def with_values(self, values: Float64[np.ndarray, "k"]) -> Shift:
        """The shift with other numbers. Raises `BadInput` where its family does not allow them."""
        numbers = iter(map(float, values))
        parts = [
            replace(part, **{name: _shaped(getattr(part, name), numbers) for name in names})
            for part, names in zip(self.shift.components, self.names, strict=True)
        ]
        return Compose(tuple(parts)) if isinstance(self.shift, Compose) else parts[0]

    def named(self, low: Float64[np.ndarray, "k"], high: Float64[np.ndarray, "k"]) -> list[dict[str, Any]]:
        """Of each part, [low, high] of each number in the shape of its parameter."""
        ends = iter([[float(a), float(b)] for a, b in zip(low, high, strict=True)])
        return [
            {name: _listed(getattr(part, name), ends) for name in names}
            for part, names in zip(self.shift.components, self.names, strict=True)
        ]

    @property
    def _parameters(self) -> list[tuple[Shift, str]]:
        return [(p, name) for p, names in zip(self.shift.components, self.names, strict=True) for name in names]

    @property
    def _searches(self) -> list[SearchRange | None]:
        """How each number is searched for: each of a list of numbers has its own search."""
        searches: list[SearchRange | None] = []
        for part, names in zip(self.shift.components, self.names, strict=True):
            if any(isinstance(getattr(part, name), tuple) for name in names):
                searches += part.search.values()
            else:
                searches += [part.search.get(name) or part.joint_search.get(name) for name in names]
        return searches


def of_all_parts(shift: Shift, parts: list[dict[str, Any]]) -> Parameters:
    """Intervals as in JSON: of a composition `parts`, a list; empty if no part has any."""
    if not any(parts):
        return {}
    return {"parts": parts} if isinstance(shift, Compose) else parts[0]


def _flat(value: Any) -> list[Any]:
    return [n for v in value for n in _flat(v)] if isinstance(value, tuple) else [value]


def _shaped(like: Any, numbers: Iterator[Any]) -> Any:
    """The numbers in the nesting of a parameter."""
    return tuple(_shaped(v, numbers) for v in like) if isinstance(like, tuple) else next(numbers)


def _listed(like: Any, numbers: Iterator[Any]) -> Any:
    return [_listed(v, numbers) for v in like] if isinstance(like, tuple) else next(numbers)
