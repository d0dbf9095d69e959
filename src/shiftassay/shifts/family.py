"""What every family of shifts is: a frozen dataclass whose fields are its parameters and whose methods are what it does."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.registry import Registry

if TYPE_CHECKING:
    from shiftassay.shifts.estimation.pairs import Pairs

BETWEEN = 9  # values between two that a draw is looked for from

Scope = Literal["shared", "per_image"]
Information = Literal["preserved", "reduced", "destroyed"]
Images = Float32[np.ndarray, "n c h w"]

FAMILIES: Registry[type["Shift"]] = Registry("shift", "shiftassay.shifts", "shiftassay.shifts.families")


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
class Each:
    """A parameter that is known for each of the images at hand: what an estimate image by image is made with."""

    values: np.ndarray

    @property
    def extremes(self) -> tuple[Any, ...]:
        return (float(self.values.min()), float(self.values.max())) if self.values.ndim == 1 else tuple(self.values)

    def at(self, u: np.ndarray) -> np.ndarray:
        return self.values


Number = float | Uniform | Choice | Each
"""A parameter: one number, how it is drawn, or what was drawn."""


@dataclass(frozen=True)
class Searched:
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


@dataclass(frozen=True)
class Context:
    """What a shift that is aimed at a model needs: the true labels and the model's logits, differentiable."""

    labels: Int64[np.ndarray, "n"]
    logits: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Shift(ABC):
    """One transformation of image sets: a family (the class), its parameters (the fields) and its scope."""

    family: ClassVar[str]  # the name it is registered under
    group: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]] = ("shared",)
    why: ClassVar[str]
    """One sentence on why it hurts a network."""

    search: ClassVar[Mapping[str, Searched]] = {}
    """The parameters that are looked for, for families that are estimated by fitting alone."""
    smooth: ClassVar[bool] = False
    """Whether the picture moves, so that it is easier found on blurred images."""

    scope: Scope = dataclasses.field(default="shared", kw_only=True)

    def __post_init__(self) -> None:
        if self.scope not in self.scopes:
            raise BadInput(f"{self.family}: its scope is {' or '.join(self.scopes)}, not {self.scope!r}.")

    @property
    @abstractmethod
    def information(self) -> Information:
        """What is left of an image: `preserved` means that `undo` is exact up to rounding."""

    @property
    def needs_model(self) -> bool:
        """Whether `apply` needs a context: it is aimed at a model."""
        return False

    @abstractmethod
    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        """The shifted images. What is drawn for each image is drawn in the order of the images."""

    def on_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        """The shifted image set: `apply`, unless the family changes labels too, or which images there are."""
        return dataclasses.replace(image_set, images=self.apply(image_set.images, rng, context))

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        """The images brought back as far as they can be, given the generator that `apply` was given; None if not at all."""
        return None

    @classmethod
    def estimate(cls, pairs: "Pairs") -> "list[Shift]":
        """The family's best guesses at what lies between the pairs, one for each scope; none where it can't be.

        By default its `search` is fitted: least squares over all images, and over each image (see `fitting`).
        """
        from shiftassay.shifts.estimation.fitting import fitted  # late: fitting makes shifts

        return fitted(cls, pairs)

    def followed(self, pairs: "Pairs") -> "Shift | None":
        """This shift with what it drew for each of the pairs' images found out again; itself if nothing is drawn; None if it can't be."""
        if self.scope == "shared":
            return self
        if not self.search:
            return None
        from shiftassay.shifts.estimation.fitting import Following, fit_each

        following = Following(self)
        try:
            return following.at_each(fit_each(following, self.own_starts(), pairs))
        except BadInput:  # numbers that the family does not allow
            return None

    @classmethod
    def numbers(cls) -> tuple[str, ...]:
        """The names of the parameters that are to be found out."""
        return tuple(f.name for f in dataclasses.fields(cls) if f.name not in ("scope", "clip"))

    @classmethod
    def starts(cls, size: tuple[int, ...]) -> np.ndarray:
        """(g, k): the numbers that a fit starts from, for images of size (h, w)."""
        return np.array(list(product(*(s.starts for s in cls.search.values()))), np.float64)

    def own_starts(self) -> np.ndarray:
        """(g, k): the numbers that this shift may have drawn, or some between those."""
        spaced = [_spaced(getattr(self, name), searched) for name, searched in self.search.items()]
        return np.array(list(product(*spaced)), np.float64)

    @classmethod
    def steps(cls) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each number: the step of its finite differences, its lower and its upper limit."""
        s = cls.search.values()
        return np.array([v.step for v in s]), np.array([v.low for v in s]), np.array([v.high for v in s])

    @classmethod
    def at(cls, numbers: np.ndarray) -> "Shift":
        """The shared shift with the k numbers of a fit."""
        kinds = [type(s.starts[0]) for s in cls.search.values()]
        given = {name: kind(value) for name, kind, value in zip(cls.search, kinds, numbers, strict=True)}
        return cls(**given)  # pyright: ignore[reportArgumentType]

    @classmethod
    def at_each(cls, numbers: np.ndarray) -> "Shift":
        """The shift with the numbers (n, k) of n images."""
        return cls(
            **{name: Each(column) for name, column in zip(cls.search, numbers.T, strict=True)}, scope="per_image"
        )

    @classmethod
    def drawn_from(cls, numbers: np.ndarray) -> "Shift":
        """The shift whose draws the numbers (n, k) of n images look like."""
        from shiftassay.shifts.estimation.fitting import distribution

        how = {}
        for (name, searched), column in zip(cls.search.items(), numbers.T, strict=True):
            value = distribution(column, searched.same, searched.limits)
            how[name] = type(searched.starts[0])(value) if isinstance(value, float) else value
        return cls(**how, scope="per_image")

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Shift":
        """The same shift with whatever is drawn once for all images of (c, h, w) now fixed; the shift itself if nothing is."""
        if self.scope == "per_image":
            return self
        fixed = {name: _one(v, rng) for name, v in vars(self).items() if isinstance(v, Uniform | Choice)}
        return dataclasses.replace(self, **fixed)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON: numbers, lists, and {low, high} or {values} for what is drawn."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "scope"}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Family, parameters and scope: what `make` takes."""
        scope = None if self.group in ("none", "sample", "several") else self.scope
        return {"family": self.family, "parameters": self.parameters, "scope": scope}

    def __str__(self) -> str:
        defaults = {f.name: _plain(f.default) for f in dataclasses.fields(self)}
        shown = [f"{name} = {_short(v)}" for name, v in self.parameters.items() if v != defaults[name]]
        drawn = "per_image" in self.scopes
        each = {"shared": ", the same for all images", "per_image": ", drawn afresh for each image"}[self.scope]
        return self.family + (f" ({', '.join(shown)})" if shown else "") + (each if drawn else "")


def draw(value: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """One value for each of n images: the same one, or fresh ones."""
    return draws([value], n, rng)[0]


def draws(values: Sequence[Any], n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Of each parameter, one value for each of n images, drawn image by image: the first images get theirs however many follow."""
    where = iter(rng.random((n, sum(isinstance(v, Uniform | Choice | Each) for v in values))).T)
    return [
        v.at(next(where))
        if isinstance(v, Uniform | Choice | Each)
        else np.repeat(np.asarray(v, np.float64)[None], n, 0)
        for v in values
    ]


def spread(values: np.ndarray) -> np.ndarray:
    """One number for each image, in a shape that multiplies images."""
    return values.astype(np.float32)[:, None, None, None]


def extremes(value: Any) -> tuple[Any, ...]:
    """The values between which, or out of which, a parameter is drawn; itself if it is not."""
    return value.extremes if isinstance(value, Uniform | Choice | Each) else (value,)


def check(shift: Shift, name: str, holds: Callable[[float], bool], allowed: str) -> None:
    """Raise `BadInput` unless a parameter is what is allowed wherever it may be drawn."""
    for value in extremes(getattr(shift, name)):
        if not holds(value):
            raise BadInput(f"{shift.family}: {name} must be {allowed}, not {value:g}.")


def _one(value: Uniform | Choice, rng: np.random.Generator) -> Any:
    if isinstance(value, Choice):
        return value.values[rng.integers(len(value.values))]
    return rng.uniform(value.low, value.high)


def _plain(value: Any) -> Any:
    if isinstance(value, Shift):
        return value.to_json()
    if isinstance(value, Uniform):
        return {"low": value.low, "high": value.high}
    if isinstance(value, Choice):
        return {"values": _plain(value.values)}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _spaced(value: Any, searched: "Searched") -> Sequence[float | int]:
    """Numbers that a value may have been drawn as: some of them, or, where no derivative leads on, all that are searched."""
    if not isinstance(value, Uniform):
        return extremes(value)
    if searched.step:
        return np.linspace(value.low, value.high, BETWEEN).tolist()
    margin = 0.1 * (value.high - value.low)
    return [start for start in searched.starts if value.low - margin <= start <= value.high + margin]


def _short(value: Any) -> str:
    if isinstance(value, dict) and "family" in value:
        return value["family"]
    if isinstance(value, dict) and "values" in value:
        values = value["values"]
        if len(values) == 2 and not isinstance(values[0], list) and values[0] == -values[1]:
            return f"±{abs(values[0]):g}"
        return " or ".join(map(_short, values))
    if isinstance(value, dict):
        return f"{value['low']:g} … {value['high']:g}"
    if isinstance(value, list):
        return f"{len(value)} places" if len(value) > 8 else f"[{', '.join(map(_short, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:g}"
