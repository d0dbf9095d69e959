"""Compositions: several shifts in a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.shifts.code import Steps, in_a_row
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.moved import Moved
from shiftassay.shifts.resizing import Resized

LINEAR = ("geometry", "blur")  # groups
BY_VALUE = ("intensity", "noise")  # groups that change each value alone
SETTLED = 3000  # pairs
BLACK = 1e-3  # grey value
FROM_MOST_TO_LEAST: tuple[Information, ...] = ("preserved", "reduced", "destroyed")


@FAMILIES.register("compose")
@dataclass(frozen=True)
class Compose(Shift):
    """The `parts`, applied in order and undone in reverse. Each draws from its own generator."""

    family: ClassVar[str] = "compose"
    group: ClassVar[str] = "several"
    why: ClassVar[str] = (
        "Each part moves the image further from what was trained on, and a network that bears one may fail at both."
    )

    parts: tuple[Shift, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise BadInput("compose: it needs at least one part.")

    @property
    def components(self) -> tuple[Shift, ...]:
        return self.parts

    @property
    def information(self) -> Information:
        return FROM_MOST_TO_LEAST[max(FROM_MOST_TO_LEAST.index(part.information) for part in self.parts)]

    @property
    def needs_model(self) -> bool:
        return any(part.needs_model for part in self.parts)

    @property
    def degrees_of_freedom(self) -> int:
        return sum(part.degrees_of_freedom for part in self.parts)

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Compose":
        return replace(self, parts=tuple(part.realize(shape, own) for part, own in self._with_generators(rng)))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Resized:
        for part, own in self._with_generators(rng):
            images = part.apply(images, own, context)
        return images

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        for part, own in self._with_generators(rng):
            image_set = part.apply_to_set(image_set, own, context)
        return image_set

    def alternatives(self) -> Mapping[str, Shift]:
        of_parts = [part.alternatives() for part in self.parts]
        names = dict.fromkeys(name for others in of_parts for name in others)
        pairs = list(zip(self.parts, of_parts, strict=True))
        return {name: replace(self, parts=tuple(others.get(name, part) for part, others in pairs)) for name in names}

    def on_black(self) -> "Compose":
        return replace(self, parts=tuple(part.on_black() for part in self.parts))

    def undo(self, images: Images, rng: np.random.Generator) -> Resized | None:
        """The parts undone that can be: what the others did stays.

        None where that is none of them, or where one that changed the size can't be.
        """
        undone = []
        for part, own in reversed(self._with_generators(rng)):
            before = part.undo(images, own)
            if before is None and part.group == "framing":
                return None
            undone.append(before is not None)
            images = images if before is None else before
        return images if any(undone) else None

    def undo_steps(self) -> Steps | None:
        """Those of the parts that can be undone, last part first."""
        if any(part.group == "framing" and part.known_undo is None for part in self.parts):
            return None
        return in_a_row(part.known_undo for part in reversed(self.parts) if part.known_undo is not None)

    @property
    def advice(self) -> str:
        """That of the whole where all of it can be undone; else of each part, in its order."""
        if all(part.known_undo is not None for part in self.parts):
            return super().advice
        return " ".join(dict.fromkeys(f"{part.family}: {_small(part.advice)}" for part in self.parts))

    def infer_draws(self, pairs: Pairs) -> "Compose | None":
        """Infer part by part, on images that went through the parts before.

        Parts that can't be inferred stay as they are.
        """
        images, parts = pairs.reference, []
        for part, own in self._with_generators(np.random.default_rng(0)):
            later = self.parts[len(parts) + 1 :]
            if part.adds and later and is_linear(later):
                inferred = part.infer_draws(beneath(later, images, pairs.shifted)) or part
            elif parts or not later:
                inferred = part.infer_draws(Pairs(images, pairs.shifted, contrast=bool(later))) or part
            else:
                inferred = infer_first_part(part, pairs)
            images = inferred.apply(images, own)
            parts.append(inferred)
        return replace(self, parts=tuple(parts))

    def settle(self, pairs: Pairs) -> "Compose":
        """Each rearrangement settled that only maps of values and noise follow.

        It might as well follow the maps.
        """
        moved = [i for i, part in enumerate(self.parts) if part.group == "rearrangement" and part.scope == "shared"]
        if not moved:
            return self
        some, parts = pairs.first(SETTLED), list(self.parts)
        inferred = (self.infer_draws(some) or self).parts
        for i in moved:
            if all(part.group in BY_VALUE for part in parts[i + 1 :]):
                images = some.reference
                for part in (*parts[:i], *inferred[i + 1 :]):
                    images = images if part.random else part.apply(images, np.random.default_rng(0))
                parts[i] = parts[i].settle(replace(some, reference=images))
        return replace(self, parts=tuple(parts))

    def in_simpler_parts(self, pairs: Pairs) -> list[Shift]:
        """None: it has come apart."""
        return []

    def normal_form(self) -> Shift:
        """The parts in normal form, simplified.

        Neighbours are merged where possible, and parts that change nothing are dropped.
        """
        parts = [part for part in map(in_normal_form, self.parts) if not isinstance(part, Identity)]
        for i in range(len(parts) - 1):
            parts[i : i + 2] = _on_black(*_simplified(*parts[i : i + 2]))
        parts = [part for part in parts if not part.is_identity]
        if 1 < len(parts) < len(self.parts):  # what are neighbours now may have a simpler form, too
            return Compose(tuple(parts)).normal_form()
        return Compose(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else Identity())

    def rounded(self) -> Shift:
        return self._part_by_part(tuple(part.rounded() for part in self.parts))

    def without_negligible(self) -> Shift:
        return self._part_by_part(tuple(part.without_negligible() for part in self.parts))

    def _part_by_part(self, parts: tuple[Shift, ...]) -> Shift:
        """The composition of these parts; the same object if they are its own."""
        return self if parts == self.parts else Compose(parts)

    def _with_generators(self, rng: np.random.Generator) -> list[tuple[Shift, np.random.Generator]]:
        return list(zip(self.parts, rng.spawn(len(self.parts)), strict=True))

    def __str__(self) -> str:
        return "; then ".join(map(str, self.parts))


def infer_first_part(shift: Shift, pairs: Pairs) -> Shift:
    """The first part of a composition with its per-image parameters.

    Any linear map of grey values may follow. The pairs keep it: it is inferred once for all compositions that begin
    with it.
    """
    inferred = pairs.inferred
    if shift not in inferred:
        inferred[shift] = shift.infer_draws(replace(pairs, contrast=True)) or shift
    return inferred[shift]


def is_linear(parts: Sequence[Shift]) -> bool:
    """Whether the parts are known linear maps of pictures: blurs and moves."""
    return all(part.group in LINEAR and part.scope == "shared" and not part.random for part in parts)


def beneath(later: Sequence[Shift], images: Images, shifted: Images) -> Pairs:
    """Pairs that tell what was added to the images before linear parts came after it."""
    return Pairs(images, shifted, followed_by=partial(Compose(tuple(later)).apply, rng=np.random.default_rng(0)))


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def in_normal_form(shift: Shift) -> Shift:
    """The same shift as a member of the registered family with the fewest parameters."""
    simplest = shift.normal_form()
    return simplest if simplest.family in FAMILIES else shift


def in_usual_form(shift: Shift) -> Shift:
    """The same shift as its registered families make it.

    That is, not as other implementations do (`alternatives`).
    """
    if isinstance(shift, Compose):
        return replace(shift, parts=tuple(map(in_usual_form, shift.parts)))
    usual = FAMILIES[shift.family]
    return shift if type(shift) is usual else usual(**{f.name: getattr(shift, f.name) for f in fields(usual)})


def _on_black(first: Shift, then: Shift) -> tuple[Shift, Shift]:
    """A curve of grey values before a move instead of after it, where black moves in then."""
    if not isinstance(first, Moved) or isinstance(first.fill, str) or then.scope != "shared":
        return first, then
    if not (then.curve or then.negative):
        return first, then
    colour = np.array(first.fill, np.float32).reshape(1, -1, 1, 1)
    after = then.apply(colour, np.random.default_rng(0))
    return (then, replace(first, fill="black")) if float(np.abs(after).max()) < BLACK else (first, then)


def _simplified(first: Shift, then: Shift) -> tuple[Shift, Shift]:
    """Two neighbours in a simpler form, if one of them has one."""
    if (one := then.including(first)) is not None:
        return Identity(), one
    if (both := first.simplify_with(then)) is not None:
        return both
    if (both := then.simplify_with(first)) is not None:
        return both[1], both[0]
    return first, then
