"""What every family of shifts is: a frozen dataclass whose fields are its parameters and whose methods are what it does.

What diagnosis and repair have to know of a family, it says itself, in the attributes and methods below: nothing elsewhere
holds its name.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Literal, Protocol, TypedDict

import numpy as np
import torch
from jaxtyping import Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.registry import Registry
from shiftassay.shifts.ascent import Ball
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.groups import GROUPS
from shiftassay.shifts.parameters import (
    Choice,
    Parameters,
    ParameterValue,
    PerImage,
    SearchRange,
    Uniform,
    count_numbers,
    draw_one,
    extremes,
    plain,
    spaced,
)
from shiftassay.words.numbers import parameter

Scope = Literal["shared", "per_image"]
Information = Literal["preserved", "reduced", "destroyed"]
Invariant = Callable[[Images], Images]

FAMILIES: Registry[type["Shift"]] = Registry("shift", "shiftassay.shifts", "shiftassay.shifts.families")


@dataclass(frozen=True)
class Context:
    """What a shift that is aimed at a model needs: the true labels and the model's logits, differentiable."""

    labels: Int64[np.ndarray, "n"]
    logits: Callable[[torch.Tensor], torch.Tensor]


class ShiftJson(TypedDict):
    """A shift as JSON; its scope is null where it has no meaning."""

    family: str
    parameters: dict[str, ParameterValue]
    scope: Scope | None


class Estimator(Protocol):
    """How the parameters of a family are found out from pairs of images."""

    def estimate(self, family: "type[Shift]", pairs: Pairs) -> "list[Shift]":
        """The best guesses, one for each scope; none where there can be none."""
        ...

    def infer_draws(self, how: "Shift", pairs: Pairs) -> "Shift | None":
        """The shift with what it drew for each image; None if that can't be found out."""
        ...


class NothingToEstimate:
    """The family as it is, if it has no parameters that must be given."""

    def estimate(self, family: "type[Shift]", pairs: Pairs) -> "list[Shift]":
        return [] if family.parameter_names() else [family()]

    def infer_draws(self, how: "Shift", pairs: Pairs) -> "Shift | None":
        return None


@dataclass(frozen=True)
class Shift(ABC):
    """One transformation of image sets: a family (the class), its parameters (the fields) and its scope."""

    family: ClassVar[str]  # the name it is registered under
    group: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]] = ("shared",)
    why: ClassVar[str]
    """One sentence on why it hurts a network."""
    example: ClassVar[str] = ""
    """Parameters as they are typed: `angle=15`."""

    # How it is found.
    estimator: ClassVar[Estimator] = NothingToEstimate()
    search: ClassVar[Mapping[str, SearchRange]] = {}
    """The parameters that least squares look for."""
    smooth: ClassVar[bool] = False
    """Whether the picture moves, so that it is easier found on blurred images."""
    tier: ClassVar[int] = 0
    """How early it is tried: a tier comes only where all before it leave something; from the second on, only alone."""
    completed_by: ClassVar[tuple[str, ...]]
    """The groups of which another part of a composition is looked for once this one is found."""
    completes: ClassVar[tuple[str, ...]] = ()
    """The groups of parts beside which this one is looked for, though they do not name it."""
    found_as_first_part: ClassVar[bool]
    """Whether it is found although another shift follows that is a map of grey values or less."""
    derivative_free: ClassVar[tuple[str, ...]] = ()
    """The numbers without a derivative that are fitted by trying."""
    joint_search: ClassVar[Mapping[str, SearchRange]] = {}
    """The numbers that a fit of a whole composition looks for, though the family's own estimate finds them otherwise."""

    # How it is judged.
    random: ClassVar[bool]
    """Whether what it did to an image can't be found out again from the image."""
    covers: ClassVar[bool] = False
    """Whether it puts something in the place of some pixels, by chance, and leaves the others alone."""
    exact: ClassVar[bool]
    """Whether no other code would make it another way, up to rounding."""
    approximate: ClassVar[bool] = False
    """Whether it is never found to the last number, although nothing in it is random: clipping hides some."""
    general: ClassVar[bool] = False
    """Whether it has the numbers to imitate simpler shifts in a row."""
    extra_penalty: ClassVar[float] = 0.0
    """What it costs beyond its numbers, in units of the logarithm of the misfit (see `complexity_penalty`)."""
    orders: ClassVar[bool] = False
    """Whether, drawn for each image, it has an order of parts for each, which can make one picture nearly another."""
    imitates_attack: ClassVar[bool] = False
    """Whether, without a model, an attack on one could pass for it."""

    # What it has in common with others, for compositions.
    negative: ClassVar[bool] = False
    """Whether it makes black white, and white black, and undoes itself."""
    mirror: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    """Whether it is a linear map of places with a few numbers, two of which in a row are hidden by a general one."""
    curve: ClassVar[bool] = False
    """Whether it is a curve of grey values with one number, two of which in a row are fitted together."""
    point_spread: ClassVar[bool] = False
    """Whether it spreads each point over its neighbours, the same way everywhere."""
    hides_blur: ClassVar[bool] = False
    """Whether it leaves two values, so that a blur before it is not seen."""
    hides_moves: ClassVar[bool] = False
    """Whether it leaves two values, and a picture that moved before it makes them move likewise."""

    # How it is found without partners.
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Parameters to begin with, where there are no pairs."""
    refined: ClassVar[tuple[str, ...] | None] = None
    """The numbers that are refined where there are no pairs; None for all, if none of them is whole."""
    screened: ClassVar[bool] = True
    """Whether a first look at a few images says if a guess without pairs is promising."""

    scope: Scope = dataclasses.field(default="shared", kw_only=True)

    def __init_subclass__(cls) -> None:
        """What a family does not say of itself is what its group says; a new group's family says it all."""
        super().__init_subclass__()
        for name in ("completed_by", "found_as_first_part", "random", "exact"):
            if not hasattr(cls, name):
                if cls.group not in GROUPS:
                    raise TypeError(f"{cls.__name__}: its group {cls.group!r} is new, so it must say what {name} is.")
                setattr(cls, name, getattr(GROUPS[cls.group], name))

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

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        """The shifted image set: `apply`, unless the family changes labels too, or which images there are."""
        return dataclasses.replace(image_set, images=self.apply(image_set.images, rng, context))

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        """The images brought back as far as they can be, given the generator that `apply` was given; None if not at all."""
        return None

    @property
    def components(self) -> "tuple[Shift, ...]":
        """The parts of a composition, in the order in which they are applied; the shift itself if it is none."""
        return (self,)

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The family's best guesses at what lies between the pairs, one for each scope; none where it can't be."""
        return cls.estimator.estimate(cls, pairs)

    def infer_draws(self, pairs: Pairs) -> "Shift | None":
        """This shift with what it drew for each of the pairs' images found out again; itself if nothing is drawn; None if it can't be."""
        return self if self.scope == "shared" else self.estimator.infer_draws(self, pairs)

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> "list[Shift]":
        """What shows of the family whatever else happened to the pictures: a first part of compositions in any case."""
        return []

    @classmethod
    def guesses(cls, samples: Samples) -> "list[Shift]":
        """Shared shifts, and noise of one strength, that might lie between two samples without pairs."""
        unclipped = {"clip": False} if cls.random and "clip" in cls.__dataclass_fields__ and not samples.clipped else {}
        given = (cls.allowed({**numbers, **unclipped}, samples.few) for numbers in cls.grid)
        return [how for how in given if how is not None]

    @classmethod
    def allowed(cls, parameters: Mapping[str, Any], images: Images) -> "Shift | None":
        """The shift, or None if these parameters, or images of this size, are not allowed."""
        try:
            how = cls(**parameters)
            how.apply(images[:1], np.random.default_rng(0))
        except BadInput:
            return None
        return how

    def normal_form(self) -> "Shift":
        """The same shift in the words of the family that needs the fewest numbers for it."""
        return self

    def simplify_with(self, neighbour: "Shift") -> "tuple[Shift, Shift] | None":
        """This shift and the one before or after it in a composition, said more simply; None if they are simple already."""
        return None

    def rounded(self) -> "Shift":
        """With whole numbers, where it nearly has them and they are likely: a fit that resamples in another way gets no nearer."""
        return self

    def without_negligible(self) -> "Shift":
        """Without a number that hardly matters."""
        return self

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return False

    @property
    def variant(self) -> tuple[Any, ...]:
        """What fits of one family have to agree on to be of one kind."""
        return (getattr(self, "clip", None),)

    @property
    def shrinks(self) -> bool:
        """Whether the picture becomes smaller, which careful code does not do by sampling alone."""
        return False

    @property
    def degrees_of_freedom(self) -> int:
        """How many numbers it was free to choose."""
        return sum(count_numbers(value) for name, value in vars(self).items() if name not in ("scope", "clip"))

    @property
    def affine_map(self) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """The general map of places that it is, which may hide two simpler ones; None if it is no such map."""
        return None

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> "Shift":
        """Of a linear family: the shift that a 2 × 3 map of places would be if it were nothing else."""
        raise NotImplementedError(f"{cls.__name__} is no linear map")

    def factors(self, pairs: Pairs) -> "list[Shift] | None":
        """Simpler shifts in a row that would come to the same; None where the search has to look for them."""
        return None

    def permutes_smoothly(self, pairs: Pairs) -> bool:
        """Whether it is a permutation that keeps neighbours together, and so imitates a turn, a mirror or a warp."""
        return False

    def imitates(self, images: Images) -> str | None:
        """The family that it could be taken for on these images, if hardly anything sets them apart."""
        return None

    @property
    def position_permutation(self) -> tuple[int, ...] | None:
        """The permutation of places, out[i] = in[places[i]], if that is all it is."""
        return None

    @property
    def shuffles(self) -> bool:
        """Whether it leaves of each image nothing but the multiset of its pixel values."""
        return False

    @property
    def largest_change(self) -> float | None:
        """By how much it changes a pixel at most, if that is one number for all; None if it is not known."""
        return None

    @property
    def ball(self) -> Ball | None:
        """In what ball around each image an attack is made; None for what is no attack."""
        return None

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        """What is left of an image as it was, by name, where it is drawn afresh for each; None if that is not known."""
        return None

    def unidentified(self, shifted: Images) -> list[int] | None:
        """Of a shift of places: those that can't be told, since they always show the same; None for others."""
        return None

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """The names of the parameters that are to be found out."""
        return tuple(f.name for f in dataclasses.fields(cls) if f.name not in ("scope", "clip"))

    @classmethod
    def search_starts(cls, size: tuple[int, ...]) -> np.ndarray:
        """(g, k): the numbers that a fit starts from, for images of size (h, w)."""
        return np.array(list(product(*(s.starts for s in cls.search.values()))), np.float64)

    def candidate_draws(self) -> np.ndarray:
        """(g, k): the numbers that this shift may have drawn, or some between those."""
        starts = [spaced(getattr(self, name), searched) for name, searched in self.search.items()]
        return np.array(list(product(*starts)), np.float64)

    @classmethod
    def search_steps(cls) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each number: the step of its finite differences, its lower and its upper limit."""
        s = cls.search.values()
        return np.array([v.step for v in s]), np.array([v.low for v in s]), np.array([v.high for v in s])

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> "Shift":
        """The shared shift with the k numbers of a fit."""
        kinds = [type(s.starts[0]) for s in cls.search.values()]
        given = {name: kind(value) for name, kind, value in zip(cls.search, kinds, numbers, strict=True)}
        return cls(**given)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> "Shift":
        """The shift with the numbers (n, k) of n images."""
        return cls(
            **{name: PerImage(column) for name, column in zip(cls.search, numbers.T, strict=True)}, scope="per_image"
        )

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> "Shift":
        """The shift whose draws the numbers (n, k) of n images look like."""
        how = {}
        for (name, searched), column in zip(cls.search.items(), numbers.T, strict=True):
            value = distribution(column, searched.same, searched.limits)
            how[name] = type(searched.starts[0])(value) if isinstance(value, float) else value
        return cls(**how, scope="per_image")

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Shift":
        """The same shift with whatever is drawn once for all images of (c, h, w) now fixed; the shift itself if nothing is."""
        if self.scope == "per_image":
            return self
        fixed = {name: draw_one(v, rng) for name, v in vars(self).items() if isinstance(v, Uniform | Choice)}
        return dataclasses.replace(self, **fixed)

    @property
    def parameters(self) -> Parameters:
        """The parameters as JSON: numbers, lists, and {low, high} or {values} for what is drawn."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "scope"}
        return {name: plain(value) for name, value in values.items() if value is not None}

    def to_json(self) -> ShiftJson:
        """Family, parameters and scope: what `catalogue.from_json` reads."""
        scope = None if self.group in ("none", "sample", "several") else self.scope
        return {"family": self.family, "parameters": dict(self.parameters), "scope": scope}

    def __str__(self) -> str:
        defaults = {f.name: plain(f.default) for f in dataclasses.fields(self)}
        given = [f"{name} = {parameter(v)}" for name, v in self.parameters.items() if v != defaults[name]]
        drawn = "per_image" in self.scopes
        each = {"shared": ", the same for all images", "per_image": ", drawn afresh for each image"}[self.scope]
        return self.family + (f" ({', '.join(given)})" if given else "") + (each if drawn else "")


def check(shift: Shift, name: str, holds: Callable[[float], bool], allowed: str) -> None:
    """Raise `BadInput` unless a parameter is what is allowed wherever it may be drawn."""
    for value in extremes(getattr(shift, name)):
        if not holds(value):
            raise BadInput(f"{shift.family}: {name} must be {allowed}, not {value:g}.")
