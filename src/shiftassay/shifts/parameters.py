"""Parameters of shifts: one number, or how it is drawn, or what was drawn for each image; and how it is looked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, JsonValue, TypeAdapter

from shiftassay.errors import BadInput

ParameterValue = Annotated[Any, BeforeValidator(TypeAdapter(JsonValue).validate_python)]
"""One parameter as JSON: a number, a list, {low, high}, {values}, {mean, sd, …}. Open to type checkers; records check that it is JSON."""
Parameters = Mapping[str, ParameterValue]
"""A family's parameters by name, as JSON: what `Shift.parameters` gives and `catalogue.make` takes."""

BETWEEN = 9  # values between two that a draw is looked for from


@dataclass(frozen=True)
class Uniform:
    """A parameter drawn uniformly between two values."""

    low: float
    high: float

    @property
    def extremes(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def at(self, u: np.ndarray) -> np.ndarray:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of a few values, each as likely as the others: (−θ, θ) is θ with a random sign."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise BadInput("a choice needs at least one value, such as -15|15.")

    @property
    def extremes(self) -> tuple[Any, ...]:
        return self.values

    def at(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(self.values, np.float64)[(u * len(self.values)).astype(np.int64)]


@dataclass(frozen=True, eq=False)
class PerImage:
    """A parameter that is known for each of the images at hand: what an estimate image by image is made with."""

    values: np.ndarray

    @property
    def extremes(self) -> tuple[Any, ...]:
        return (float(self.values.min()), float(self.values.max())) if self.values.ndim == 1 else tuple(self.values)

    def at(self, u: np.ndarray) -> np.ndarray:
        return self.values


Number = float | Uniform | Choice | PerImage
"""A parameter: one number, how it is drawn, or what was drawn."""


@dataclass(frozen=True)
class SearchRange:
    """How a parameter is looked for: where from, the step of its finite differences, and between what limits.

    A step of 0 says that there is no useful derivative: the starts are all there is. Whole starts make a whole number.
    """

    starts: tuple[int | float, ...]
    step: int | float
    low: float = -np.inf
    high: float = np.inf
    resolution: float | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value there can be."""
        return (float(self.low), float(self.high)) if self.step else (float(min(self.starts)), float(max(self.starts)))

    @property
    def same(self) -> float:
        """Estimates from single images that are nearer than this count as equal."""
        return self.resolution or 2 * self.step


def is_drawn(value: Any) -> bool:
    """Whether a parameter differs from image to image."""
    return isinstance(value, Uniform | Choice | PerImage)


def draw(value: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """One value for each of n images: the same one, or fresh ones."""
    return draws([value], n, rng)[0]


def draws(values: Sequence[Any], n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Of each parameter, one value for each of n images, drawn image by image: the first images get theirs however many follow."""
    where = iter(rng.random((n, sum(map(is_drawn, values)))).T)
    return [v.at(next(where)) if is_drawn(v) else np.repeat(np.asarray(v, np.float64)[None], n, 0) for v in values]


def draw_one(value: Uniform | Choice, rng: np.random.Generator) -> Any:
    """One value for all images."""
    if isinstance(value, Choice):
        return value.values[rng.integers(len(value.values))]
    return rng.uniform(value.low, value.high)


def spread(values: np.ndarray) -> np.ndarray:
    """One number for each image, in a shape that multiplies images."""
    return values.astype(np.float32)[:, None, None, None]


def extremes(value: Any) -> tuple[Any, ...]:
    """The values between which, or out of which, a parameter is drawn; itself if it is not."""
    return value.extremes if is_drawn(value) else (value,)


def count_numbers(value: Any) -> int:
    """How many free numbers a parameter has: two for a range, up to four for a choice.

    >>> count_numbers(3.0), count_numbers((1.0, 2.0)), count_numbers(Uniform(0.0, 1.0)), count_numbers(True)
    (1, 2, 2, 0)
    """
    if isinstance(value, tuple):
        return sum(map(count_numbers, value))
    if isinstance(value, Uniform):
        return 2
    if isinstance(value, Choice):
        return min(len(value.values), 4) * (count_numbers(value.values[0]) if isinstance(value.values[0], tuple) else 1)
    return int(isinstance(value, int | float) and not isinstance(value, bool))


def spaced(value: Any, searched: SearchRange) -> Sequence[float | int]:
    """Numbers that a value may have been drawn as: some of them, or, where no derivative leads on, all that are searched."""
    if not isinstance(value, Uniform):
        return extremes(value)
    if searched.step:
        return np.linspace(value.low, value.high, BETWEEN).tolist()
    margin = 0.1 * (value.high - value.low)
    return [start for start in searched.starts if value.low - margin <= start <= value.high + margin]


def plain(value: Any) -> Any:
    """A parameter as JSON: numbers, lists, {low, high}, {values}, and shifts as they say themselves."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Uniform):
        return {"low": value.low, "high": value.high}
    if isinstance(value, Choice):
        return {"values": plain(value.values)}
    return [plain(v) for v in value] if isinstance(value, tuple) else value
