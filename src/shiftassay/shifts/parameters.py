"""Parameters of shifts: one number, a distribution, or one value per image.

And where to search for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, JsonValue, TypeAdapter

from shiftassay.errors import BadInput

ParameterValue = Annotated[Any, BeforeValidator(TypeAdapter(JsonValue).validate_python)]
"""One parameter as JSON: a number, a list, {low, high}, … Any to type checkers; a record checks that it is JSON."""
Parameters = Mapping[str, ParameterValue]
"""A family's parameters by name, as JSON: what `Shift.parameters` gives and `catalog.make` takes."""

BEYOND = 0.3  # of a range, whose ends are estimated from few images
BETWEEN = 9  # values of a range that the search for an image's draw starts from


@dataclass(frozen=True)
class Uniform:
    """A parameter drawn uniformly between two values."""

    low: float
    high: float

    @property
    def extremes(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Draws, from as many draws between 0 and 1."""
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Choice:
    """A parameter drawn from a few values, all equally likely: (−θ, θ) is θ with a random sign."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise BadInput("a choice needs at least one value, such as -15|15.")

    @property
    def extremes(self) -> tuple[Any, ...]:
        return self.values

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(self.values, np.float64)[(u * len(self.values)).astype(np.int64)]


@dataclass(frozen=True, eq=False)
class PerImage:
    """A parameter with one value per image: what an estimate image by image gives."""

    values: np.ndarray

    @property
    def extremes(self) -> tuple[Any, ...]:
        return (float(self.values.min()), float(self.values.max())) if self.values.ndim == 1 else tuple(self.values)

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        return self.values


Number = float | Uniform | Choice | PerImage
"""A parameter: one number, a distribution, or one value per image."""


@dataclass(frozen=True)
class SearchRange:
    """The search for a parameter: starting values, step of finite differences, and limits.

    A step of 0 means that there is no useful derivative: only the starts are tried. Integer starts make it an integer.
    """

    starts: tuple[int | float, ...]
    step: int | float
    low: float = -np.inf
    high: float = np.inf
    resolution: float | None = None
    pixels: bool = False
    """Whether it is a length on the picture, in pixels."""
    last_step: float | None = None
    """The step once a fit is close, where remakes jump at some values within the usual one."""

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value allowed."""
        return (float(self.low), float(self.high)) if self.step else (float(min(self.starts)), float(max(self.starts)))

    @property
    def tolerance(self) -> float:
        """Estimates from single images that differ by less count as equal."""
        return self.resolution or 2 * self.step


def is_drawn(value: Any) -> bool:
    """Whether a parameter differs from image to image."""
    return isinstance(value, Uniform | Choice | PerImage)


def draw(value: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """One value for each of n images: the same one, or fresh ones."""
    return draws([value], n, rng)[0]


def draws(values: Sequence[Any], n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Of each parameter, one value for each of n images.

    They are drawn image by image, so that the first draws do not depend on n.
    """
    uniform = iter(rng.random((n, sum(map(is_drawn, values)))).T)
    return [
        v.from_uniform(next(uniform)) if is_drawn(v) else np.repeat(np.asarray(v, np.float64)[None], n, 0)
        for v in values
    ]


def draw_one(value: Uniform | Choice, rng: np.random.Generator) -> Any:
    """One value for all images."""
    if isinstance(value, Choice):
        return value.values[rng.integers(len(value.values))]
    return rng.uniform(value.low, value.high)


def spread(values: np.ndarray) -> np.ndarray:
    """One number per image, in a shape that broadcasts over images (n, c, h, w)."""
    return values.astype(np.float32)[:, None, None, None]


def extremes(value: Any) -> tuple[Any, ...]:
    """The values, or the ends of the range, that a parameter is drawn from.

    The value itself if it is not drawn.
    """
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


def candidates(value: Any, search: SearchRange) -> Sequence[float | int]:
    """Values that may have been drawn.

    Some of a range, or all starts in it where there is no derivative.
    """
    if not isinstance(value, Uniform):
        return extremes(value)
    if search.step:
        return np.linspace(value.low, value.high, BETWEEN).tolist()
    margin = BEYOND * (value.high - value.low)
    return [start for start in search.starts if value.low - margin <= start <= value.high + margin]


def plain(value: Any) -> Any:
    """A parameter as JSON: a number, a list, {low, high}, {values}, or a shift."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Uniform):
        return {"low": value.low, "high": value.high}
    if isinstance(value, Choice):
        return {"values": plain(value.values)}
    return [plain(v) for v in value] if isinstance(value, tuple) else value
