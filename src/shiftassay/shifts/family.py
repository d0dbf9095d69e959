"""What every family of shifts is: a frozen dataclass whose fields are its parameters and whose methods are what it does."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64

from shiftassay.errors import BadInput
from shiftassay.registry import Registry

Scope = Literal["shared", "per_image"]
Information = Literal["preserved", "reduced", "destroyed"]
Images = Float32[np.ndarray, "n c h w"]

FAMILIES: Registry[type["Shift"]] = Registry("shift", "shiftassay.shifts")


@dataclass(frozen=True)
class Uniform:
    """A parameter drawn uniformly between two values."""

    low: float
    high: float


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
    needs_model: ClassVar[bool] = False

    scope: Scope = dataclasses.field(default="shared", kw_only=True)

    def __post_init__(self) -> None:
        if self.scope not in self.scopes:
            raise BadInput(f"{self.family}: its scope is {' or '.join(self.scopes)}, not {self.scope!r}.")

    @property
    @abstractmethod
    def information(self) -> Information:
        """What is left of an image: `preserved` means that `undo` is exact up to rounding."""

    @abstractmethod
    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        """The shifted images. What is drawn for each image is drawn in the order of the images."""

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        """The images brought back as far as they can be, given the generator that `apply` was given; None if not at all."""
        return None

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Shift":
        """The same shift with whatever is drawn once for all images of (c, h, w) now fixed; the shift itself if nothing is."""
        if self.scope == "per_image":
            return self
        fixed = {name: rng.uniform(v.low, v.high) for name, v in vars(self).items() if isinstance(v, Uniform)}
        return dataclasses.replace(self, **fixed)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON: numbers, lists, and {low, high} for what is drawn."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "scope"}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Family, parameters and scope: what `make` takes."""
        return {"family": self.family, "parameters": self.parameters, "scope": self.scope}

    def __str__(self) -> str:
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        shown = [f"{name} = {_short(v)}" for name, v in self.parameters.items() if v != defaults[name]]
        drawn = "per_image" in self.scopes
        each = {"shared": ", the same for all images", "per_image": ", drawn afresh for each image"}[self.scope]
        return self.family + (f" ({', '.join(shown)})" if shown else "") + (each if drawn else "")


def draw(value: "float | Uniform", n: int, rng: np.random.Generator) -> np.ndarray:
    """One value for each of n images: the same one, or fresh ones."""
    return rng.uniform(value.low, value.high, n) if isinstance(value, Uniform) else np.full(n, float(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Uniform):
        return {"low": value.low, "high": value.high}
    return list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['low']:g} … {value['high']:g}"
    if isinstance(value, list):
        return f"{len(value)} places"
    return value if isinstance(value, str) else f"{value:g}"
