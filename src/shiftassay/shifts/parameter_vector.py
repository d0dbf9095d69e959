"""A family's parameters as a vector of numbers: what a fit by least squares needs of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from itertools import product
from typing import Any, ClassVar, cast

import numpy as np
from jaxtyping import Bool, Float64

from shiftassay.errors import BadInput
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.parameters import PerImage, SearchRange, candidates


class ParameterVector:
    """A dataclass of parameters as a vector of the k numbers that are fitted.

    By default these are the numbers of `search`. What is made from numbers is of the class itself; type checkers see
    Any, since a family may make another one.
    """

    search: ClassVar[Mapping[str, SearchRange]] = {}
    """The parameters that least squares fit."""

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """The names of the parameters that are estimated."""
        return tuple(f.name for f in fields(cast(Any, cls)) if f.name not in ("scope", "clip"))

    @classmethod
    def search_starts(cls, pairs: Pairs) -> Float64[np.ndarray, "g k"]:
        """The numbers that a fit to these pairs starts from."""
        return np.array(list(product(*(s.starts for s in cls.search.values()))), np.float64)

    def candidate_draws(self) -> Float64[np.ndarray, "g k"]:
        """The numbers that may have been drawn for an image, or some of their range."""
        starts = [candidates(getattr(self, name), search) for name, search in self.search.items()]
        return np.array(list(product(*starts)), np.float64)

    @classmethod
    def search_steps(cls) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each number: the step of its finite differences, its lower and its upper limit."""
        s = cls.search.values()
        return np.array([v.step for v in s]), np.array([v.low for v in s]), np.array([v.high for v in s])

    @classmethod
    def search_lengths(cls) -> Bool[np.ndarray, "k"]:
        """Which of the numbers are lengths in pixels.

        In pictures half as large they are half as large.
        """
        return np.array([v.pixels for v in cls.search.values()], bool)

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Any:
        """The shared shift with the k numbers of a fit."""
        kinds = [type(s.starts[0]) for s in cls.search.values()]
        return cls(**{name: kind(value) for name, kind, value in zip(cls.search, kinds, numbers, strict=True)})

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> Any:
        """The shift with the numbers (n, k) of n images."""
        parameters = {name: PerImage(column) for name, column in zip(cls.search, numbers.T, strict=True)}
        return cls(**{**parameters, "scope": "per_image"})

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> Any:
        """The shift whose distributions fit the numbers (n, k) drawn for n images."""
        parameters: dict[str, Any] = {"scope": "per_image"}
        for (name, search), column in zip(cls.search.items(), numbers.T, strict=True):
            value = distribution(column, search.tolerance, search.limits)
            parameters[name] = type(search.starts[0])(value) if isinstance(value, float) else value
        return cls(**parameters)

    def neighbours(self) -> Iterator[Any]:
        """The shifts in which one or two whole numbers are larger or smaller by 1.

        That is, whole numbers that are the same for all images, and those of such shifts that are allowed.
        """
        names = [name for name, value in vars(self).items() if type(value) is int]
        for steps in product((-1, 0, 1), repeat=len(names)):
            if 0 < sum(map(abs, steps)) <= 2:
                moved = {name: getattr(self, name) + step for name, step in zip(names, steps, strict=True)}
                with suppress(BadInput):
                    yield replace(cast(Any, self), **moved)
