"""A family of shifts: a frozen dataclass whose fields are its parameters.

Its methods apply, undo and estimate it. What diagnosis and repair need to know of a family stands in its traits and
methods: no other file names it.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypedDict

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.registry import Registry
from shiftassay.shifts.code import InCode
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.framing import Framing
from shiftassay.shifts.groups import GROUPS
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameter_vector import ParameterVector
from shiftassay.shifts.parameters import (
    Choice,
    Parameters,
    ParameterValue,
    Uniform,
    count_numbers,
    draw_one,
    extremes,
    plain,
)
from shiftassay.shifts.properties import Properties
from shiftassay.shifts.traits import Traits
from shiftassay.words.shifts import SCOPES, shift_in_words

Scope = Literal["shared", "per_image"]
Information = Literal["preserved", "reduced", "destroyed"]

FAMILIES: Registry[type["Shift"]] = Registry("shift", "shiftassay.shifts", "shiftassay.shifts.families")


@dataclass(frozen=True)
class Context:
    """What an attack needs: the true labels, and the differentiable logits of the model."""

    labels: Int64[np.ndarray, "n"]
    logits: Callable[[torch.Tensor], torch.Tensor]


class ShiftJson(TypedDict):
    """A shift as JSON; its scope is null where it has no meaning."""

    family: str
    parameters: dict[str, ParameterValue]
    scope: Scope | None


class Estimator(Protocol):
    """How the parameters of a family are estimated from pairs of images."""

    def estimate(self, family: "type[Shift]", pairs: Pairs) -> "list[Shift]":
        """The best estimates, one per scope; none where the family can't apply."""
        ...

    def infer_draws(self, shift: "Shift", pairs: Pairs) -> "Shift | None":
        """The shift with its per-image parameters estimated; None if they can't be."""
        ...


class NothingToEstimate:
    """The estimator of a family without parameters: the family itself."""

    def estimate(self, family: "type[Shift]", pairs: Pairs) -> "list[Shift]":
        return [] if family.parameter_names() else [family()]

    def infer_draws(self, shift: "Shift", pairs: Pairs) -> "Shift | None":
        return None


@dataclass(frozen=True)
class Shift(Traits, ParameterVector, Properties, InCode, ABC):
    """A transformation of image sets: a family (the class), its parameters (fields) and a scope."""

    scopes: ClassVar[tuple[Scope, ...]] = ("shared",)
    estimator: ClassVar[Estimator] = NothingToEstimate()

    scope: Scope = dataclasses.field(default="shared", kw_only=True)

    def __init_subclass__(cls) -> None:
        """Copy from the group what the family does not declare.

        A family of a new group declares everything.
        """
        super().__init_subclass__()
        for name in ("completed_by", "found_as_first_part", "random", "exact"):
            if not hasattr(cls, name):
                if cls.group not in GROUPS:
                    raise TypeError(f"{cls.__name__}: its group {cls.group!r} is new, so it must declare {name}.")
                setattr(cls, name, getattr(GROUPS[cls.group], name))

    def __post_init__(self) -> None:
        if self.scope not in self.scopes:
            raise BadInput(f"{self.family}: its scope is {' or '.join(self.scopes)}, not {self.scope!r}.")

    @property
    @abstractmethod
    def information(self) -> Information:
        """What the shift leaves of an image; `undo` is exact if all is `preserved`."""

    @property
    def needs_model(self) -> bool:
        """Whether `apply` needs a context, because it attacks a model."""
        return False

    @abstractmethod
    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        """The shifted images. Random numbers are drawn in the order of the images."""

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        """The shifted image set.

        `apply` to its images, unless the family also changes labels or selects images.
        """
        return dataclasses.replace(image_set, images=self.apply(image_set.images, rng, context))

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        """The images restored as far as possible; None if they can't be.

        `rng` is in the state that `apply` was given.
        """
        return None

    def alternatives(self) -> "Mapping[str, Shift]":
        """This shift as other known implementations make it, by what they do otherwise.

        Without other resamplings and roundings, which concern all shifts.
        """
        return {}

    def on_black(self) -> "Shift":
        """This shift, with black in the place of anything else that moves in from outside."""
        return self

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The real parameters by which a remake has derivatives.

        Least squares give their intervals.
        """
        declared = {**self.search, **self.joint_search}
        return tuple(
            name for name, search in declared.items() if search.step and isinstance(vars(self).get(name), float)
        )

    def simulated_statistics(self, pairs: Pairs) -> Float64[np.ndarray, "n q"]:
        """Of each image, what the `simulated` parameters show in.

        Beyond the size and the smoothness of the change, which are compared for all families.
        """
        return np.empty((len(pairs), 0))

    def own_intervals(self, pairs: Pairs, level: float) -> "Mapping[str, OwnInterval]":
        """Parameters whose interval only the family itself can find.

        Such as levels at which values jump.
        """
        return {}

    @property
    def components(self) -> "tuple[Shift, ...]":
        """The parts of a composition, in order of application; else the shift itself."""
        return (self,)

    @classmethod
    def estimate(cls, pairs: Pairs) -> "list[Shift]":
        """The family's best estimates, one per scope; empty where it can't apply."""
        return cls.estimator.estimate(cls, pairs)

    def infer_draws(self, pairs: Pairs) -> "Shift | None":
        """This shift with its per-image parameters estimated.

        Itself if it has none; None if the estimate fails.
        """
        return self if self.scope == "shared" else self.estimator.infer_draws(self, pairs)

    @classmethod
    def evident_first_parts(cls, pairs: Pairs) -> "list[Shift]":
        """Estimates of the first part of a composition, valid whatever followed."""
        return []

    @classmethod
    def guesses(cls, samples: Samples) -> "list[Shift]":
        """Starting points without pairs: shared shifts, and noise of one strength."""
        unclipped = {"clip": False} if cls.random and "clip" in cls.__dataclass_fields__ and not samples.clipped else {}
        starts = (cls.allowed({**parameters, **unclipped}, samples.some_reference) for parameters in cls.grid)
        return [shift for shift in starts if shift is not None]

    @classmethod
    def allowed(cls, parameters: Parameters, images: Images) -> "Shift | None":
        """The shift, or None if these parameters, or images of this size, are not allowed."""
        try:
            shift = cls(**parameters)
            shift.apply(images[:1], np.random.default_rng(0))
        except BadInput:
            return None
        return shift

    def normal_form(self) -> "Shift":
        """The same shift as a member of the family that describes it with the fewest parameters."""
        return self

    def simplify_with(self, neighbor: "Shift") -> "tuple[Shift, Shift] | None":
        """A simpler form of this shift and its neighbour; None if there is none."""
        return None

    def including(self, before: "Shift") -> "Shift | None":
        """The one shift that does what another and then this one do; None if there is none."""
        return None

    def rounded(self) -> "Shift":
        """The shift with nearly integer estimates rounded to integers.

        A fit under another resampling comes no closer.
        """
        return self

    def without_negligible(self) -> "Shift":
        """Without parameters that hardly matter."""
        return self

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return False

    @property
    def variant(self) -> tuple[Any, ...]:
        """What two fits of one family must share to count as the same kind."""
        return (getattr(self, "clip", None),)

    @property
    def shrinks(self) -> bool:
        """Whether the picture becomes smaller.

        Other implementations may have filtered it against aliasing.
        """
        return False

    @property
    def degrees_of_freedom(self) -> int:
        """How many free parameters it has."""
        return sum(count_numbers(value) for name, value in vars(self).items() if name not in ("scope", "clip"))

    @property
    def affine_map(self) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """The matrix of a general affine map; None for other families."""
        return None

    @classmethod
    def from_affine(cls, matrix: np.ndarray) -> "Shift":
        """Of a `linear` family: its member nearest to a 2 × 3 affine map."""
        raise NotImplementedError(f"{cls.__name__} is no linear map")

    @classmethod
    def of_framing(cls, framing: Framing) -> "Shift | None":
        """The shift that does this alone, if one of this family does.

        Only of families that give pictures another size.
        """
        return None

    def in_simpler_parts(self, pairs: Pairs) -> "list[Shift] | None":
        """Simpler shifts in a row that are equivalent; None where they have to be searched for."""
        return None

    def settle(self, pairs: Pairs) -> "Shift":
        """An estimate with what only all pairs tell.

        Of a permutation each place, and which remain unidentified.
        """
        return self

    def settle_unpaired(self, reference: Images, shifted: Float32[np.ndarray, "m c h w"]) -> "Shift":
        """The same of two samples that share no image."""
        return self

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Shift":
        """The shift with its shared random parameters drawn, for images of shape (c, h, w)."""
        if self.scope == "per_image":
            return self
        fixed = {name: draw_one(v, rng) for name, v in vars(self).items() if isinstance(v, Uniform | Choice)}
        return dataclasses.replace(self, **fixed)

    @property
    def parameters(self) -> Parameters:
        """The parameters as JSON: numbers, lists, and {low, high} or {values} for distributions."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "scope"}
        return {name: plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def defaults(cls) -> Parameters:
        """The parameters that need not be given, and what they are then, as JSON."""
        fixed = {f.name: plain(f.default) for f in dataclasses.fields(cls) if f.default is not dataclasses.MISSING}
        made = {f.name: plain(f.default_factory()) for f in dataclasses.fields(cls) if callable(f.default_factory)}
        return {**fixed, **made}

    @classmethod
    def known_as(cls, parameters: Parameters) -> str | None:
        """What is known under these parameters, in words: who uses them, or a standard."""
        return None

    def to_json(self) -> ShiftJson:
        """Family, parameters and scope: what `catalog.from_json` reads."""
        scope = None if self.group in ("none", "sample", "several") else self.scope
        return {"family": self.family, "parameters": dict(self.parameters), "scope": scope}

    def __str__(self) -> str:
        defaults = self.defaults()
        informative = {
            name: value for name, value in self.parameters.items() if name not in defaults or value != defaults[name]
        }
        name = self.known_as(self.parameters)
        scope = SCOPES[self.scope if "per_image" in self.scopes else None]
        return shift_in_words(self.family, informative, scope, name=name)


def check(shift: Shift, name: str, holds: Callable[[float], bool], allowed: str) -> None:
    """Raise `BadInput` unless a condition holds for a parameter's extremes."""
    for value in extremes(getattr(shift, name)):
        if not holds(value):
            raise BadInput(f"{shift.family}: {name} must be {allowed}, not {value:g}.")
