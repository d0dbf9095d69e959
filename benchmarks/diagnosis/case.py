"""What a case of the benchmark is: how a shifted set is made, and what a right diagnosis of it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

Images = np.ndarray
"""float32 (n, h, w), or (n, c, h, w) in colour, black 0, white 1."""
Labels = np.ndarray
ANY = "any"
Parameter = Any
"""A number or list, {"low", "high"} for uniform draws, {"values": […]} for draws out of several."""


@dataclass(frozen=True)
class Made:
    """Shifted images with their labels, and what was drawn once for all of them: a permutation, a pattern, a field."""

    images: Images
    labels: Labels
    drawn: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[Images, Labels, np.random.Generator], Made]


@dataclass(frozen=True)
class Answer:
    """A right verdict, in the catalogue's words; `parameters` None: whichever."""

    family: str
    parameters: Mapping[str, Any] | None = field(default_factory=dict)
    scope: str | None = "shared"
    """ANY: whichever."""


@dataclass(frozen=True)
class Part:
    """One shift of a family with its parameters, and a way of making it."""

    family: str
    parameters: Mapping[str, Parameter]
    make: Make
    group: str
    scope: str | None = "shared"
    information: str = "reduced"
    way: str = "float"
    also: tuple[Answer, ...] = ()
    """Other verdicts that are as right."""

    @property
    def name(self) -> str:
        shown = ",".join(f"{k}={short(v)}" for k, v in self.parameters.items())
        scope = "/each" if self.scope == "per_image" else ""
        return f"{self.family}{f':{shown}' if shown else ''}{scope}/{self.way}"

    @property
    def needs(self) -> set[str]:
        """Packages of development that make it."""
        return {package for package in ("cv2", "skimage") if package in self.way}


@dataclass(frozen=True)
class Drawn:
    """A drawn case's seed, stratum and number there, from which it can be made again, and its number of images."""

    seed: int
    stratum: str
    index: int
    images: int


@dataclass(frozen=True)
class Case:
    """A pair of sets to diagnose and what is right to say of them; `parts` in the order applied, none for nulls."""

    group: str
    parts: tuple[Part, ...]
    pairing: str | None = "same_order"
    """Of reference and shifted set; None: not judged."""
    share: float = 1.0
    """Of the images that are shifted."""
    dataset: str = "mnist"
    left_out: str | None = None
    """A family that the catalogue lacks in this diagnosis."""
    model: bool = False
    """Whether the diagnosis is given the model that was attacked."""
    variant: str = ""
    prepare: Callable[[Images, np.random.Generator], Images] = lambda images, rng: images
    """Applied to the reference before anything else."""
    also: Callable[[list[dict[str, Any]]], tuple[Answer, ...]] = lambda parts: ()
    """From the parts, with what was drawn: other right answers."""
    instead: tuple[Answer, ...] = ()
    """The right answers where the truth itself can't be found."""
    by_labels: Callable[[Labels, Labels], tuple[Answer, ...]] | None = None
    """From the labels of both sets: the right answers, where these decide it."""
    arrays: bool = False
    """The reference given as bytes and the shifted set as floats on the same scale, 0 to 255."""
    drawn: "Drawn | None" = None
    """Where a drawn case comes from; None for those that are listed."""

    @property
    def name(self) -> str:
        what = " + ".join(part.name for part in self.parts) or "identity"
        extras = [
            self.variant,
            self.pairing if self.pairing in ("unpaired", "reordered") else "",
            f"share={self.share:g}" if self.share < 1 else "",
            self.dataset if self.dataset != "mnist" else "",
            f"without {self.left_out}" if self.left_out else "",
            "bytes and floats" if self.arrays else "",
            "model" if self.model else "",
            f"n={self.drawn.images}" if self.drawn else "",
        ]
        group = f"{self.drawn.stratum}-{self.drawn.index}" if self.drawn else self.group
        return " ".join([f"{group}/{what}", *(f"[{extra}]" for extra in extras if extra)])

    @property
    def family(self) -> str:
        """The verdict's family; that of most cases' single part."""
        if len(self.parts) > 1:
            return "compose"
        return self.parts[0].family if self.parts else "identity"

    @property
    def stratum(self) -> str:
        """What cases are counted by."""
        return f"{self.group}:{'+'.join(part.family for part in self.parts) or self.variant or 'identity'}"

    @property
    def information(self) -> str:
        levels = ("preserved", "reduced", "destroyed")
        return levels[max((levels.index(part.information) for part in self.parts), default=0)]

    @property
    def makeable(self) -> bool:
        """Whether the packages that make it are installed."""
        return all(find_spec(package) for part in self.parts for package in part.needs)


def draw(value: Parameter, n: int, rng: np.random.Generator) -> np.ndarray:
    """A value for each of n images."""
    if isinstance(value, Mapping) and "low" in value:
        return rng.uniform(value["low"], value["high"], n)
    if isinstance(value, Mapping):
        values = np.asarray(value["values"], float)
        return values[rng.integers(len(values), size=n)]
    return np.repeat(np.asarray(value, float)[None], n, 0)


def by(transform: Callable[..., Any], parameters: Mapping[str, Parameter], rounded: bool = False) -> Make:
    """Makes with a function of images, a generator and each parameter's n values.

    It returns images, or those and what it drew.
    """

    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        values = {name: draw(value, len(images), rng) for name, value in parameters.items()}
        result = transform(images, rng, **values)
        shifted, drawn = result if isinstance(result, tuple) else (result, {})
        return Made(eight_bits(shifted) if rounded else shifted.astype(np.float32), labels, drawn)

    return make


def eight_bits(images: Images) -> Images:
    """As stored in bytes and read again."""
    return (np.rint(np.clip(images, 0, 1) * 255) / 255).astype(np.float32)


def each(values: np.ndarray) -> np.ndarray:
    """One number for each image, in a shape that multiplies images."""
    return values[:, None, None]


def short(value: Any) -> str:
    if isinstance(value, Mapping):
        if "low" in value:
            return f"{value['low']:g}..{value['high']:g}"
        return "|".join(map(short, value["values"]))
    if isinstance(value, list | tuple | np.ndarray):
        flat = np.ravel(np.asarray(value, float))
        return f"[{' '.join(f'{v:g}' for v in flat)}]" if len(flat) <= 10 else f"[{len(flat)}]"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
